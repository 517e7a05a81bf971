"""Testlets come into the bank and go out again whole: pictures by their digest, parts with their keys, duplicates known."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from item_templates import registry
from item_templates.canonical import content_digest
from item_templates.contract import CanonicalItem
from item_templates.markup import media_ids
from kernel.uow import unit_of_work
from qbank.interchange.convert import read_items, write_items
from qbank.repository import items as repository
from qbank.repository.items import ItemFilter
from qbank.services import exports, items
from tests.item_templates.item_contents import example
from tests.qbank.item_bank import picture
from tests.qbank.test_imports import editor, import_all, level_id, listed  # noqa: F401 - fixtures

SET = example("testlet")


def with_picture() -> tuple[CanonicalItem, dict[str, bytes]]:
    data = picture()
    digest = hashlib.sha256(data).hexdigest()
    media = ({"id": "p1", "digest": digest, "mime": "image/png", "alt": "接线图"},)
    shown = replace(SET.items[1], stem='<img src="media:p1" alt="接线图">所示接法正确。')
    content = replace(SET, items=(SET.items[0], shown, SET.items[2]), media=media)
    return CanonicalItem("S1", content, points=("A-A-A-001",), difficulty=3), {digest: data}


@pytest.mark.parametrize("fmt", ["json", "xlsx", "docx"])
def test_a_testlet_with_a_picture_in_a_part_comes_in_and_goes_out(session, editor, level_id, fmt):  # noqa: F811
    item, media = with_picture()
    body = import_all(editor, write_items([item], fmt, media)[0], level_id, f"a.{fmt}").to_json()
    assert (body["found"], body["imported"]) == (1, 1), body
    [row] = listed(session, editor)
    content = items.content_of(repository.get_versions(session, [row.current_version_id])[row.current_version_id])
    named = media_ids(content.items[1].stem)
    assert [one["id"] for one in content.media] == named
    assert [one.media for one in content.items] == [(), (), ()]
    assert registry.get("testlet").validate(content) == []
    frozen = registry.get("testlet").freeze(content, 1)
    assert [[one["id"] for one in child.media] for child in frozen] == [named] * 3
    again = import_all(editor, write_items([item], fmt, media)[0], level_id, f"a.{fmt}").to_json()
    assert (again["imported"], again["duplicates"]) == (0, 1)
    with unit_of_work(editor) as uow:
        exported = exports.export_items(uow, ItemFilter(), fmt=fmt)
    [back] = read_items(exported.data, f"x{exported.extension}").items
    assert content_digest(back.item.content) == row.content_digest
