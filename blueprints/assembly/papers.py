"""Hold a whole form that somebody else put together (套题) against a blueprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult, Check
from blueprints.assembly.text import Text
from blueprints.assembly.verify import check_assembly, check_form
from blueprints.assembly.weights import weight_targets
from kernel.i18n import N_

RELATIONS = {
    "known_items": N_("不在题库中的题数"),
    "repeated_item": N_("重复的试题"),
    "enemies": N_("同卷的互斥题"),
    "sets": N_("没有整组选用的共用题干"),
}


def check_whole_form(ids: Sequence[str], pool: Sequence[PoolItem], blueprint: Blueprint) -> tuple[Check, ...]:
    """Return every rule of a blueprint held against a form made elsewhere.

    Parameters
    ----------
    ids : sequence of str
        The form's items, by their ids in the pool; unknown ids are counted in the check ``known_items``.
    pool : sequence of PoolItem
        The items that are known.
    blueprint : Blueprint
        The rules; those on several forms together are left out.

    Returns
    -------
    tuple of Check
        Rules on the form, then what may not be in any form: ``repeated_item``, ``enemies``, ``sets``.
    """
    by_id = {item.id: item for item in pool}
    form = [by_id[name] for name in ids if name in by_id]
    checks = check_form(form, blueprint, weight_targets(blueprint, build_columns(pool, blueprint).step))
    broken = check_assembly([form], pool, blueprint)
    unknown = sum(1 for name in ids if name not in by_id)
    counts = {name: int(name in broken) for name in RELATIONS} | {"known_items": unknown}
    none = (Decimal(0), Decimal(0))
    return (
        *checks,
        *(Check(name, none, Decimal(count), not count, Text(RELATIONS[name])) for name, count in counts.items()),
    )


def with_checks(result: AssemblyResult, blueprint: Blueprint) -> AssemblyResult:
    """Return a result whose forms carry every rule held against them, as forms drawn on the fly do not."""
    by_id = {item.id: item for item in result.pool}
    targets = weight_targets(blueprint, build_columns(result.pool, blueprint).step) if result.forms else ()
    forms = tuple(
        replace(form, checks=check_form([by_id[name] for name in form.items], blueprint, targets))
        for form in result.forms
    )
    return replace(result, forms=forms)
