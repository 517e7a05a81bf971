"""``kaoku score``: a response sheet against an item file of any readable format."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from item_templates import registry
from item_templates.canonical import content_to_json
from kernel.errors import DomainError
from qbank.interchange.convert import read_items, write_items
from tests.item_templates.item_contents import example
from web.analysis.command import score

TYPES = (
    "single_choice",
    "multiple_choice",
    "true_false",
    "fill_in",
    "numeric",
    "short_answer",
    "essay",
    "matching",
    "ordering",
)


def item_file(names: tuple[str, ...] = TYPES) -> bytes:
    """Return the examples of types as one canonical file."""
    return json.dumps({"items": [{"id": name} | content_to_json(example(name)) for name in names]}).encode()


def right_cell(name: str) -> str:
    """Return the cell that the key asks for."""
    key = example(name).key
    return {
        "single_choice": lambda: key,
        "multiple_choice": lambda: ";".join(key),
        "true_false": lambda: str(key).lower(),
        "fill_in": lambda: json.dumps([accepted[0] for accepted in key], ensure_ascii=False),
        "numeric": lambda: str(key["value"]),
        "short_answer": lambda: key[0] if key else "断电",
        "essay": lambda: "作文",
        "matching": lambda: ";".join(f"{left}={right}" for left, right in key["pairs"]),
        "ordering": lambda: ";".join(key),
    }[name]()


def quoted(cells: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


@pytest.fixture
def run(tmp_path: Path):
    """Score a sheet and return what the command wrote."""

    def score_text(items: bytes, responses: str, name: str = "items.json") -> dict:
        (tmp_path / name).write_bytes(items)
        (tmp_path / "responses.csv").write_text(responses, encoding="utf-8")
        out = tmp_path / "scores.json"
        arguments = [str(tmp_path / name), "--responses", str(tmp_path / "responses.csv"), "--out", str(out)]
        result = CliRunner().invoke(score, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(out.read_text("utf-8"))

    return score_text


def test_right_cells_of_every_type_earn_full_marks_or_wait_for_a_person(run):
    sheet = "\n".join([quoted(["c", *TYPES]), quoted(["1", *map(right_cell, TYPES)])])
    found = run(item_file(), sheet)
    for one in found["scores"]:
        expected = "needs_marking" if one["item"] in {"essay", "short_answer"} and one["score"] == "0" else "correct"
        assert one["outcome"] == expected, one
        assert one["score"] == ("0" if expected == "needs_marking" else one["max_score"])
    assert found["totals"][0]["candidate"] == "1"
    assert found["totals"][0]["n_needs_marking"] == sum(one["outcome"] == "needs_marking" for one in found["scores"])


def test_empty_and_unreached_cells_are_omitted_and_nonsense_is_wrong(run):
    auto = [name for name in TYPES if name not in {"essay", "short_answer"}]
    sheet = "\n".join(
        [
            quoted(["c", *auto]),
            quoted(["a", *[""] * len(auto)]),
            quoted(["b", *["NR"] * len(auto)]),
            quoted(["d", *["@#"] * len(auto)]),
        ]
    )
    found = run(item_file(), sheet)
    outcomes = {who: {one["outcome"] for one in found["scores"] if one["candidate"] == who} for who in "abd"}
    assert outcomes == {"a": {"omitted"}, "b": {"omitted"}, "d": {"wrong"}}
    assert {total["score"] for total in found["totals"]} == {"0"}


def test_the_parts_of_a_testlet_have_columns_of_their_own(run):
    whole = {"id": "q"} | content_to_json(example("testlet"))
    body = json.dumps({"items": [whole, {**item_of("q.2"), "key": True}]}).encode()
    found = run(body, "c,q.1,q.2,q.3\n1,B,true,按 15.4 A 整定\n2,A,false,\n")
    rows = [(one["candidate"], one["item"], one["score"], one["outcome"]) for one in found["scores"]]
    assert rows == [
        ("1", "q.1", "2", "correct"), ("1", "q.2", "1", "correct"), ("1", "q.3", "0", "needs_marking"),
        ("2", "q.1", "0", "wrong"), ("2", "q.2", "0", "wrong"), ("2", "q.3", "0", "omitted"),
    ]  # fmt: skip
    assert found["totals"][0] == {"candidate": "1", "score": "3", "max_score": "9", "n_needs_marking": 1}


def item_of(name: str) -> dict:
    """A judgement whose id looks like that of a part: an item of the file goes before a part."""
    return {"id": name, "type": "true_false", "stem": "铁是金属。", "key": True, "score": "1"}


def test_totals_are_exact_sums_of_decimal_strings(run):
    item = {"id": "q1"} | content_to_json(example("single_choice")) | {"score": "0.1"}
    items = [item | {"id": f"q{n}"} for n in range(3)]
    key = example("single_choice").key
    found = run(json.dumps({"items": items}).encode(), f"c,q0,q1,q2\n1,{key},{key},{key}\n")
    assert found["totals"][0] == {"candidate": "1", "score": "0.3", "max_score": "0.3", "n_needs_marking": 0}


@pytest.mark.parametrize(
    ("fmt", "name"), [("xlsx", "items.xlsx"), ("docx", "items.docx"), ("csv", "items.csv"), ("text", "items.txt")]
)
def test_other_formats_score_like_the_canonical_file(run, fmt, name):
    report = read_items(item_file(), "items.json")
    chosen = [one.item for one in report.items if one.item.id == "single_choice"]
    data, _losses = write_items(chosen, fmt)
    identifier = read_items(data, name).items[0].item.id
    found = run(data, f"c,{identifier}\n1,{right_cell('single_choice')}\n", name)
    assert found["scores"][0]["outcome"] == "correct"


@pytest.mark.parametrize(
    ("items", "sheet", "said"),
    [
        (item_file(), "c,nobody\n1,A\n", "第 2 列：题目文件中没有编号为“nobody”的题"),
        (item_file(), "c,single_choice.1\n1,A\n", "第 2 列：题目文件中没有编号为“single_choice.1”的题"),
        (item_file(("testlet",)), "c,testlet.4\n1,A\n", "没有编号为“testlet.4”的题"),
        (item_file(("testlet",)), "c,testlet.x\n1,A\n", "没有编号为“testlet.x”的题"),
        (item_file(("testlet",)), "c,testlet,testlet.1\n1,[],A\n", "“testlet.1”是“testlet”的小题，两列不能都写"),
        (item_file(), "c,single_choice\n1\n", "第 2 行"),
        (b"%PDF-1.4 not an item file", "c,a\n1,A\n", "items.json"),
        (b"\x00\x01\x02\x03", "c,a\n1,A\n", "items.json"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_the_place(run, items, sheet, said):
    with pytest.raises(DomainError) as refusal:
        run(items, sheet)
    assert said in str(refusal.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "items.json").write_bytes(item_file())
    (tmp_path / "r.csv").write_text("c,single_choice\n1,A\n")
    out = tmp_path / "missing" / "scores.json"
    arguments = [str(tmp_path / "items.json"), "--responses", str(tmp_path / "r.csv"), "--out", str(out)]
    result = CliRunner().invoke(score, arguments)
    assert isinstance(result.exception, DomainError)
    assert "scores.json" in str(result.exception)


def test_a_parametric_item_is_scored_as_its_first_sample_and_a_hotspot_item_by_regions_or_points(run):
    regions, parametric = example("hotspot"), example("parametric")
    point = replace(regions, parameters={**regions.parameters, "mode": "point"})
    (sample,) = registry.get("parametric").freeze(parametric, 0)
    named = {"h": regions, "p": point, "n": parametric}
    body = json.dumps({"items": [{"id": name} | content_to_json(one) for name, one in named.items()]}).encode()
    wrong = next(one.id for one in sample.choices if one.id != sample.key)
    found = run(body, f'c,h,p,n\n1,C,"(630, 690)",{sample.key}\n2,A,"(10, 10)",{wrong}\n')
    outcomes = [[one["outcome"] for one in found["scores"] if one["candidate"] == who] for who in "12"]
    assert outcomes == [["correct"] * 3, ["wrong"] * 3]
