"""The pages of item types: what candidates, reviewers and authors see, and what forms give back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from item_templates import registry
from item_templates.contract import ItemContent
from item_templates.hotspot.pages import picture_parts
from item_templates.instances import frozen_or_nothing
from item_templates.markup import render_html
from item_templates.page_loader import loader
from tests.item_templates.item_contents import TYPE_NAMES, any_content, choices, example


def environment() -> Environment:
    env = Environment(loader=loader(), undefined=StrictUndefined, autoescape=True, extensions=["jinja2.ext.i18n"])
    env.trim_blocks = env.lstrip_blocks = True  # as the application sets them
    env.install_gettext_callables(lambda text: text, lambda one, many, n: one if n == 1 else many, newstyle=True)
    env.filters["item_html"] = lambda html: Markup(render_html(html, lambda name: f"/media/{name}"))  # noqa: S704 - render_html sanitises
    env.filters["item_frozen"] = frozen_or_nothing
    env.filters["item_picture"] = picture_parts
    env.globals["item_types"] = registry.all_types
    return env


ENV = environment()


def page(content: ItemContent, which: registry.Page, errors: Mapping[str, list[str]] | None = None) -> str:
    template = ENV.get_template(registry.template_name(registry.get(content.type), which))
    return template.render(content=content, **({"errors": errors or {}} if which == "edit" else {}))


class Form(HTMLParser):
    """Reads a form as a browser would send it when nobody touches it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.described: list[str] = []
        self.inputs: list[dict[str, str | None]] = []
        self._area: tuple[str, list[str]] | None = None
        self._select: str | None = None
        self._in_label = 0
        self.feed(html)

    def send(self, name: str, value: str) -> None:
        self.fields.setdefault(name, []).append(value)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found: dict[str, Any] = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        self.described += (found.get("aria-describedby") or "").split()
        if tag == "label":
            self._in_label += 1
            self.labelled.add(found.get("for") or "")
        if tag in {"input", "textarea", "select"} and found.get("type") != "hidden":
            self.inputs.append({**found, "wrapped": "yes" if self._in_label else None})
        if tag == "input" and (found.get("type") not in {"radio", "checkbox"} or "checked" in found):
            self.send(found["name"], found.get("value") or "")
        if tag == "textarea":
            self._area = (found["name"], [])
        if tag == "select":
            self._select = found["name"]
        if tag == "option" and self._select and "selected" in found:
            self.send(self._select, found.get("value") or "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._in_label -= 1
        if tag == "textarea" and self._area:
            self.send(self._area[0], "".join(self._area[1]).removeprefix("\n"))
            self._area = None
        if tag == "select":
            self._select = None


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_the_candidate_page_shows_stem_and_inputs_and_no_key(name):
    content = replace(example(name), explanation="绝密解析", rubric=({"text": "绝密要点", "score": "1"},))
    if name in {"fill_in", "short_answer"}:
        content = replace(content, key=[["绝密"]] if name == "fill_in" else ["绝密"])
    html = page(content, "item")
    assert "绝密" not in html
    assert 'name="response' in html
    assert html == page(replace(content, key={"unit": "A"} if name == "numeric" else None), "item")


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_the_candidate_page_can_be_drawn_from_the_delivery_view(name):
    content = example(name)
    template = ENV.get_template(registry.template_name(registry.get(name), "item"))
    assert template.render(content=registry.get(name).render(content)) == page(content, "item")


@pytest.mark.parametrize("name", TYPE_NAMES)
@pytest.mark.parametrize("which", ["item", "review", "edit"])
def test_a_page_has_no_inline_script_or_style_and_labels_every_input(name, which):
    html = page(example(name), which)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", html)
    form = Form(html)
    assert len(form.ids) == len(set(form.ids))
    assert set(form.described) <= set(form.ids)
    for field in form.inputs:
        assert field["wrapped"] or field.get("aria-label") or field.get("id") in form.labelled


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("single_choice", ["直流 2 V", "✔", "正确答案"]),
        ("multiple_choice", ["✔", "A、B、C、E"]),
        ("true_false", ["✔", "× 错误"]),
        ("fill_in", ["50 或 五十", "220"]),
        ("short_answer", ["立即切断电源", "评分要点"]),
        ("numeric", ["15.4 A", "± 0.1"]),
        ("essay", ["评分要点", "说明维护对象"]),
        ("matching", ["A — 1", "C — 4"]),
        ("ordering", ["B → A → D → C"]),
        ("hotspot", ["hotspot-key", "C", "急停按钮", "<ellipse", "<polygon"]),
        ("parametric", ["U^2/R", "U/R", "210 到 230，步长 5", "正确答案"]),
        ("testlet", ["热继电器整定值为 8 A", "B", "× 错误", "按电动机额定电流整定"]),
        ("calculation", ["评分要点", "求得电流 22 A", "最终答案", "4840 ± 10 W"]),
    ],
)
def test_the_review_page_marks_the_key_in_words_and_shows_the_explanation(name, marks):
    html = page(example(name), "review")
    for mark in [*marks, "解析", "标准答案" if name not in {"short_answer", "essay", "calculation"} else "评分"]:
        assert mark in html


def test_only_the_key_is_marked():
    html = page(example("single_choice"), "review")
    assert html.count("✔") == 1
    assert re.search(r"直流 2 V</span>\s*<span[^>]*item-key-mark", html)


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_saving_an_untouched_form_changes_nothing(name):
    content = example(name)
    assert registry.get(name).from_form(Form(page(content, "edit")).fields, content) == content


@given(any_content)
@settings(max_examples=60, deadline=None)
def test_saving_an_untouched_form_changes_no_content(content):
    sent = Form(page(content, "edit")).fields
    saved = registry.get(content.type).from_form(sent, content)
    method = saved.scoring.get("method")
    assert registry.get(content.type).method(content) == registry.get(content.type).method(saved)
    before = {"method": method, "fraction": content.scoring.get("fraction")}
    assert replace(saved, scoring=_plain(saved)) == replace(content, scoring={**_plain(content), **_chosen(before)})


def _plain(content: ItemContent) -> dict[str, Any]:
    return {name: value for name, value in content.scoring.items() if value is not False}


def _chosen(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_an_empty_form_gives_findings_and_no_crash(name):
    item_type = registry.get(name)
    blank = ItemContent(name, "", score=Decimal(1))
    content = item_type.from_form(Form(page(blank, "edit")).fields)
    codes = {one.code for one in item_type.validate(content)}
    assert "empty_stem" in codes
    assert item_type.validate(item_type.from_form({})) != []


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_every_error_is_shown_at_a_field(name):
    fields = ["stem", "key", "score", "scoring", "media"]
    fields += ["choices"] if registry.get(name).has_choices else []
    fields += ["targets"] if name == "matching" else []
    fields += ["parameters"] if name in {"parametric", "hotspot"} else []
    fields += ["rubric"] if name in {"essay", "short_answer", "calculation"} else []
    html = page(example(name), "edit", {field: [f"毛病在 {field}"] for field in fields})
    for field in fields:
        assert html.count(f"毛病在 {field}") == 1
        assert f'id="error-{field}"' in html


def test_what_was_typed_wrong_comes_back_into_the_form():
    fields = {
        "stem": ["题"],
        "choice": ["甲", "", "丙", ""],
        "choice_id": ["A", "B", "C", "D"],
        "key": ["D"],
        "score": ["x"],
    }
    content = registry.get("single_choice").from_form(fields)
    codes = {one.code for one in registry.get("single_choice").validate(content)}
    assert codes == {"empty_choice", "key_outside_choices", "score_not_positive"}
    assert [one.id for one in content.choices] == ["A", "B", "C"]
    assert "丙" in page(content, "edit")


def test_a_hostile_form_is_sanitised():
    fields = {"stem": ["<img src=x onerror=alert(1)>题<script>x</script>"], "choice": ["<b onclick=x>甲</b>", "乙"]}
    content = registry.get("single_choice").from_form(fields)
    assert "<img" not in content.stem
    assert "<script" not in content.stem
    assert content.choices[0].content == "<b>甲</b>"


def test_lines_typed_in_a_stem_stay_lines():
    content = registry.get("short_answer").from_form({"stem": ["第一行\r\n第二行"]})
    assert content.stem == "第一行<br>第二行"


def test_drawn_blanks_are_numbered_when_a_form_is_saved():
    content = registry.get("fill_in").from_form({"stem": ["铁是____"], "blank": ["Fe\r\n铁", "", ""], "score": ["1"]})
    assert (content.stem, content.key) == ("铁是{{1}}", [["Fe", "铁"]])


def test_media_and_option_weights_outlive_the_form():
    media = ({"id": "m1", "alt": "图", "mime": "image/png", "digest": "0" * 64},)
    weights = {"weights": {"A": 1}}
    base = ItemContent("single_choice", "题", choices("甲", "乙"), "A", media=media, scoring=weights)
    saved = registry.get("single_choice").from_form(Form(page(base, "edit")).fields, base)
    assert (saved.media, saved.scoring) == (media, weights)


def test_a_number_that_is_none_stays_in_the_form():
    content = registry.get("numeric").from_form({"stem": ["题"], "key_value": ["三"], "score": ["1"]})
    assert "bad_key" in {one.code for one in registry.get("numeric").validate(content)}
    assert 'value="三"' in page(content, "edit")
