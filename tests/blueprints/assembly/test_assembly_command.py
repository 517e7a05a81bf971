"""``kaoku assemble`` from the outside."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from blueprints.assembly.command import assemble_command
from blueprints.assembly.pool import item_to_json, pool_digest
from tests.blueprints.assembly.assembly_cases import broken_rules, make_blueprint, make_pool

COLUMNS = ("id", "type", "point", "importance", "difficulty", "p_value", "a", "b", "c", "n_used", "enemies", "set")


@pytest.fixture
def run(tmp_path):
    def invoke(pool, blueprint, *extra, forms=2):
        (tmp_path / "pool.json").write_text(json.dumps({"items": [item_to_json(item) for item in pool]}))
        (tmp_path / "blueprint.json").write_text(json.dumps(blueprint))
        arguments = [
            "--pool", tmp_path / "pool.json", "--blueprint", tmp_path / "blueprint.json", "--forms", forms,
            "--out", tmp_path / "out.json", *extra,
        ]  # fmt: skip
        result = CliRunner().invoke(assemble_command, [str(part) for part in arguments])
        out = tmp_path / "out.json"
        return result, json.loads(out.read_text()) if out.exists() else None

    return invoke


def test_forms_are_written_with_their_checks(run):
    pool, blueprint = make_pool(1, 300, enemies=10), make_blueprint(1)
    result, out = run(pool, blueprint, "--seed", 7)
    assert result.exit_code == 0
    assert out["status"] in ("optimal", "feasible")
    assert len(out["forms"]) == 2
    assert all(broken_rules(form["items"], pool, blueprint) == [] for form in out["forms"])
    assert all(
        set(check) >= {"constraint", "wanted", "got", "met"} for form in out["forms"] for check in form["checks"]
    )
    assert out["gap"] >= 0
    assert out["conflict"] is None
    assert (out["seed"], out["pool_digest"]) == (7, pool_digest(pool))


def test_a_csv_pool_gives_the_same_forms(run, tmp_path):
    pool, blueprint = make_pool(1, 300, enemies=10), make_blueprint(1)
    _, from_json = run(pool, blueprint)
    with (tmp_path / "pool.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for item in pool:
            row = item_to_json(item)
            writer.writerow(row | {"enemies": ";".join(row.get("enemies", []))})
    _, from_csv = run(pool, blueprint, "--pool", tmp_path / "pool.csv")
    assert from_csv["forms"] == from_json["forms"]


def test_a_refusal_exits_with_one_and_says_why(run):
    pool = [item for item in make_pool(1, 300) if item.type != "multiple_choice"]
    result, out = run(pool, make_blueprint(1))
    assert result.exit_code == 1
    assert (out["status"], out["forms"]) == ("infeasible", [])
    assert out["conflict"]["constraints"][0]["rule"] == "types[multiple_choice]"
    assert all(set(task) >= {"point", "type", "difficulty", "count"} for task in out["conflict"]["writing_order"])
    assert "multiple_choice" in result.stderr


def test_a_contradiction_in_the_blueprint_exits_with_one(run):
    result, out = run(make_pool(1, 50), make_blueprint(1) | {"n_items": 21})
    assert result.exit_code == 1
    assert out["conflict"]["constraints"][0]["rule"] == "n_items"


def test_the_overlap_option_outranks_the_blueprint(run):
    pool = make_pool(1, 45, max_used=0)
    blueprint = {"n_items": 18, "types": [{"type": "single_choice", "count": 18, "score_each": 1}], "max_overlap": 0}
    n_single = sum(item.type == "single_choice" for item in pool)
    assert 18 <= n_single < 36
    assert run(pool, blueprint)[0].exit_code == 1
    result, out = run(pool, blueprint, "--overlap", 36 - n_single)
    assert result.exit_code == 0
    assert len(set(out["forms"][0]["items"]) & set(out["forms"][1]["items"])) <= 36 - n_single


def test_wrong_usage_exits_with_two(run):
    assert run(make_pool(1, 50), {"n_items": 3, "typos": []})[0].exit_code == 2
    assert run(make_pool(1, 50), make_blueprint(1), forms=0)[0].exit_code == 2
    assert CliRunner().invoke(assemble_command, []).exit_code == 2


@pytest.mark.parametrize("mode", [[], ["--on-the-fly"]])
def test_a_replay_says_whether_the_forms_are_the_same(run, tmp_path, mode):
    pool, blueprint = make_pool(1, 200), make_blueprint(1, n_items=10)
    _, first = run(pool, blueprint, "--seed", 5, *mode, forms=3)
    assert len(first["forms"]) == 3
    assert all(check["met"] for form in first["forms"] for check in form["checks"])
    before = tmp_path / "before.json"
    before.write_text(json.dumps(first))
    same, _ = run(pool, blueprint, "--replay", before)
    assert same.exit_code == 0, same.stderr
    first["forms"][0]["items"].reverse()
    before.write_text(json.dumps(first))
    differs, _ = run(pool, blueprint, "--replay", before)
    assert (differs.exit_code, "引擎" in differs.stderr) == (1, False)
    before.write_text(json.dumps({key: value for key, value in first.items() if key != "engine"}))
    older, _ = run(pool, blueprint, "--replay", before)
    assert (older.exit_code, "当时由第 1 版组卷引擎抽取" in older.stderr) == (1, True)
    other, _ = run(pool[1:], blueprint, "--replay", before)
    assert (other.exit_code, "摘要" in other.stderr) == (1, True)


def test_forms_made_elsewhere_are_held_against_the_blueprint(run, tmp_path):
    pool, blueprint = make_pool(1, 300), make_blueprint(1)
    _, drawn = run(pool, blueprint, forms=1)
    papers = tmp_path / "papers.json"
    papers.write_text(json.dumps(drawn))
    assert run(pool, blueprint, "--check", papers)[0].exit_code == 0
    ids = drawn["forms"][0]["items"]
    papers.write_text(json.dumps({"forms": [[*ids[:-1], ids[0]]]}))
    result, _ = run(pool, blueprint, "--check", papers)
    assert result.exit_code == 1
    assert "repeated_item" in result.stderr
    papers.write_text("[]")
    assert run(pool, blueprint, "--check", papers)[0].exit_code == 2
