"""What exactly is published of a draw: digests, counts and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.public_draws import FORMAT, Draw, DrawnForm, forms_digest
from kernel.clock import iso


def entry_content(
    facts: Mapping[str, str], draw: Draw, *, seed_digest: str, standby: Sequence[str], entry: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is published of a draw: digests, counts and times; no seed, no wording, no key of a row, nobody's name.

    Parameters
    ----------
    facts : mapping
        Names and times of the sitting as they are announced anyway.
    draw : Draw
        How the forms came about.
    seed_digest : str
        The commitment to the seed; empty for forms that were not drawn.
    standby : sequence of str
        Keys of the forms that lie in reserve.
    entry : mapping
        Number, kind, reason, time and whether it comes late.
    """
    return {
        "format": FORMAT, "session": dict(facts), **entry,
        "draw": _draw_content(draw, seed_digest) if draw.run_id else None,
        "forms": _forms_content(draw.forms, set(standby)),
    }  # fmt: skip


def _draw_content(draw: Draw, seed_digest: str) -> dict[str, Any]:
    return {
        "seed_digest": seed_digest, "pool_digest": draw.pool_digest, "n_pool": draw.n_pool,
        "blueprint_digest": draw.blueprint_digest, "blueprint_version": draw.blueprint_version,
        "engine": draw.engine, "n_forms": draw.n_forms, "is_on_the_fly": draw.is_on_the_fly,
        "drawn_at": iso(draw.drawn_at) if draw.drawn_at else None,
    }  # fmt: skip


def _forms_content(forms: Sequence[DrawnForm], standby: set[str]) -> list[dict[str, Any]]:
    """Return the sealed forms by label; those of a set of forms, one a candidate, as one."""
    single, many = [one for one in forms if not one.is_of_set], [one for one in forms if one.is_of_set]
    found = [_form(one.label, [one], is_standby=str(one.form_id) in standby) for one in single]
    return [*found, *([_form("", many, is_standby=False)] if many else [])]


def _form(label: str, forms: Sequence[DrawnForm], *, is_standby: bool) -> dict[str, Any]:
    digests = [one.digest for one in forms]
    return {
        "label": label, "n_forms": len(forms), "is_standby": is_standby,
        "digest": digests[0] if not forms[0].is_of_set else forms_digest(digests),
        "sealed_at": iso(max(one.sealed_at for one in forms)), "n_changed": sum(one.n_changed for one in forms),
    }  # fmt: skip
