"""Rules of a blueprint that stand in single fields: earlier forms, rest periods, time, shares of correct answers, blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from blueprints.rules.spec_form import SpecForm, band_values, mean_values, optional, share_value
from blueprints.rules.spec_rows import (
    cell_values,
    coverage_values,
    information_values,
    key_balance_values,
    read_cells,
    read_coverage,
    read_information,
    read_key_balance,
    read_sections,
    section_values,
)
from kernel.i18n import N_

MOST_CHARACTERS = 1_000_000
MOST_MINUTES = 1_000
MOST_DAYS = 3650
MOST_FORMS = 100
ITEM_FIELDS = ("include", "exclude", "anchor")
"""Fields that name items by their codes."""
KEPT = ("include_sets", "exclude_sets")
"""Keys without a field: what a file brought in stays."""


def read_limits(form: SpecForm, base: Mapping[str, Any], items: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the keys of these fields; what has no field is kept as `base` has it.

    Parameters
    ----------
    form : SpecForm
        The posted form.
    base : mapping
        The blueprint JSON that was opened.
    items : mapping
        Ids by the name of the field that names them.
    """
    kept = {key: deepcopy(base[key]) for key in KEPT if base.get(key)}
    return kept | optional(
        cells=read_cells(form),
        sections=read_sections(form, base.get("sections") or ()),
        coverage=read_coverage(form, base.get("coverage") or ()),
        key_balance=read_key_balance(form, base.get("key_balance") or ()),
        information=read_information(form, base.get("information") or ()),
        p_value=_p_value(form, base.get("p_value") or {}),
        exposure=_exposure(form, base.get("exposure") or {}),
        earlier=_earlier(form, base.get("earlier") or {}),
        cool_down=_cool_down(form),
        reading=optional(characters=form.band("reading-low", "reading-high", most=Decimal(MOST_CHARACTERS))),
        answer_time=optional(minutes=form.band("minutes-low", "minutes-high", most=Decimal(MOST_MINUTES))),
        anchor=_anchor(form, items.get("anchor") or ()),
        pretest=_pretest(form, base.get("pretest") or {}),
        include=list(items.get("include") or ()),
        exclude=list(items.get("exclude") or ()),
    )


def _p_value(form: SpecForm, base: Mapping[str, Any]) -> dict[str, Any]:
    band = form.band("p-low", "p-high", most=Decimal(1))
    items = {} if band is None else {"min": band[0], "max": band[1]}
    mean = form.mean("p-mean", "p-tolerance", most=Decimal(1))
    return optional(mean=mean, items=items, counts=deepcopy(base.get("counts")))


def _exposure(form: SpecForm, base: Mapping[str, Any]) -> dict[str, Any]:
    return optional(max_n_used=form.count("max_n_used"), max_rate=base.get("max_rate"))


def _earlier(form: SpecForm, base: Mapping[str, Any]) -> dict[str, Any]:
    last = form.count("earlier-last", most=MOST_FORMS)
    most, share = form.count("earlier-count"), form.share("earlier-share")
    if not last:
        if most is not None or share is not None:
            form.complain("earlier-last", N_("请填写与最近几份试卷比较"))
        return {}
    if most is None and share is None:
        form.complain("earlier-count", N_("请填写最多重复的题数或比例"))
    return optional(
        last=last, max_count=most, max_share=share, together=base.get("together"), forms=deepcopy(base.get("forms"))
    )


def _cool_down(form: SpecForm) -> dict[str, Any]:
    days = form.count("cool-days", most=MOST_DAYS)
    return {"days": days} if days else {}


def _anchor(form: SpecForm, items: Sequence[str]) -> dict[str, Any]:
    if not items:
        return {}
    return {"items": list(items)} | ({} if form.text("anchor-scored") != "no" else {"scored": False})


def _pretest(form: SpecForm, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the block on trial; counts by type that a file brought in stay as long as they still add up."""
    n_items = form.count("pretest-count")
    if not n_items:
        if form.count("pretest-point"):
            form.complain("pretest-count", N_("请填写试测题数"))
        return {}
    types = base.get("types") if base.get("n_items") == n_items else None
    return optional(n_items=n_items, types=deepcopy(types), max_per_point=form.count("pretest-point"))


def limit_values(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the field texts of these keys; items are named by the caller, who knows their codes."""
    p_value, earlier, exposure = spec.get("p_value") or {}, spec.get("earlier") or {}, spec.get("exposure") or {}
    bounds = p_value.get("items") or {}
    values = cell_values(spec.get("cells") or ()) | section_values(spec.get("sections") or ())
    values |= coverage_values(spec.get("coverage") or ()) | key_balance_values(spec.get("key_balance") or ())
    values |= mean_values("p", p_value.get("mean")) | information_values(spec.get("information") or ())
    values |= {"p-low": bounds.get("min", ""), "p-high": bounds.get("max", "")}
    values |= band_values("reading", (spec.get("reading") or {}).get("characters"), MOST_CHARACTERS)
    values |= band_values("minutes", (spec.get("answer_time") or {}).get("minutes"), MOST_MINUTES)
    pretest = spec.get("pretest") or {}
    return values | {
        "pretest-count": pretest.get("n_items", ""), "pretest-point": pretest.get("max_per_point", ""),
        "max_n_used": exposure.get("max_n_used", ""), "earlier-last": earlier.get("last", ""),
        "earlier-count": earlier.get("max_count", ""), "earlier-share": share_value(earlier.get("max_share")),
        "cool-days": (spec.get("cool_down") or {}).get("days", ""),
        "anchor-scored": "no" if (spec.get("anchor") or {}).get("scored") is False else "yes",
    }  # fmt: skip


def item_ids_of(spec: Mapping[str, Any], name: str) -> list[str]:
    """Return the ids behind a field that names items."""
    found = (spec.get("anchor") or {}).get("items") if name == "anchor" else spec.get(name)
    return list(found or ())
