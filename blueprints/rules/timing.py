"""How long an item usually takes: reading at a common speed, then the time its type needs."""

from __future__ import annotations

from kernel.errors import InvalidInputError
from kernel.i18n import N_

OTHER_TYPES = 60
MINUTE = 60


def parse_seconds(text: str) -> dict[str, float]:
    """Return seconds by item type as the rule profile writes them.

    Examples
    --------
    >>> parse_seconds("single_choice:25; essay：900")
    {'single_choice': 25.0, 'essay': 900.0}
    """
    found = {}
    for piece in text.replace("；", ";").replace("：", ":").split(";"):
        if not piece.strip():
            continue
        name, _, seconds = piece.partition(":")
        try:
            found[name.strip()] = float(seconds)
        except ValueError as exc:
            raise InvalidInputError(N_("规则方案中的作答秒数“%(piece)s”写法有误"), piece=piece.strip()) from exc
    return found


def estimated_seconds(kind: str, n_characters: int, by_type: dict[str, float], per_minute: float) -> float:
    """Return the usual time of an item in whole seconds.

    Examples
    --------
    >>> estimated_seconds("single_choice", 100, {"single_choice": 25.0}, 300)
    45.0
    """
    return float(round(by_type.get(kind, OTHER_TYPES) + MINUTE * n_characters / per_minute))
