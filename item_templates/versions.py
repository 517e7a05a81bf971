"""What kind of change lies between two contents of one item."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from item_templates.canonical import content_to_json
from item_templates.checks import as_decimal
from item_templates.contract import Choice, ItemContent, Json
from item_templates.rounding import decimal_text
from kernel.canonical import canonical_json

Change = Literal["same", "wording", "substance"]


def compare(old: ItemContent, new: ItemContent) -> Change:
    """Say whether a change is a new measurement or new words for the same one.

    Parameters
    ----------
    old, new : ItemContent
        Two versions of one item.

    Returns
    -------
    {"same", "wording", "substance"}
        ``substance`` when type, key, score, scoring rule, scores of the rubric, pictures, children, parameters, or
        number, ids or order of options or targets differ: statistics start afresh. ``wording`` when only texts differ, ``same`` when
        nothing does.

    Examples
    --------
    >>> old = ItemContent("true_false", "铜丝可以代替熔体。", key=False)
    >>> compare(old, ItemContent("true_false", "可以用铜丝代替熔体。", key=False))
    'wording'
    >>> compare(old, ItemContent("true_false", "铜丝不能代替熔体。", key=True))
    'substance'
    """
    if canonical_json(content_to_json(old)) == canonical_json(content_to_json(new)):
        return "same"
    return "wording" if _substance(old) == _substance(new) else "substance"


def _substance(content: ItemContent) -> bytes:
    body = content_to_json(content)
    kept: Json = {name: body[name] for name in ("type", "key", "score", "scoring")}
    return canonical_json(
        kept
        | {
            "choices": _ids(content.choices),
            "targets": _ids(content.targets),
            "rubric": [decimal_text(as_decimal(point.get("score")) or Decimal(0)) for point in content.rubric],
            "media": [[medium.get("id"), medium.get("digest")] for medium in content.media],
            "blanks": content.n_blanks,
            "parameters": body.get("parameters"),
            "items": [_substance(child).decode() for child in content.items],
        }
    )


def _ids(choices: Sequence[Choice]) -> list[str]:
    return [choice.id for choice in choices]
