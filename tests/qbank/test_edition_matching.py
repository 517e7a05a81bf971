"""Which point became which: cases as tables, names as standards have them."""

from __future__ import annotations

import pytest

from qbank.rules.editions import Fate, MatchReason, PointFacts, find_fates, find_missing, map_scopes, match_points

BASICS = ("基本要求", "职业道德")
WIRING = ("相关知识要求", "线路装调")


def point(key: str, name: str, *, code: str = "", parents: tuple[str, ...] = BASICS) -> PointFacts:
    scopes = ("A", "A-A") if parents == BASICS else ("B", "B-A") if parents == WIRING else ("C", "C-A")
    return PointFacts(key, code or f"{scopes[-1]}-{key}", name, scopes, parents)


def matched(old: PointFacts, *new: PointFacts):
    return match_points([old], new)[0]


CASES = [
    ("the same point", point("1", "职业守则"), point("n", "职业守则", code="A-A-9"), 100, MatchReason.SAME_PLACE),
    ("spaces and brackets do not count", point("1", "安全用电（常识）"), point("n", "安全用电 常识"), 100, MatchReason.SAME_PLACE),
    ("the same name elsewhere", point("1", "电阻的测量"), point("n", "电阻的测量", parents=WIRING), 95, MatchReason.SAME_NAME),
    ("a word changed at the same code", point("1", "常用电工工具的使用", code="A-A-1"), point("n", "常用电工工具使用", code="A-A-1"), 90, MatchReason.SAME_CODE),
    ("a word changed at another code", point("1", "安全用电知识", code="A-A-1"), point("n", "安全用电常识", code="A-A-7"), 86, MatchReason.SIMILAR),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "confidence", "reason"), CASES, ids=[case[0] for case in CASES])
def test_a_point_is_found_again(name, old, new, confidence, reason):
    decoy = point("x", "三相异步电动机的启动", parents=("其他", "电机"))
    found = matched(old, decoy, new)
    assert (found.targets, found.confidence, found.reason) == (("n",), confidence, reason)


def test_a_point_without_any_like_it_stays_without_target():
    found = matched(point("1", "白炽灯的安装"), point("n", "光伏组件的选型", parents=WIRING))
    assert (found.targets, found.confidence, found.reason, found.is_sure) == ((), 0, MatchReason.NONE, False)


def test_the_same_code_with_another_name_is_no_match():
    found = matched(point("1", "白炽灯的安装", code="A-A-1"), point("n", "职业道德的概念", code="A-A-1"))
    assert found.targets == ()


def test_equal_names_in_different_ranges_are_kept_apart_by_their_ranges():
    old = [point("1", "安全要求"), point("2", "安全要求", parents=WIRING)]
    new = [point("b", "安全要求", parents=WIRING), point("a", "安全要求")]
    assert [match.targets for match in match_points(old, new)] == [("a",), ("b",)]


def test_a_name_of_two_parts_is_taken_apart():
    new = [point("a", "导线的选择"), point("b", "导线的连接"), point("c", "导线的包扎")]
    found = matched(point("1", "导线的选择和连接"), *new)
    assert (found.targets, found.reason, found.is_sure) == (("a", "b"), MatchReason.PARTS, False)


def test_two_points_are_put_together():
    old = [point("1", "熔断器"), point("2", "断路器")]
    found = match_points(old, [point("a", "熔断器、断路器")])
    assert [match.targets for match in found] == [("a",), ("a",)]


def test_two_candidates_alike_lower_the_confidence():
    one = matched(point("1", "接触器的选用原则"), point("a", "接触器选用原则说明", code="A-A-5"))
    two = matched(
        point("1", "接触器的选用原则"), point("a", "接触器选用原则说明", code="A-A-5"),
        point("b", "接触器选用原则要求", code="A-A-6"),
    )  # fmt: skip
    assert two.confidence == one.confidence - 10


def test_every_new_point_is_proposed_once_and_the_order_is_that_of_the_old_edition():
    old = [point(str(n), f"电工基础知识第{n}讲") for n in range(12)]
    new = [point(f"n{n}", f"电工基础知识第{n}讲（新）", code=f"Z-{n}") for n in reversed(range(12))]
    found = match_points(old, new)
    assert [match.key for match in found] == [p.key for p in old]
    assert [match.targets for match in found] == [(f"n{n}",) for n in range(12)]


FATES = [
    ("kept", point("1", "职业守则"), [point("a", "职业守则")], ["a"], Fate.KEPT),
    ("kept in a range that was renamed", point("1", "职业守则"), [point("a", "职业守则", parents=("基本要求", "职业素养"))], ["a"], Fate.KEPT),
    ("renamed", point("1", "职业守则"), [point("a", "从业守则")], ["a"], Fate.RENAMED),
    ("split", point("1", "选择和连接"), [point("a", "选择"), point("b", "连接")], ["a", "b"], Fate.SPLIT),
    ("orphaned", point("1", "职业守则"), [point("a", "其他")], [], Fate.ORPHANED),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "keys", "fate"), FATES, ids=[case[0] for case in FATES])
def test_the_fate_follows_from_the_assignment(name, old, new, keys, fate):
    assert find_fates([old], new, {"1": keys}) == {"1": fate}


def test_a_point_that_left_its_companions_has_moved():
    old = [point("1", "甲"), point("2", "乙"), point("3", "丙")]
    new = [point("a", "甲"), point("b", "乙"), point("c", "丙", parents=WIRING)]
    fates = find_fates(old, new, {"1": ["a"], "2": ["b"], "3": ["c"]})
    assert list(fates.values()) == [Fate.KEPT, Fate.KEPT, Fate.MOVED]


def test_points_with_one_successor_were_merged_and_a_new_point_without_source_is_missing():
    old, new = [point("1", "甲"), point("2", "乙")], [point("a", "甲乙"), point("b", "丙")]
    targets = {"1": ["a"], "2": ["a"]}
    assert set(find_fates(old, new, targets).values()) == {Fate.MERGED}
    assert [p.key for p in find_missing(new, targets)] == ["b"]


def test_a_range_goes_where_most_of_its_points_went_and_nowhere_without_a_majority():
    old = [
        point("1", "甲"),
        point("2", "乙"),
        point("3", "丙"),
        point("4", "丁", parents=WIRING),
        point("5", "戊", parents=WIRING),
    ]
    new = [
        point("a", "甲", parents=("新", "新")),
        point("b", "乙", parents=("新", "新")),
        point("c", "丙"),
        point("d", "丁"),
        point("e", "戊", parents=WIRING),
    ]
    targets = {"1": ["a"], "2": ["b"], "3": ["c"], "4": ["d"], "5": ["e"]}
    assert map_scopes(old, new, targets) == {"A": "C", "A-A": "C-A"}


def test_points_whose_names_go_on_after_the_old_one_stand_for_it_together():
    new = [point("a", "导线的连接方法"), point("b", "导线的连接标准"), point("c", "导线的包扎")]
    found = matched(point("1", "导线的连接"), *new)
    assert (found.targets, found.is_sure) == (("a", "b"), False)


def test_a_name_that_says_the_same_the_other_way_round_is_found_without_certainty():
    found = matched(point("1", "变频器的参数设置"), point("a", "参数设置：变频器", code="A-A-9"))
    assert (found.targets, found.is_sure) == (("a",), False)
