"""docs/qti.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from item_templates import registry
from qbank.interchange.convert import write_items
from qbank.interchange.qti import (
    assessment,
    composite,
    found,
    item,
    package,
    read_choice,
    read_hotspot,
    read_text,
    scoring,
)
from qbank.interchange.qti.flow import DROPPED, INTERACTIONS
from qbank.interchange.qti.item import ENTRIES, READERS, code_of
from qbank.interchange.qti.old_flow import LOST, RESPONSES
from qbank.interchange.qti.old_rules import TESTS
from qbank.interchange.qti.processing import OPERATORS
from tests.qbank.interchange.interchange_items import example
from tests.qbank.interchange.qti.test_qti_round_trips import item_files, pictures_of

PAGE = (Path(__file__).parents[4] / "docs" / "qti.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def words(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


INTERACTION_ROWS = {next(iter(words(row[0]))): row for row in rows("Interactions of QTI 2 and 3") if words(row[0])}


def test_every_interaction_stands_in_the_table_once() -> None:
    assert INTERACTION_ROWS.keys() == INTERACTIONS


@pytest.mark.parametrize("name", sorted(INTERACTIONS))
def test_the_table_says_whether_an_interaction_is_read(name: str) -> None:
    row = INTERACTION_ROWS[name]
    if name in ENTRIES | READERS.keys():
        assert words(row[1]) & {one.name for one in registry.all_types()}
    elif name == "endAttemptInteraction":
        assert "qti_end_attempt" in row[1]
    else:
        assert (row[1], words(row[3])) == ("skipped", {code_of(name)})


def written_interactions(name: str) -> set[str]:
    data, _ = write_items([example(name)], "qti21", pictures_of(name))
    text = item_files(data)["items/item-00001.xml"].decode()
    return {one for one in INTERACTIONS if f"<{one} " in text}


@pytest.mark.parametrize(
    "name", [one.name for one in registry.all_types() if one.name not in {"parametric", "testlet"}]
)
def test_the_table_says_which_types_are_written_as_what(name: str) -> None:
    told = {one for one, row in INTERACTION_ROWS.items() if name in words(row[2])}
    written = written_interactions(name)
    assert written
    assert written <= told
    assert name == "hotspot" or written == told


def test_the_page_lists_the_expressions_that_are_understood() -> None:
    listed = PAGE.split("Expressions that are understood:")[1].split(";")[0]
    assert words(listed) == OPERATORS.keys()


def test_the_page_lists_the_conditions_and_responses_of_qti_12() -> None:
    part = PAGE.split("## QTI 1.2")[1].split("\n## ")[0]
    assert words(part) >= TESTS.keys() | LOST | RESPONSES


def test_every_code_of_the_readers_stands_on_the_page_and_no_other() -> None:
    modules = (assessment, composite, found, item, package, read_choice, read_hotspot, read_text, scoring)
    sources = "".join(Path(one.__file__).read_text("utf-8") for one in modules)
    flow = (Path(item.__file__).parent / "flow.py").read_text("utf-8")
    used = set(re.findall(r'"(qti_[a-z_]+)"', sources + flow)) | set(DROPPED.values())
    unread = {code_of(name) for name in INTERACTIONS - ENTRIES - READERS.keys() - {"endAttemptInteraction"}}
    told = {one for one in words(PAGE) if re.fullmatch(r"qti_[a-z_]+", one)}
    computed = {
        "qti_response_xy",
        "qti_mataudio",
        "qti_cataloginfo",
        "qti_apipaccessibility",
        "qti_companionmaterialsinfo",
    }
    assert told == (used | unread | computed) - {"qti_catalog"}
