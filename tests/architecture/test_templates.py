"""Rules about every template that a browser is sent."""

from __future__ import annotations

import re

import pytest
from jinja2 import StrictUndefined

from tests.architecture.sources import ROOT, short

FOLDERS = (
    "web/templates",
    "item_templates",
    *(f"{c}/templates" for c in ("qbank", "blueprints", "exam_delivery", "certification")),
)
TEMPLATES = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.html"))]
INLINE = re.compile(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def name_of(file) -> str:
    """Return the name under which the application finds a template."""
    path = short(file)
    return path if path.startswith("item_templates/") else path.partition("/templates/")[2]


@pytest.mark.parametrize("file", TEMPLATES, ids=short)
def test_a_template_parses_and_the_files_it_names_exist(app_with_schema, file):
    environment = app_with_schema.jinja_env
    assert environment.undefined is StrictUndefined
    environment.get_template(name_of(file))
    for named in re.findall(r"\{%-?\s*(?:extends|include|from|import)\s+\"([^\"]+)\"", file.read_text("utf-8")):
        environment.get_template(named)


def test_no_template_carries_style_or_script_inside():
    found = [f"{short(f)}: {m[0]}" for f in TEMPLATES if (m := INLINE.search(f.read_text("utf-8")))]
    assert found == []


def test_every_text_is_in_the_catalogue(app_with_schema):
    bare = [
        f"{short(file)}:{line} {text.strip()}"
        for file in TEMPLATES
        if "styleguide" not in short(file)
        for line, kind, text in app_with_schema.jinja_env.lex(file.read_text("utf-8"))
        if kind == "data" and CHINESE.search(text)
    ]
    assert bare == []


def test_every_form_that_posts_carries_a_token():
    bare = [
        short(file)
        for file in TEMPLATES
        if "styleguide" not in short(file)
        for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", file.read_text("utf-8"), re.DOTALL)
        if "csrf" not in form
    ]
    assert bare == []


def test_two_components_do_not_share_a_template_name():
    names = [name_of(file) for file in TEMPLATES]
    assert sorted(set(names)) == sorted(names)


def test_a_column_of_a_table_says_only_what_the_table_understands():
    known = {"label", "numeric", "hidden", "sort_href", "sorted"}
    unknown = {
        (short(file), key)
        for file in TEMPLATES
        for columns in re.findall(r"call table\((\[.*?\]), ", file.read_text("utf-8"), re.DOTALL)
        for key in re.findall(r"\"(\w+)\":", columns)
    }
    assert {(file, key) for file, key in unknown if key not in known} == set()
