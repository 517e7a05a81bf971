"""Pictures of the documentation: those that it names are there, and those that are there are named and can be taken again."""

from __future__ import annotations

import ast
import re

from tests.architecture.sources import ROOT

NAMED = re.compile(r"!\[([^\]]*)\]\(([^)\s]+\.(?:png|webp|jpg))\)")
IMAGES = ROOT / "docs/images"
MOST_BYTES = 150_000


def documents():
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def named():
    """Return every picture that a document shows, with the words for those who cannot see it and the document."""
    return [
        ((document.parent / address).resolve(), words, document.name)
        for document in documents()
        for words, address in NAMED.findall(document.read_text(encoding="utf-8"))
    ]


def taken():
    """Return the names of the pictures that the tool takes."""
    tree = ast.parse((ROOT / "tools/picture_walks.py").read_text(encoding="utf-8"))
    walks = next(one for one in tree.body if isinstance(one, ast.Assign) and one.targets[0].id == "WALKS")
    return {one.value for one in ast.walk(walks) if isinstance(one, ast.Constant)}


def test_every_picture_that_a_document_names_exists_and_has_words():
    pictures = named()
    assert len(pictures) > 10
    assert [(path.name, document) for path, words, document in pictures if not path.is_file() or not words] == []


def test_every_picture_is_named_by_a_document_and_taken_by_the_tool():
    stored = {path.stem for path in IMAGES.iterdir()}
    assert stored - {path.stem for path, _words, _document in named()} == set()
    assert stored == taken()


def test_pictures_are_small_enough_to_load_quickly():
    assert [path.name for path in IMAGES.iterdir() if path.stat().st_size > MOST_BYTES] == []
