"""What counts as an answer, and the receipt that covers all answers of an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kernel.canonical import digest
from kernel.clock import iso


def is_answered(response: Any) -> bool:
    """Say whether a response holds an answer; a cleared one does not.

    Examples
    --------
    >>> [is_answered(response) for response in (["B"], [True], [], None, [""], ["", ""], ["", " 2"])]
    [True, True, False, False, False, False, True]
    """
    return bool(response) and any(part not in ("", None, []) for part in response)


def responses_digest(responses: Mapping[int, Any]) -> str:
    """Return the digest of all durable answers, by slot, cleared ones included: any later change would show."""
    return digest({str(slot): response for slot, response in responses.items()})


def make_receipt(responses: Mapping[int, Any], admission_number: str, at: datetime) -> dict[str, Any]:
    """Return the receipt of a hand-in."""
    return {
        "n_answers": sum(map(is_answered, responses.values())),
        "digest": responses_digest(responses),
        "submitted_at": iso(at),
        "admission_number": admission_number,
    }
