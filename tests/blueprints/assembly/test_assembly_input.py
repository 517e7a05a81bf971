"""Pools and blueprints as files: what is read, what is refused and how the refusal reads."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from blueprints.assembly.blueprint import BlueprintError, in_scope, parse_blueprint, read_blueprint
from blueprints.assembly.pool import PoolError, item_to_json, pool_digest, read_pool
from tests.blueprints.assembly.assembly_cases import make_pool

WHOLE = {
    "n_items": 100, "total_score": 100, "types": [{"type": "single_choice", "count": 100, "score_each": 1}],
    "weights": [{"scope": "A", "percent": 25}, {"scope": "A-A", "percent": 5.5}], "weight_tolerance_percent": 1,
    "importance": {"X": {"min": 0.7}, "Z": {"max": 0.1}},
    "difficulty": {"mean": {"target": 3.0, "tolerance": 0.1}, "counts": {"1": [5, 15], "2": 7}},
    "p_value": {"mean": {"target": 0.65, "tolerance": 0.02}},
    "cells": [{"scope": "B-A", "type": "multiple_choice", "count": [2, 4]}],
    "max_per_point": 1, "information": [{"theta": -0.5, "target": 10.0}], "max_overlap": 3, "exclude": ["id"],
    "exposure": {"max_n_used": 5},
}  # fmt: skip
CSV = """id,type,point,importance,difficulty,score,p_value,a,b,c,n_used,last_used,enemies,set
q1,single_choice,B-A-C-003,X,3,1,0.62,1.1,-0.3,0.2,2,2025-04-01,q2;q3,
q2,true_false,B-A-C-004,y,1,,,,,,,,,s1
"""


def test_a_csv_pool_is_read_with_every_column():
    first, second = read_pool(CSV.encode())
    assert (first.point, first.difficulty, first.score, first.p_value) == ("B-A-C-003", 3, Decimal(1), 0.62)
    assert (first.n_used, first.last_used, first.enemies) == (2, date(2025, 4, 1), ("q2", "q3"))
    assert (second.importance, second.item_set, second.n_used, second.a) == ("Y", "s1", 0, None)


def test_a_json_pool_equals_its_csv():
    pool = read_pool(CSV.encode())
    data = {"items": [item_to_json(item) for item in pool]}
    assert read_pool(json.dumps(data).encode()) == pool


def test_a_pool_from_a_spreadsheet_in_gb18030_is_read(tmp_path):
    path = tmp_path / "pool.csv"
    path.write_bytes("id,type,point,备注\n题一,single_choice,A-001,安全\n".encode("gb18030"))
    assert [item.id for item in read_pool(path)] == ["题一"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("difficulty", "6"), ("difficulty", "2.5"), ("importance", "W"), ("p_value", "1.2"), ("p_value", "nan"),
        ("a", "inf"), ("n_used", "-1"), ("last_used", "昨天"), ("score", "一分"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named_by_row_and_column(column, value):
    text = f"id,type,point,{column}\nq1,single_choice,A-001,\nq2,single_choice,A-001,{value}\n"
    with pytest.raises(PoolError) as refusal:
        read_pool(text.encode())
    assert "第 3 行" in refusal.value.message
    assert column in refusal.value.message
    assert value in refusal.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,type\nq1,x\n", "point"),
        (b"{", "JSON"),
        (b"[3]", "第 1 题"),
        (b'{"rows": []}', "items"),
        (b"\xff\xfe\x00\xd8\xff", "GB18030"),
        (b"id,type,point\n,x,A\n", "id"),
        (b"id,type,point\nq,x,A\nq,x,A\n", "重复"),
        (b'{"items": [{"id": "q", "type": "x", "point": {"a": 1}}]}', "point"),
    ],
)
def test_what_is_no_pool_is_refused_in_words(content, words):
    with pytest.raises(PoolError) as refusal:
        read_pool(content)
    assert words in refusal.value.message


def test_the_digest_sees_every_value_but_not_the_order():
    pool = make_pool(0, 30)
    assert pool_digest(pool) == pool_digest(pool[::-1])
    assert pool_digest([replace(pool[0], n_used=pool[0].n_used + 1), *pool[1:]]) != pool_digest(pool)


def test_every_key_of_a_blueprint_is_read():
    blueprint = parse_blueprint(WHOLE)
    assert blueprint.weights[1].percent == Decimal("5.5")
    assert [(rule.letter, rule.low, rule.high) for rule in blueprint.importance] == [
        ("X", Decimal("0.7"), None), ("Z", None, Decimal("0.1")),
    ]  # fmt: skip
    assert [(rule.level, rule.low, rule.high) for rule in blueprint.difficulty_counts] == [(1, 5, 15), (2, 7, 7)]
    assert (blueprint.max_overlap, blueprint.max_n_used, blueprint.max_per_point) == (3, 5, 1)
    assert blueprint.information[0].theta == -0.5
    assert blueprint.cells[0].name == "B-A/multiple_choice"


def test_only_two_keys_are_needed():
    blueprint = parse_blueprint({"n_items": 2, "types": [{"type": "single_choice", "count": 2}]})
    assert blueprint.max_overlap == 0
    assert blueprint.full_score is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"n_item": 3}, "n_item"),
        ({"n_items": 0}, "n_items"),
        ({"n_items": True}, "n_items"),
        ({"types": []}, "types"),
        ({"types": [{"type": "x"}]}, "types[0].count"),
        ({"types": [{"type": "x", "count": 1, "points": 2}]}, "types[0].points"),
        ({"types": [{"type": "x", "count": 1}, {"type": "x", "count": 1}]}, "types"),
        ({"weights": [{"scope": "A", "percent": 120}]}, "weights[0].percent"),
        ({"weights": {"A": 3}}, "weights"),
        ({"importance": {"Q": {}}}, "importance.Q"),
        ({"importance": {"X": {"least": 1}}}, "importance.X.least"),
        ({"difficulty": {"median": 3}}, "difficulty.median"),
        ({"difficulty": {"counts": {"6": 1}}}, "difficulty.counts.6"),
        ({"difficulty": {"counts": {"1": [3, 2]}}}, "difficulty.counts.1"),
        ({"p_value": {"mean": {"tolerance": 1}}}, "p_value.mean.target"),
        ({"exposure": {"max": 1}}, "exposure.max"),
        ({"exposure": 3}, "exposure"),
        ({"information": [{"theta": "nan", "target": 1}]}, "information[0].theta"),
        ({"cells": [{"scope": "A", "count": [1, 2, 3]}]}, "cells[0].count"),
    ],
)
def test_a_malformed_key_is_named(change, key):
    with pytest.raises(BlueprintError) as refusal:
        parse_blueprint(WHOLE | change)
    assert key in refusal.value.message


def test_a_blueprint_file_that_is_no_json_is_refused(tmp_path):
    path = tmp_path / "blueprint.json"
    path.write_text("{'n_items': 3}")
    with pytest.raises(BlueprintError, match="JSON"):
        read_blueprint(path)


def test_scopes_hold_points_by_whole_parts():
    assert in_scope("B-A-C-003", "B-A-C")
    assert in_scope("B", "B")
    assert not in_scope("B-AB-001", "B-A")
