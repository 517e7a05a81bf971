"""Hold forms against the rules on earlier forms, keys, time, sections, blocks and coverage, by plain counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.limits import BandRule, CoverageRule, EarlierRule, KeyRule, MeanRule, SectionRule
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import Check, Wanted
from blueprints.assembly.text import Text, plain
from kernel.i18n import N_

Form = Sequence[PoolItem]
PLACES = 6
DEFAULT_SCORE = Decimal(1)


def check(name: str, wanted: Wanted, got: Decimal, text: Text) -> Check:
    """Return a rule held against what a form has."""
    low, high = wanted
    met = (low is None or got >= low) and (high is None or got <= high)
    return Check(name, wanted, got, met, text)


def anchor_ids(blueprint: Blueprint) -> frozenset[str]:
    """Return the ids of the items that stand in every form."""
    anchor = blueprint.limits.anchor
    return frozenset(anchor.items) if anchor else frozenset()


def split_form(form: Form, blueprint: Blueprint) -> tuple[list[PoolItem], list[PoolItem]]:
    """Return the items that count for the form itself, and those on trial; unscored anchors are neither."""
    anchor, fixed = blueprint.limits.anchor, anchor_ids(blueprint)
    trial = [item for item in form if item.pretest and item.id not in fixed]
    apart = fixed if anchor and not anchor.scored else frozenset()
    own = [item for item in form if item.id not in apart and (not item.pretest or item.id in fixed)]
    return own, trial


def further_checks(own: Form, blueprint: Blueprint) -> Iterator[Check]:
    """Yield the rules of this module that look at the form's own items."""
    limits, fixed = blueprint.limits, anchor_ids(blueprint)
    drawn = [item for item in own if item.id not in fixed]
    for rule in blueprint.cognitive:
        low, high = (None if side is None else side * blueprint.n_items for side in (rule.low, rule.high))
        count = sum(1 for item in own if item.cognitive == rule.letter)
        text = Text(N_("认知层次 %(level)s 的题数"), {"level": rule.letter})
        yield check(f"cognitive[{rule.letter}]", (low, high), Decimal(count), text)
    if limits.earlier is not None:
        yield from _earlier(drawn, limits.earlier, blueprint.n_items)
    for key_rule in limits.keys:
        yield from _keys(own, key_rule, blueprint)
    yield from _bands(own, blueprint)
    for section in limits.sections:
        yield from _section(section, [item for item in own if section.holds(item)], blueprint)
    yield from _bars(drawn, blueprint)


def _earlier(drawn: Form, rule: EarlierRule, n_items: int) -> Iterator[Check]:
    shared = [
        {item.id for item in drawn if number in item.earlier_forms}
        | ({item.id for item in drawn} & (rule.forms[number - 1] if number <= len(rule.forms) else frozenset()))
        for number in range(1, rule.last + 1)
    ]
    wanted = (None, Decimal(rule.limit(n_items)))
    if rule.together:
        text = Text(N_("与最近 %(last)s 份试卷合计重复的题数"), {"last": rule.last})
        yield check("earlier", wanted, Decimal(len(set().union(*shared))), text)
        return
    for number, ids in enumerate(shared, 1):
        text = Text(N_("与倒数第 %(number)s 份试卷重复的题数"), {"number": number})
        yield check(f"earlier[{number}]", wanted, Decimal(len(ids)), text)


def _keys(own: Form, rule: KeyRule, blueprint: Blueprint) -> Iterator[Check]:
    n_items = next((entry.count for entry in blueprint.types if entry.type == rule.type), 0)
    low, high = (None if side is None else side * n_items for side in (rule.low, rule.high))
    for key, count in sorted(Counter(item.key for item in own if item.type == rule.type).items()):
        text = Text(N_("题型 %(type)s 中答案为 %(key)s 的题数"), {"type": rule.type, "key": key})
        yield check(f"key_balance[{rule.type}/{key}]", (low, high), Decimal(count), text)


def _bands(own: Form, blueprint: Blueprint) -> Iterator[Check]:
    limits = blueprint.limits
    if limits.seconds is not None:
        yield _minutes("answer_time", limits.seconds, own, Text(N_("答题时间（分钟）")))
    if limits.characters is not None:
        total = sum((Decimal(item.characters or 0) for item in own), Decimal(0))
        band = limits.characters
        yield check("reading", (band.low, band.high), total, Text(N_("阅读量（字）")))
    for rule in limits.p_bands:
        count = sum(1 for item in own if rule.holds(item.p_value))
        text = Text(N_("通过率 %(band)s 的题数"), {"band": rule.name})
        yield check(f"p_bands[{rule.name}]", (Decimal(rule.low), Decimal(rule.high)), Decimal(count), text)


def _minutes(name: str, band: BandRule, items: Form, text: Text) -> Check:
    seconds = sum((_exact(item.seconds) for item in items), Decimal(0))
    met = band.low <= seconds <= band.high
    return Check(name, (band.low / 60, band.high / 60), seconds / 60, met, text)


def _exact(value: float | None) -> Decimal:
    return Decimal(str(round(value or 0.0, PLACES)))


def _section(section: SectionRule, items: Form, blueprint: Blueprint) -> Iterator[Check]:
    name, values = section.name, {"name": section.name}
    if section.count is not None:
        wanted = Decimal(section.count[0]), Decimal(section.count[1])
        text = Text(N_("第“%(name)s”部分的题数"), values)
        yield check(f"sections[{name}]", wanted, Decimal(len(items)), text)
    if section.score is not None:
        text = Text(N_("第“%(name)s”部分的分数"), values)
        worth = blueprint.score_by_type
        total = sum((_worth(item, worth.get(item.type)) for item in items), Decimal(0))
        yield check(f"section_score[{name}]", section.score, total, text)
    if section.seconds is not None:
        text = Text(N_("第“%(name)s”部分的答题时间（分钟）"), values)
        yield _minutes(f"section_time[{name}]", section.seconds, items, text)
    if section.difficulty is not None:
        text = Text(N_("第“%(name)s”部分的平均难度"), values)
        levels = [Decimal(item.difficulty or 0) for item in items]
        yield mean_check(f"section_difficulty[{name}]", section.difficulty, levels, text)
    if section.p_value is not None:
        text = Text(N_("第“%(name)s”部分的平均通过率"), values)
        shares = [_exact(item.p_value) for item in items]
        yield mean_check(f"section_p_value[{name}]", section.p_value, shares, text)


def _worth(item: PoolItem, each: Decimal | None) -> Decimal:
    return each if each is not None else (DEFAULT_SCORE if item.score is None else item.score)


def mean_check(name: str, rule: MeanRule, values: Sequence[Decimal], text: Text) -> Check:
    """Return a mean held against its rule, without any division in the judgement."""
    total, count = sum(values, Decimal(0)), max(1, len(values))
    low, high = rule.target - rule.tolerance, rule.target + rule.tolerance
    return Check(name, (low, high), total / count, low * count <= total <= high * count, text)


def _bars(drawn: Form, blueprint: Blueprint) -> Iterator[Check]:
    limits = blueprint.limits
    if limits.cool_down is not None:
        count = sum(1 for item in drawn if limits.cool_down.bars(item.last_used))
        text = Text(N_("停用期未满的题数"))
        yield check("cool_down", (Decimal(0), Decimal(0)), Decimal(count), text)
    if limits.p_range is not None:
        low, high = limits.p_range
        count = sum(1 for item in drawn if not low <= _exact(item.p_value) <= high)
        text = Text(N_("通过率超出 %(low)s 至 %(high)s 的题数"), {"low": plain(low), "high": plain(high)})
        yield check("p_value_items", (Decimal(0), Decimal(0)), Decimal(count), text)


def block_checks(form: Form, trial: Form, blueprint: Blueprint) -> Iterator[Check]:
    """Yield the rules on the trial block and the anchors."""
    pretest, fixed = blueprint.limits.pretest, anchor_ids(blueprint)
    n_wanted = pretest.n_items if pretest else 0
    if pretest or trial:
        yield check("pretest", (Decimal(n_wanted),) * 2, Decimal(len(trial)), Text(N_("试测题数")))
    count = Counter(item.type for item in trial)
    for name, wanted in pretest.types if pretest else ():
        text = Text(N_("试测题中题型 %(type)s 的题数"), {"type": name})
        yield check(f"pretest[{name}]", (Decimal(wanted),) * 2, Decimal(count[name]), text)
    if pretest and pretest.max_per_point is not None:
        most = max(Counter(item.point for item in trial).values(), default=0)
        text = Text(N_("试测题中同一鉴定点的最多题数"))
        yield check("pretest_max_per_point", (None, Decimal(pretest.max_per_point)), Decimal(most), text)
    if fixed:
        got = sum(1 for item in form if item.id in fixed)
        yield check("anchor", (Decimal(len(fixed)),) * 2, Decimal(got), Text(N_("锚题数")))


def joint_checks(forms: Sequence[Form], pool: Sequence[PoolItem], blueprint: Blueprint) -> tuple[Check, ...]:
    """Return the rules on all forms of an assembly together."""
    chosen = {item.id for form in forms for item in form}
    sets = {item.item_set for form in forms for item in form}
    limits = blueprint.limits
    checks = [
        check(
            f"include[{name}]",
            (Decimal(1), None),
            Decimal(name in chosen),
            Text(N_("选用指定的题 %(id)s"), {"id": name}),
        )
        for name in limits.include
    ]
    checks += [
        check(
            f"include_sets[{name}]", (Decimal(1), None), Decimal(name in sets),
            Text(N_("选用指定的共用题干 %(id)s"), {"id": name}),
        )
        for name in limits.include_sets
    ]  # fmt: skip
    return (*checks, *(one for rule in limits.coverage for one in _coverage(rule, forms, pool, blueprint)))


def _coverage(
    rule: CoverageRule, forms: Sequence[Form], pool: Sequence[PoolItem], blueprint: Blueprint
) -> Iterator[Check]:
    """Yield how many points each whole group of forms leaves out, earlier forms completing a lone group."""
    earlier = _earlier_forms(pool, blueprint)
    if len(forms) + len(earlier) < rule.forms:
        return
    period = min(rule.forms, len(forms))
    done = {point for points in earlier[: rule.forms - period] for point in points}
    wanted = {item.point for item in pool if rule.concerns(item.point, item.importance)} | (rule.points or frozenset())
    for first in range(0, len(forms) - period + 1, period):
        group = forms[first : first + period]
        held = {item.point for form in group for item in split_form(form, blueprint)[0]}
        text = Text(
            N_("鉴定点（%(name)s）在 %(forms)s 份试卷中没有考到的个数"), {"name": rule.name, "forms": rule.forms}
        )
        yield check(f"coverage[{rule.name}]", (None, Decimal(0)), Decimal(len(wanted - held - done)), text)


def _earlier_forms(pool: Sequence[PoolItem], blueprint: Blueprint) -> list[set[str]]:
    """Return the points of each earlier form, the latest first."""
    fixed = anchor_ids(blueprint)
    given = blueprint.limits.earlier.forms if blueprint.limits.earlier else ()
    known = max((number for item in pool for number in item.earlier_forms), default=0)
    return [
        {
            item.point
            for item in pool
            if (number in item.earlier_forms or (number <= len(given) and item.id in given[number - 1]))
            and not item.pretest
            and item.id not in fixed
        }
        for number in range(1, max(known, len(given)) + 1)
    ]
