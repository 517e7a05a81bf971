"""The staff components: they render from plain arguments, speak through the catalogue, and are readable by everybody."""

import re
from pathlib import Path

import jinja2
import pytest
from lxml import html

from tests.web.style_guide import DRAWER, ICON_NAMES, SIGN_IN, environment, render_pages

WEB = Path(__file__).parents[2] / "web"
TEMPLATES = WEB / "templates"
OURS = sorted([*(TEMPLATES / "components").glob("*.html"), *TEMPLATES.glob("*.html")])
CSS = sorted((WEB / "static" / "css").glob("*.css"))
SCRIPTS = sorted((WEB / "static" / "js").glob("*.js"))
PAGE_SOURCES = (DRAWER, SIGN_IN)
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
TOKENS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (WEB / "static/css/tokens.css").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def guide():
    return html.document_fromstring(render_pages()["/"])


def macro(source, **context):
    """Render a fragment that imports components and return its element."""
    return html.fragment_fromstring(environment().from_string(source).render(**context), create_parent="div")


INNER = {
    "field_shell",
    "field_notes",
    "common",
    "optional",
    "option",
    "choice_group",
    "head_cell",
    "tree_item",
    "two_way_cell",
}
"""Macros that other macros are made of."""
MACROS = {
    name: arguments
    for path in OURS
    if path.parent.name == "components" and path.name != "frame.html"
    for name, arguments in re.findall(r"{% macro (\w+)\((.*)\) -?%}", path.read_text(encoding="utf-8"))
    if name not in INNER
}


def test_the_style_guide_shows_every_macro():
    shown = "".join(
        path.read_text(encoding="utf-8") for path in [*TEMPLATES.glob("styleguide/*"), TEMPLATES / "layout.html"]
    )
    shown += "".join(page for page in PAGE_SOURCES)
    assert sorted(name for name in MACROS if not re.search(rf"\b{name}\(", shown)) == []


def test_the_readme_gives_every_macro_with_its_arguments():
    readme = (TEMPLATES / "components" / "README.md").read_text(encoding="utf-8")
    assert [
        f"`{name}({arguments})`" for name, arguments in MACROS.items() if f"`{name}({arguments})`" not in readme
    ] == []


def test_every_id_is_given_once_and_every_reference_finds_it(guide):
    ids = guide.xpath("//@id")
    assert sorted(i for i in set(ids) if ids.count(i) > 1) == []
    references = guide.xpath("//@for | //@aria-labelledby | //@aria-describedby | //@aria-controls")
    assert [r for reference in references for r in reference.split() if r not in ids] == []


def test_pages_carry_no_inline_script_style_or_handler():
    for path, page in render_pages().items():
        tree = html.document_fromstring(page)
        assert tree.xpath("//style | //script[not(@src)] | //*[@style]") == [], path
        assert [name for name in tree.xpath("//@*") if getattr(name, "attrname", "").startswith("on")] == [], path


def test_every_form_that_posts_carries_the_token(guide):
    forms = guide.xpath('//form[@method="post"]')
    assert len(forms) > 3
    assert [form.get("action") for form in forms if not form.xpath('.//input[@name="csrf_token"]')] == []


def test_every_icon_used_exists(guide):
    used = {href.split("#")[1] for href in guide.xpath("//*[local-name()='use']/@href")}
    named = {n for path in OURS for n in re.findall(r'icon(?:_name)?[=(]"([\w-]+)"', path.read_text(encoding="utf-8"))}
    assert (used | named) - set(ICON_NAMES) == set()


def test_errors_are_summed_up_with_links_to_their_fields(guide):
    links = guide.xpath('//div[@class="error-summary"]//a/@href')
    assert links == ["#field-code", "#field-mode"]
    field = guide.get_element_by_id("field-code")
    assert field.get("aria-invalid") == "true"
    assert field.get("aria-describedby") == "error-code"


def test_text_from_outside_is_escaped_in_every_argument():
    attack = '"><img src=x onerror=alert(1)>'
    element = macro(
        '{% from "components/forms.html" import text_field %}{% from "components/status.html" import badge, notice %}'
        '{% from "components/buttons.html" import button, copy_text %}{% from "components/tree.html" import tree %}'
        '{{ text_field("a", x, value=x, help=x, errors=[x]) }}{{ badge(x) }}{{ notice(x) }}{{ button(x, href=x) }}'
        "{{ copy_text(x) }}{{ tree([{'label': x, 'id': x, 'code': x}], x) }}",
        x=attack,
    )
    assert element.xpath(".//img") == []


def test_pagination_keeps_first_last_and_neighbours_and_marks_the_gap():
    pager = macro(
        '{% from "components/table.html" import pagination %}{{ pagination(7, 40, href, n_rows=1990) }}',
        href=lambda n: f"?page={n}",
    )
    assert [text for text in pager.xpath(".//li//text()") if text.strip()] == [
        "1",
        "…",
        "5",
        "6",
        "7",
        "8",
        "9",
        "…",
        "40",
    ]
    assert pager.xpath('string(.//*[@aria-current="page"])') == "7"
    assert pager.xpath('.//a[@rel="next"]/@href') == ["?page=8"]
    assert "1,990" in pager.text_content()


def test_two_way_table_says_short_and_over_in_words():
    cells = macro(
        '{% from "components/compare.html" import two_way_cell %}'
        "<table><tr>{{ two_way_cell({'wanted': 5, 'got': 4}) }}{{ two_way_cell({'wanted': 5, 'got': 6}) }}"
        "{{ two_way_cell({'wanted': 5, 'got': 5}) }}</tr></table>"
    ).xpath(".//td")
    assert [
        bool(re.search(word, cell.text_content())) for cell, word in zip(cells, ["不足", "超出", "5"], strict=True)
    ] == [True] * 3
    assert cells[2].get("class") is None


@pytest.mark.parametrize("template", ["layout.html", "plain.html"])
def test_frames_need_no_variable_at_all(template):
    text = environment().from_string(f'{{% extends "{template}" %}}{{% block title %}}甲{{% endblock %}}').render()
    assert html.document_fromstring(text).xpath("string(//h1)") == "甲"


def test_a_misspelt_argument_is_an_error_not_an_empty_place():
    with pytest.raises(jinja2.UndefinedError):
        macro('{% from "components/table.html" import table %}{% call table([{"lable": "x"}], "t") %}{% endcall %}')


@pytest.mark.parametrize("path", [p for p in OURS if p.name != "styleguide.html"], ids=lambda path: path.name)
def test_every_chinese_text_in_a_component_goes_through_the_catalogue(path):
    source = re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    bare = re.sub(r"""_\((?:"[^"]*"|'[^']*')[^)]*\)""", "", source)
    assert CHINESE.findall(bare) == []


@pytest.mark.parametrize("path", [*OURS, *TEMPLATES.glob("styleguide/*.html")], ids=lambda path: path.name)
def test_templates_stay_below_a_hundred_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 100


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_small_and_run_on_old_browsers(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 80
    newer = r"\.at\(|structuredClone|\.inert\b|Object\.hasOwn|\.findLast|Promise\.any|^await |#\w+ in |\beval\(|new Function"
    assert re.findall(newer, source, flags=re.MULTILINE) == []
    assert [word for word in CHINESE.findall(source) if word not in "取消"] == [], "texts come from templates"


@pytest.mark.parametrize("path", CSS, ids=lambda path: path.name)
def test_styles_use_nothing_newer_than_the_oldest_browser(path):
    source = path.read_text(encoding="utf-8")
    newer = (r":has\(|color-mix|@container|@layer|:is\(|:where\(|\binset:|aspect-ratio|accent-color|\bdvh\b|^\s*&|"
             r"text-wrap|overflow: clip|margin-inline:|padding-inline:")  # fmt: skip
    assert re.findall(newer, source, flags=re.MULTILINE) == []
    assert "data:" not in source, "the policy lets styles load pictures from our own folder only"


def test_every_control_whose_picture_bootstrap_embeds_gets_ours():
    bootstrap = next((WEB / "static/vendor").rglob("bootstrap.min.css")).read_text(encoding="utf-8")
    assert ".form-select" in bootstrap
    ours = "".join(path.read_text(encoding="utf-8") for path in CSS)
    for selector in (".form-select {", '.form-check-input:checked[type="checkbox"] {', ".btn-close {"):
        rule = ours[ours.index("\n" + selector) :].split("}")[0]
        assert 'url("../images/' in rule, selector


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_formula_agrees_with_published_values():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


TEXT_PAIRS = [
    *[(ink, ground) for ink in ("ink", "muted") for ground in ("surface", "ground", "surface-raised", "neutral-soft")],
    *[("muted", soft) for soft in ("primary-soft",)],
    *[("ink", f"{kind}-soft") for kind in ("primary", "success", "warning", "danger")],
    *[(colour, ground) for colour in ("primary", "success", "warning", "danger") for ground in ("surface", "ground")],
    ("on-primary", "primary"), ("on-primary", "primary-strong"), ("on-primary", "danger"), ("on-primary", "danger-strong"),
    ("primary-strong", "primary-soft"), ("success-ink", "success-soft"), ("warning-ink", "warning-soft"),
    ("danger-strong", "danger-soft"), ("insert-ink", "insert-soft"), ("delete-ink", "delete-soft"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_text_is_readable_on_its_ground(text, ground):
    assert contrast(TOKENS[text], TOKENS[ground]) >= 4.5


@pytest.mark.parametrize(
    ("part", "ground"),
    [
        ("line-strong", "surface"),
        ("primary", "surface"),
        ("primary", "ground"),
        ("chart-1", "surface"),
        ("chart-2", "surface"),
    ],
)
def test_outlines_of_controls_and_charts_stand_out(part, ground):
    assert contrast(TOKENS[part], TOKENS[ground]) >= 3
