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


def test_a_receipt_that_names_something_else_is_found() -> None:
    calls, kept = truth()
    other = replace(kept, events=[*kept.events, StoredEvent(1, 3, ["A"], 1, is_late=False)], states={1: (3, ["A"])})
    calls.append(call("save", 2.2, Event(1, 3, ["A"])))
    assert any("does not name" in found for found in find_violations(calls, {"a": other}))
