"""The checker finds every kind of lie when it is planted; a history that can be true passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exam_delivery.rules.receipts import responses_digest
from tests.chaos.history import OK, UNKNOWN, Call, Event, Kept, StoredEvent, find_violations

A, B = Event(1, 1, ["A"]), Event(1, 2, ["B"])
RECEIPT = {"digest": responses_digest({1: ["B"]})}


def call(kind: str, began: float, *events: Event, generation: int = 1, outcome: str = OK, **answer: Any) -> Call:
    if kind == "save":
        answer = {"acknowledged": {str(event.slot): event.seq for event in events}} | answer
    return Call("a", "d", generation, kind, began, began + 0.5, outcome, "", events, answer)


def truth() -> tuple[list[Call], Kept]:
    """Two saves, of which the first was not answered, a read, and a hand-in; and what is kept of them."""
    calls = [
        call("sign_in", 0), call("save", 1, A, outcome=UNKNOWN), call("save", 2, B),
        call("read", 3, responses={"1": {"seq": 2, "response": ["B"]}}), call("submit", 4, digest=RECEIPT["digest"]),
        call("submit", 5, digest=RECEIPT["digest"]),
    ]  # fmt: skip
    events = [StoredEvent(1, 1, ["A"], 1, is_late=False), StoredEvent(1, 2, ["B"], 1, is_late=False)]
    return calls, Kept(events, {1: (2, ["B"])}, 1, RECEIPT)


def test_a_history_that_can_be_true_passes() -> None:
    calls, kept = truth()
    assert find_violations(calls, {"a": kept}) == []


def test_a_call_without_an_answer_may_have_happened_or_not() -> None:
    calls, kept = truth()
    assert find_violations(calls, {"a": replace(kept, events=kept.events[1:])}) == []


Lie = Callable[[list[Call], Kept], Kept]
LIES: dict[str, Lie] = {
    "is lost": lambda _calls, kept: replace(kept, events=kept.events[:1], states={1: (1, ["A"])}),
    "is kept 2 times": lambda _calls, kept: replace(kept, events=[*kept.events, kept.events[1]]),
    "another answer": lambda _calls, kept: replace(
        kept, events=[kept.events[0], replace(kept.events[1], response=["A"])]
    ),
    "never sent": lambda _calls, kept: replace(kept, events=[*kept.events, StoredEvent(2, 9, ["C"], 1, is_late=True)]),
    "and not at": lambda _calls, kept: replace(kept, states={1: (1, ["A"])}),
    "counted": lambda _calls, kept: replace(kept, n_answered=2),
    "the receipt is lost": lambda _calls, kept: replace(kept, receipt=None),
}


@pytest.mark.parametrize("words", LIES)
def test_a_lie_in_what_is_kept_is_found(words: str) -> None:
    calls, kept = truth()
    assert any(words in found for found in find_violations(calls, {"a": LIES[words](calls, kept)}))


WRONG_CALLS = {
    "was acknowledged as": call("save", 2.1, B, acknowledged={"1": 1}),
    "a read missed": call("read", 3, responses={"1": {"seq": 1, "response": ["A"]}}),
    "two sign-ins": call("sign_in", 0.1),
    "was obeyed after": call("save", 3.9, B, generation=0),
    "different receipts": call("submit", 4, digest="other"),
    "after the hand-in": call("save", 9, B),
}


@pytest.mark.parametrize("words", WRONG_CALLS)
def test_a_lie_in_what_was_answered_is_found(words: str) -> None:
    calls, kept = truth()
    assert any(words in found for found in find_violations([*calls, WRONG_CALLS[words]], {"a": kept}))


def batch(n: int, outcome: str = OK) -> tuple[list[Call], Kept]:
    """One call with `n` answers to five items, several to each, all kept."""
    events = [Event(k % 5 + 1, k + 1, [f"{k}"]) for k in range(n)]
    rows = [StoredEvent(e.slot, e.seq, e.response, 1, is_late=False) for e in events]
    states = {e.slot: (e.seq, e.response) for e in events}
    newest = {str(slot): seq for slot, (seq, _response) in states.items()}
    calls = [call("sign_in", 0), call("save", 1, *events, outcome=outcome, acknowledged=newest)]
    return calls, Kept(rows, states, len(states), None)


def test_a_whole_call_of_many_answers_passes_answered_or_not_and_so_does_none_of_it() -> None:
    for outcome in (OK, UNKNOWN):
        calls, kept = batch(40, outcome)
        assert find_violations(calls, {"a": kept}) == []
    assert find_violations(calls, {"a": Kept([], {}, 0, None)}) == []


def test_one_lost_answer_of_an_acknowledged_call_is_found() -> None:
    calls, kept = batch(40)
    found = find_violations(calls, {"a": replace(kept, events=[*kept.events[:17], *kept.events[18:]])})
    assert found == ["a: acknowledged event 3/18 is lost", "a: of a call with 40 answers only 39 are kept"]


def test_a_call_that_was_not_answered_is_not_kept_by_halves() -> None:
    calls, kept = batch(10, UNKNOWN)
    half = Kept(kept.events[:5], {row.slot: (row.seq, row.response) for row in kept.events[:5]}, 5, None)
    assert find_violations(calls, {"a": half}) == ["a: of a call with 10 answers only 5 are kept"]
    calls.append(replace(calls[1], began=2, ended=3, events=calls[1].events[:5]))  # half of it was sent again
    assert find_violations(calls, {"a": half}) == []


def test_an_answer_kept_twice_or_changed_within_a_call_is_found() -> None:
    calls, kept = batch(40)
    twice = replace(kept, events=[*kept.events, kept.events[7]])
    assert find_violations(calls, {"a": twice}) == ["a: event (3, 8) is kept 2 times"]
    other = replace(kept, events=[*kept.events[:7], replace(kept.events[7], response=["?"]), *kept.events[8:]])
    assert any("with another answer" in found for found in find_violations(calls, {"a": other}))


def test_an_acknowledgement_that_names_too_little_for_one_item_of_many_is_found() -> None:
    calls, kept = batch(40)
    calls[1] = replace(calls[1], answer={"acknowledged": {**calls[1].answer["acknowledged"], "4": 34}})
    assert find_violations(calls, {"a": kept}) == ["a: event 4/39 was acknowledged as 34"]


def test_a_read_that_misses_one_item_of_an_acknowledged_call_is_found_and_an_earlier_one_is_not_blamed() -> None:
    calls, kept = batch(40)
    seen = {str(slot): {"seq": seq, "response": response} for slot, (seq, response) in kept.states.items()}
    late = call("read", 3, responses={**seen, "2": {"seq": 32, "response": ["31"]}})
    early = call("read", 1.2, responses={})
    assert find_violations([*calls, early, late], {"a": kept}) == ["a: a read missed 2/37"]


def test_a_history_of_many_thousand_answers_is_judged_in_one_go() -> None:
    calls, rows, states = [call("sign_in", 0)], list[StoredEvent](), dict[int, tuple[int, Any]]()
    for n in range(400):
        events = [Event(k % 5 + 1, 50 * n + k + 1, ["A"]) for k in range(50)]
        rows += [StoredEvent(e.slot, e.seq, e.response, 1, is_late=False) for e in events]
        states |= {e.slot: (e.seq, e.response) for e in events}
        newest = {str(slot): {"seq": seq, "response": response} for slot, (seq, response) in states.items()}
        calls.append(call("save", 2 * n + 1, *events, acknowledged={slot: one["seq"] for slot, one in newest.items()}))
        calls.append(call("read", 2 * n + 1.6, responses=newest))
    kept = Kept(rows, states, 5, None)
    assert find_violations(calls, {"a": kept}) == []
    lost = replace(kept, events=[row for row in rows if row.seq != 12_345])
    assert find_violations(calls, {"a": lost})[0] == "a: acknowledged event 5/12345 is lost"


def test_a_receipt_that_names_something_else_is_found() -> None:
    calls, kept = truth()
    other = replace(kept, events=[*kept.events, StoredEvent(1, 3, ["A"], 1, is_late=False)], states={1: (3, ["A"])})
    calls.append(call("save", 2.2, Event(1, 3, ["A"])))
    assert any("does not name" in found for found in find_violations(calls, {"a": other}))
