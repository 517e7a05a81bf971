"""Which banks of other organisations a blueprint draws on; its own organisation's is always among them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

KEY = "shared_banks"


def shared_banks(spec: Mapping[str, Any]) -> tuple[uuid.UUID, ...]:
    """Return the agreements that a blueprint JSON names; what is no id, as in a file from elsewhere, is passed over.

    Examples
    --------
    >>> shared_banks({"shared_banks": ["12345678123456781234567812345678", "elsewhere"]})
    (UUID('12345678-1234-5678-1234-567812345678'),)
    >>> shared_banks({})
    ()
    """
    found = []
    for text in spec.get(KEY) or ():
        try:
            found.append(uuid.UUID(str(text)))
        except ValueError:
            continue
    return tuple(found)


def with_banks(spec: Mapping[str, Any], chosen: Collection[uuid.UUID]) -> dict[str, Any]:
    """Return a blueprint JSON that draws on these agreements and no others.

    Examples
    --------
    >>> with_banks({"n_items": 1, "shared_banks": ["x"]}, [])
    {'n_items': 1}
    """
    rest = {key: value for key, value in spec.items() if key != KEY}
    return rest | {KEY: sorted(map(str, chosen))} if chosen else rest
