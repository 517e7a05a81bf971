"""Linear rows of the rules on earlier forms, keys, time, sections, trial blocks, coverage and wanted items."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.columns import BoolArray, Columns, FloatArray, IntArray
from blueprints.assembly.limits import BandRule, MeanRule, SectionRule
from blueprints.assembly.pool import IMPORTANCE_LETTERS
from blueprints.assembly.rows import STEP_SLACK, Row, decimal_steps, mean_bounds, part_mask, share_bounds, step_scale
from blueprints.assembly.text import Text, plain, plain_range
from kernel.i18n import N_


def further_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    """Yield the rules on the form itself that `single_rows` does not know."""
    yield from _earlier_rows(blueprint, columns, members)
    yield from _key_rows(blueprint, columns, members)
    yield from _band_rows(blueprint, columns, members)
    yield from _p_band_rows(blueprint, columns, members)
    for section in blueprint.limits.sections:
        yield from _section_rows(section, columns, members)


def trial_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    """Yield the rules on the trial block; its cap per point is apart."""
    rule = blueprint.limits.pretest
    if rule is None:
        return
    on_trial = columns.trial[members]
    text = Text(N_("试测题 %(count)s 题"), {"count": rule.n_items})
    yield Row("pretest", text, on_trial.astype(np.float64), rule.n_items, rule.n_items)
    for name, count in rule.types:
        mask = on_trial & part_mask(columns, (), (name,), members)
        text = Text(N_("试测题中题型 %(type)s 需要 %(count)s 题"), {"type": name, "count": count})
        yield Row(f"pretest[{name}]", text, mask.astype(np.float64), count, count)


def joint_rows(blueprint: Blueprint, columns: Columns, members: IntArray, n_forms: int) -> Iterator[Row]:
    """Yield the rules that bind several forms together: points to cover, items that some form must have."""
    yield from _coverage_rows(blueprint, columns, members, n_forms)
    for name in blueprint.limits.include:
        here = np.array([columns.items[index].id == name for index in members.tolist()], dtype=np.float64)
        yield Row(f"include[{name}]", Text(N_("选用指定的题 %(id)s"), {"id": name}), here, 1, np.inf, period=n_forms)
    for name in blueprint.limits.include_sets:
        here = np.array([columns.items[index].item_set == name for index in members.tolist()], dtype=np.float64)
        text = Text(N_("选用指定的共用题干 %(id)s"), {"id": name})
        yield Row(f"include_sets[{name}]", text, here, 1, np.inf, period=n_forms)


def wanted_items(blueprint: Blueprint, columns: Columns) -> BoolArray:
    """Tell the items that some form must have."""
    limits = blueprint.limits
    if not limits.include and not limits.include_sets:
        return np.zeros(len(columns.items), dtype=bool)
    ids, sets = frozenset(limits.include), frozenset(limits.include_sets)
    return np.array([item.id in ids or item.item_set in sets for item in columns.items], dtype=bool)


def coverage_period(blueprint: Blueprint, columns: Columns, n_forms: int) -> int:
    """Return how many of the new forms cover the points together; 0 while their group is not complete.

    Fewer new forms than the rule asks for are completed by the last earlier ones.
    """
    rules = blueprint.limits.coverage
    if not rules or n_forms + len(columns.earlier) < rules[0].forms:
        return 0
    return min(n_forms, rules[0].forms)


def uncovered_points(blueprint: Blueprint, columns: Columns, n_forms: int) -> Iterator[tuple[str, str]]:
    """Yield the rule and the point of everything that the new forms must cover together."""
    period = coverage_period(blueprint, columns, n_forms)
    if not period:
        return
    n_earlier = blueprint.limits.coverage[0].forms - period
    done = {
        columns.point_names[code]
        for stood in columns.earlier[:n_earlier]
        for code in np.unique(columns.point_code[stood])
    }
    letters = dict(zip(columns.point_code.tolist(), columns.importance.tolist(), strict=True))
    for rule in blueprint.limits.coverage:
        found = {
            name
            for code, name in enumerate(columns.point_names)
            if rule.concerns(name, IMPORTANCE_LETTERS[letters[code] - 1] if letters[code] else "")
        }
        for point in sorted((found | (rule.points or frozenset())) - done):
            yield rule.name, point


def _coverage_rows(blueprint: Blueprint, columns: Columns, members: IntArray, n_forms: int) -> Iterator[Row]:
    period = coverage_period(blueprint, columns, n_forms)
    if not period:
        return
    code_of = {name: code for code, name in enumerate(columns.point_names)}
    codes = np.where(columns.main[members], columns.point_code[members], -1)
    texts = {
        rule.name: Text(
            N_("鉴定点（%(name)s）在 %(forms)s 份试卷中至少考到一次"), {"name": rule.name, "forms": rule.forms}
        )
        for rule in blueprint.limits.coverage
    }
    for name, point in uncovered_points(blueprint, columns, n_forms):
        here = (codes == code_of.get(point, -2)).astype(np.float64)
        yield Row(f"coverage[{name}]", texts[name], here, 1, np.inf, period=period)


def earlier_groups(blueprint: Blueprint, columns: Columns) -> list[tuple[str, BoolArray]]:
    """Return the rule name and the items of each group of earlier items that a form may hardly share."""
    rule = blueprint.limits.earlier
    if rule is None:
        return []
    stood = columns.earlier[: rule.last]
    if rule.together:
        return [("earlier", np.any(stood, axis=0))] if stood else []
    return [(f"earlier[{number}]", one) for number, one in enumerate(stood, 1)]


def _earlier_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    rule = blueprint.limits.earlier
    for name, stood in earlier_groups(blueprint, columns):
        if rule is not None:
            limit = rule.limit(blueprint.n_items)
            if name == "earlier":
                text = Text(N_("与最近 %(last)s 份试卷合计最多重复 %(count)s 题"), {"last": rule.last, "count": limit})
            else:
                number = name.partition("[")[2].rstrip("]")
                values = {"number": number, "count": limit}
                text = Text(N_("与倒数第 %(number)s 份试卷最多重复 %(count)s 题"), values)
            yield Row(name, text, stood[members].astype(np.float64), -np.inf, limit)


def key_names(columns: Columns, kind: str) -> list[str]:
    """Return the keys of a type that its items of the pool have."""
    mask = part_mask(columns, (), (kind,), np.arange(len(columns.items))) & columns.suited & columns.main
    return sorted({columns.items[index].key for index in np.nonzero(mask)[0] if columns.items[index].key})


def _key_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    counts = {rule.type: rule.count for rule in blueprint.types}
    for rule in blueprint.limits.keys:
        low, high = share_bounds(rule.low, rule.high, counts.get(rule.type, 0))
        of_type = part_mask(columns, (), (rule.type,), members)
        names, codes = columns.codes("key")
        for key in key_names(columns, rule.type):
            text = Text(
                N_("题型 %(type)s 中答案为 %(key)s 的题数 %(count)s"),
                {"type": rule.type, "key": key, "count": plain_range(low, high)},
            )
            mask = of_type & (codes[members] == names.index(key))
            yield Row(f"key_balance[{rule.type}/{key}]", text, mask.astype(np.float64), low, high)


def _band_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    limits, everyone = blueprint.limits, np.ones(len(members))
    if limits.seconds is not None:
        text = Text(N_("答题时间 %(minutes)s 分钟"), {"minutes": _minutes(limits.seconds)})
        yield _band_row("answer_time", text, limits.seconds, (columns, "seconds", members), everyone)
    if limits.characters is not None:
        low, high = limits.characters.low, limits.characters.high
        text = Text(N_("阅读量 %(count)s 字"), {"count": plain_range(low, high)})
        yield _band_row("reading", text, limits.characters, (columns, "characters", members), everyone)


def _minutes(band: BandRule) -> str:
    return plain_range(band.low / 60, band.high / 60)


def _band_row(name: str, text: Text, band: BandRule, source: tuple[Columns, str, IntArray], counted: FloatArray) -> Row:
    """Return a rule on the sum of an attribute over the items that are counted, one by one."""
    columns, attribute, members = source
    steps, step = decimal_steps(columns, attribute)
    low, high = math.ceil(Fraction(band.low) / step), math.floor(Fraction(band.high) / step)
    scale = step_scale(step)
    slack = STEP_SLACK * scale if low <= high else 0.0
    values = steps[members] * scale * counted
    unit = float(step) / scale / (60 if attribute == "seconds" else 1)
    return Row(name, text, values, low * scale - slack, high * scale + slack, unit)


def _p_band_rows(blueprint: Blueprint, columns: Columns, members: IntArray) -> Iterator[Row]:
    for rule in blueprint.limits.p_bands:
        mask = np.array([rule.holds(columns.items[index].p_value) for index in members.tolist()], dtype=np.float64)
        text = Text(
            N_("通过率 %(band)s 的题数 %(count)s"), {"band": rule.name, "count": plain_range(rule.low, rule.high)}
        )
        yield Row(f"p_bands[{rule.name}]", text, mask, rule.low, rule.high)


def _section_rows(section: SectionRule, columns: Columns, members: IntArray) -> Iterator[Row]:
    mask = part_mask(columns, section.scopes, section.types, members).astype(np.float64)
    name = section.name
    if section.count is not None:
        text = Text(N_("第“%(name)s”部分 %(count)s 题"), {"name": name, "count": plain_range(*section.count)})
        yield Row(f"sections[{name}]", text, mask, *section.count)
    if section.score is not None:
        steps = [Fraction(side) / columns.step for side in section.score]
        text = Text(N_("第“%(name)s”部分 %(score)s 分"), {"name": name, "score": plain_range(*section.score)})
        scores = columns.score[members].astype(np.float64) * mask
        low, high = math.ceil(steps[0]), math.floor(steps[1])
        yield Row(f"section_score[{name}]", text, scores, low, high, float(columns.step))
    if section.seconds is not None:
        text = Text(N_("第“%(name)s”部分答题 %(minutes)s 分钟"), {"name": name, "minutes": _minutes(section.seconds)})
        yield _band_row(f"section_time[{name}]", text, section.seconds, (columns, "seconds", members), mask)
    yield from _section_means(section, columns, members, mask)


def _section_means(section: SectionRule, columns: Columns, members: IntArray, mask: FloatArray) -> Iterator[Row]:
    if section.difficulty is not None:
        values = columns.difficulty[members].astype(np.float64)
        template = N_("第“%(name)s”部分平均难度 %(target)s ± %(tolerance)s")
        yield from _mean_rows(
            f"section_difficulty[{section.name}]", template, section, section.difficulty, (values, Fraction(1), mask)
        )
    if section.p_value is not None:
        steps, step = decimal_steps(columns, "p_value")
        template = N_("第“%(name)s”部分平均通过率 %(target)s ± %(tolerance)s")
        yield from _mean_rows(
            f"section_p_value[{section.name}]", template, section, section.p_value, (steps[members], step, mask)
        )


def _mean_rows(
    rule: str, template: str, section: SectionRule, mean: MeanRule, source: tuple[FloatArray, Fraction, FloatArray]
) -> Iterator[Row]:
    """Yield a section's mean as one row where its size is fixed, else as two rows of distances from the bounds."""
    values, step, mask = source
    text = Text(
        template, {"name": section.name, "target": plain(mean.target), "tolerance": plain(mean.tolerance)}
    )  # fmt: skip
    scale = step_scale(step)
    if section.count is not None and section.count[0] == section.count[1]:
        n_items = max(1, section.count[0])
        low, high = mean_bounds(mean, n_items, step)
        slack = STEP_SLACK * scale if low <= high else 0.0
        unit = float(step) / scale / n_items
        yield Row(rule, text, values * scale * mask, low * scale - slack, high * scale + slack, unit)
        return
    for side, bounds in ((mean.target - mean.tolerance, (0.0, np.inf)), (mean.target + mean.tolerance, (-np.inf, 0.0))):
        distance = (values - float(Fraction(side) / step)) * scale * mask
        yield Row(rule, text, np.round(distance, 9), *bounds)
