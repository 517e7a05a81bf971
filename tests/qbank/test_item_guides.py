"""The authors' guide of every item type: complete, shown in the product, linked from where items are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from item_templates import registry
from item_templates.guides import guide_html, guide_source
from kernel.identity.permissions import Role
from tests.factories.standards import make_level

TYPES = registry.all_types()


def sections(source: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", source, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_there_are_thirteen_types():
    assert len(TYPES) == 13


@pytest.mark.parametrize("item_type", TYPES, ids=lambda one: one.name)
def test_a_guide_says_how_to_write_shows_a_good_and_a_bad_example_and_how_it_is_scored(item_type):
    source = guide_source(item_type)
    found = sections(source)
    assert re.match(r"# .*命题指南\n", source)
    assert len(re.findall(r"^\d\. ", found["怎么写"], re.MULTILINE)) >= 3
    assert len(re.findall(r"^> .{8,}", found["好例子"], re.MULTILINE)) >= 1
    assert len(re.findall(r"^> .{8,}", found["坏例子"], re.MULTILINE)) >= 1
    assert len(re.findall(r"^- .{6,}", found["坏例子"], re.MULTILINE)) >= 2, "what is bad about it"
    assert any(title.startswith("评分") and text.strip() for title, text in found.items())


@pytest.mark.parametrize("item_type", TYPES, ids=lambda one: one.name)
def test_a_guide_is_shown_whole_and_without_marks(item_type):
    shown = guide_html(guide_source(item_type))
    assert shown.count("<blockquote>") >= 2
    assert not re.search(r"\*\*|(?<!\w)`|^#|<p>[|>-]", shown)
    for text in sections(guide_source(item_type)):
        assert f"<h2>{text}</h2>" in shown


def test_lists_inside_lists_tables_and_signs_of_html_are_written():
    source = "1. 一：\n   - 甲 <b>\n   - 乙\n2. 二\n\n| 名 | 值 |\n|---|---|\n| `a<b` | **重** |\n"
    assert guide_html(source) == (
        "<ol><li>一：<ul><li>甲 &lt;b&gt;</li><li>乙</li></ul></li><li>二</li></ol>"
        '<table class="data-table"><thead><tr><th scope="col">名</th><th scope="col">值</th></tr></thead>'
        "<tbody><tr><td><code>a&lt;b</code></td><td><strong>重</strong></td></tr></tbody></table>"
    )


def test_an_author_reads_every_guide_from_where_items_are_written(sign_in, organisation):
    level = make_level(organisation.organisation_id)
    client = sign_in(Role.AUTHOR)
    assert "/items/guides/" in client.get("/items/new").text
    for item_type in TYPES:
        page = client.get(f"/items/guides/{item_type.name}")
        assert page.status_code == 200
        assert "坏例子" in page.text
    editor = client.get(f"/items/new?type=ordering&level={level.standard_level_id}")
    assert 'href="/items/guides/ordering"' in editor.text
    assert client.get("/items/guides/nothing").status_code == 404
    assert sign_in(Role.INVIGILATOR).get("/items/guides/").status_code == 403


def test_the_authors_document_names_every_guide_and_links_lead_somewhere():
    document = Path(__file__).parents[2] / "docs/zh/命题指南.md"
    links = re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8"))
    assert {f"../../item_templates/{one.name}/guide.md" for one in TYPES} <= set(links)
    assert [link for link in links if not (document.parent / link).exists()] == []
