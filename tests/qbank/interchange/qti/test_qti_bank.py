"""A QTI package goes into the bank and comes out again, pictures included."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from qbank.cli import bank
from qbank.interchange.convert import read_items, write_items
from tests.factories.standards import make_level
from tests.qbank.interchange.interchange_items import example, with_picture


@pytest.fixture
def level(organisation):
    return make_level(organisation.organisation_id)


def run(*arguments: object, report: Path) -> dict:
    result = CliRunner().invoke(bank, [str(one) for one in (*arguments, "--report", report)])
    assert result.exit_code == 0, result.output
    return json.loads(report.read_text("utf-8"))


@pytest.mark.parametrize("version", ["qti21", "qti22", "qti30"])
def test_a_package_comes_into_the_bank_goes_out_and_is_known_when_it_comes_again(level, tmp_path, version):
    report, (item, media) = tmp_path / "r.json", with_picture()
    (tmp_path / "in.zip").write_bytes(write_items([item, example("testlet"), example("fill_in")], version, media)[0])
    where = ("--standard", "6-31-01-03", "--level", "4")
    body = run("import", tmp_path / "in.zip", *where, report=report)
    assert (body["format"], body["found"], body["imported"], body["losses"]) == (version, 3, 3, [])
    out = tmp_path / "out.zip"
    result = CliRunner().invoke(bank, ["export", "--to", version, "--out", str(out)])
    assert result.exit_code == 0, result.output
    exported = read_items(out.read_bytes(), "out")
    assert (exported.format, exported.losses) == (version, [])
    pictures = [data for one in exported.items for data in one.media.values()]
    assert len(pictures) == 1
    assert hashlib.sha256(pictures[0]).hexdigest() == next(
        one.item.content.media[0]["digest"] for one in exported.items if one.item.content.media
    )
    body = run("import", out, *where, report=report)
    assert (body["found"], body["imported"], body["duplicates"], body["losses"]) == (3, 0, 3, [])
