"""The English of every package is whole, and English pages are English."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from kernel.identity.permissions import Role

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("kernel", "item_templates", "qbank", "blueprints", "exam_delivery", "certification", "web")
CHINESE = re.compile(r"[\u3400-\u9fff]")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|%%|</?[a-z][^>]*>")


@pytest.fixture(scope="module")
def catalogues():
    """The tool that keeps the catalogues."""
    spec = importlib.util.spec_from_file_location("catalogue_tool", ROOT / "tools/i18n.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def texts(value):
    return value if isinstance(value, list | tuple) else (value,)


def test_the_tool_keeps_every_package_with_messages(catalogues):
    assert set(catalogues.PACKAGES) == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_message_has_its_english_in_a_fresh_compiled_catalogue(catalogues, package):
    assert catalogues.problems(package) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_translation_fills_in_what_its_source_fills_in(catalogues, package):
    differing = [
        (source, english)
        for entry in catalogues.load(package)
        if entry.id
        for source in texts(entry.id)[:1]
        for english in texts(entry.string)
        if set(PLACEHOLDER.findall(source)) != set(PLACEHOLDER.findall(english))
    ]
    assert differing == []


def test_one_chinese_text_reads_the_same_in_english_wherever_it_stands(catalogues):
    """The catalogues are merged when they are loaded, so a second English would win or lose by chance."""
    english = {}
    for package in PACKAGES:
        for entry in catalogues.load(package):
            english.setdefault(entry.id, {}).setdefault(entry.string, []).append(package)
    differing = {source: found for source, found in english.items() if source and len(found) > 1}
    assert differing == {}


def in_english(client, path, *names):
    """Return the Chinese words left on a page once names are taken out."""
    client.get("/language/en")
    answer = client.get(path)
    assert answer.status_code == 200
    assert '<html lang="en">' in answer.text
    text = answer.text
    for name in ("中文", *names):  # the language switch names each language in itself
        text = text.replace(name, "")
    return [line.strip() for line in text.splitlines() if CHINESE.search(line)]


def test_the_sign_in_page_is_english(app):
    client = app.test_client()
    assert in_english(client, "/sign-in") == []
    assert "User name" in client.get("/sign-in").text


def test_the_home_page_of_an_editor_is_english(sign_in, organisation):
    client = sign_in(Role.EDITOR)
    assert in_english(client, "/", organisation.name) == []
    assert "Item bank manager" in client.get("/").text


def test_the_people_page_is_english(sign_in, make_user, organisation):
    make_user(Role.EDITOR, Role.INVIGILATOR)
    client = sign_in(Role.ORGANISATION_ADMIN)
    assert in_english(client, "/people/", organisation.name) == []
    assert "New person" in client.get("/people/").text


def test_a_refused_password_is_explained_in_english(app):
    client = app.test_client()
    client.get("/language/en")
    answer = client.post("/sign-in", data={"username": "nobody", "password": "not a password"})
    assert answer.status_code == 422
    assert "User name or password is wrong" in answer.text
