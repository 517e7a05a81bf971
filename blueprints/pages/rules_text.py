"""A blueprint's rules in words: a summary for its page, and one line a rule to hold two versions side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from blueprints.models import BlueprintVersion, ExamBlueprint
from blueprints.pages.wording import type_label
from blueprints.rules.spec_form import MOST_ITEMS, share_value
from blueprints.rules.spec_limits import MOST_CHARACTERS, MOST_MINUTES
from blueprints.services.bank import scope_lines
from blueprints.services.stock import codes_of_items
from kernel.identity.actor import Actor

Line = tuple[str, str]
SHOWN_CODES = 30


@dataclass(frozen=True, slots=True)
class Words:
    """How scopes and items are called."""

    scopes: Mapping[str, str]
    codes: Mapping[str, str]

    def scope(self, code: str) -> str:
        """Return a scope as people know it."""
        return self.scopes.get(code, code)

    def items(self, ids: Sequence[str]) -> str:
        """Return items by their codes."""
        shown = "、".join(self.codes.get(one, one) for one in ids[:SHOWN_CODES])
        return shown if len(ids) <= SHOWN_CODES else str(_("%(codes)s 等 %(n)s 题", codes=shown, n=len(ids)))


@dataclass(frozen=True, slots=True)
class Difference:
    """A rule as two versions have it; empty where one has none."""

    label: str
    before: str
    after: str


def words_of(session: Session, actor: Actor, row: ExamBlueprint, specs: Sequence[Mapping[str, Any]]) -> Words:
    """Return the names of everything that some blueprint JSONs of one level mention."""
    scopes = {line.code: line.title for line in scope_lines(session, actor, row.standard_level_id)}
    ids = list(dict.fromkeys(chain.from_iterable(_named(spec) for spec in specs)))
    return Words(scopes, dict(zip(ids, codes_of_items(session, actor, ids), strict=True)))


def _named(spec: Mapping[str, Any]) -> list[str]:
    return [*spec.get("include", ()), *spec.get("exclude", ()), *(spec.get("anchor") or {}).get("items", ())]


def rule_lines(
    session: Session, actor: Actor, row: ExamBlueprint | BlueprintVersion, owner: ExamBlueprint
) -> list[Line]:
    """Return pairs of a rule's name and what it says, one pair a kind of rule; rules that are not set are left out."""
    words = words_of(session, actor, owner, [row.spec])
    gathered: dict[str, list[str]] = {}
    for group, _label, text in _rules(row.spec, words, row.duration_minutes):
        gathered.setdefault(group, []).append(text)
    return [(group, "；".join(texts)) for group, texts in gathered.items() if group != _("比重")]


def differences(
    before: ExamBlueprint | BlueprintVersion, after: ExamBlueprint | BlueprintVersion, words: Words
) -> list[Difference]:
    """Return the rules in which two versions differ."""
    old, new = (
        {label: text for _group, label, text in _rules(one.spec, words, one.duration_minutes)}
        for one in (before, after)
    )
    if before.name != after.name:
        old[_("名称")], new[_("名称")] = before.name, after.name
    labels = list(dict.fromkeys([*old, *new]))
    return [
        Difference(label, old.get(label, ""), new.get(label, ""))
        for label in labels
        if old.get(label) != new.get(label)
    ]


def _rules(spec: Mapping[str, Any], words: Words, minutes: int) -> Iterator[tuple[str, str, str]]:
    """Yield group, label of the single rule, and its text."""
    for rule in spec.get("types", ()):
        yield _("题型"), _("题型 %(name)s", name=type_label(rule["type"])), _type_text(rule)
    for rule in spec.get("weights", ()):
        yield _("比重"), _("比重 %(name)s", name=words.scope(rule["scope"])), f"{rule['percent']}%"
    yield _("比重容差"), _("比重容差"), _("%(n)s 个百分点", n=spec.get("weight_tolerance_percent", 0))
    yield from _shares(spec, words)
    yield from _difficulty(spec)
    yield from _parts(spec, words)
    yield from _reuse(spec)
    yield from _items(spec, words)
    yield from _reading(spec)
    yield _("考试时间"), _("考试时间"), _("%(n)s 分钟", n=minutes)


def _type_text(rule: Mapping[str, Any]) -> str:
    n = _count(rule["count"])
    if rule.get("score_each") is None:
        return str(_("%(type)s %(n)s 题", type=type_label(rule["type"]), n=n))
    return str(_("%(type)s %(n)s 题 × %(score)s 分", type=type_label(rule["type"]), n=n, score=rule["score_each"]))


def _count(bounds: Any) -> str:
    low, high = bounds if isinstance(bounds, list | tuple) else (bounds, bounds)
    if low == high:
        return str(low)
    if high >= MOST_ITEMS:
        return str(_("不少于 %(n)s", n=low))
    return str(_("不多于 %(n)s", n=high)) if not low else f"{low}～{high}"


def _bounds(rule: Mapping[str, Any]) -> str:
    texts = []
    if rule.get("min") is not None:
        texts.append(str(_("不少于 %(n)s%%", n=share_value(rule["min"]))))
    if rule.get("max") is not None:
        texts.append(str(_("不多于 %(n)s%%", n=share_value(rule["max"]))))
    return "，".join(texts)


def _shares(spec: Mapping[str, Any], words: Words) -> Iterator[tuple[str, str, str]]:
    for letter, bounds in (spec.get("importance") or {}).items():
        yield _("重要程度"), _("重要程度 %(name)s", name=letter), f"{letter} {_bounds(bounds)}"
    for name, bounds in (spec.get("cognitive") or {}).items():
        yield _("认知层次"), _("认知层次 %(name)s", name=name), f"{name} {_bounds(bounds)}"
    for rule in spec.get("coverage") or ():
        names = [words.scope(rule["scope"])] if rule.get("scope") else []
        letters = rule.get("importance")
        names += [letters] if isinstance(letters, str) else list(letters or ())
        text = _("%(name)s 的鉴定点在 %(n)s 份试卷内全部考到", name=" ".join(names) or _("全部"), n=rule["forms"])
        yield _("覆盖"), _("覆盖 %(name)s", name=" ".join(names)), text
    if spec.get("max_per_point"):
        yield _("同一鉴定点"), _("同一鉴定点"), _("最多 %(n)s 题", n=spec["max_per_point"])


def _mean(rule: Mapping[str, Any]) -> str:
    return f"{rule['target']} ± {rule.get('tolerance', 0)}"


def _difficulty(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    difficulty, p_value = spec.get("difficulty") or {}, spec.get("p_value") or {}
    for level, bounds in (difficulty.get("counts") or {}).items():
        text = _("难度 %(level)s：%(n)s 题", level=level, n=_count(bounds))
        yield _("难度题数"), _("难度 %(level)s", level=level), text
    if difficulty.get("mean"):
        yield _("平均难度"), _("平均难度"), _mean(difficulty["mean"])
    if p_value.get("mean"):
        yield _("平均通过率"), _("平均通过率"), _mean(p_value["mean"])
    for band in p_value.get("counts") or ():
        text = _("通过率 %(low)s～%(high)s：%(n)s 题", low=band["from"], high=band["to"], n=_count(band["count"]))
        yield _("通过率"), _("通过率 %(low)s～%(high)s", low=band["from"], high=band["to"]), text
    items = p_value.get("items")
    if items:
        text = _("每题 %(low)s～%(high)s", low=items.get("min", 0), high=items.get("max", 1))
        yield _("通过率"), _("每题通过率"), text
    for rule in spec.get("information") or ():
        yield _("信息量"), f"θ = {rule['theta']}", _("能力 %(theta)s 处 %(n)s", theta=rule["theta"], n=rule["target"])


def _parts(spec: Mapping[str, Any], words: Words) -> Iterator[tuple[str, str, str]]:
    for section in spec.get("sections") or ():
        texts = [*_where(section, words)]
        if section.get("n_items") is not None:
            texts.append(str(_("%(n)s 题", n=_count(section["n_items"]))))
        if section.get("score") is not None:
            score = section["score"]
            texts.append(str(_("%(n)s 分", n=score if not isinstance(score, list) else f"{score[0]}～{score[1]}")))
        if (section.get("difficulty") or {}).get("mean"):
            texts.append(str(_("平均难度 %(mean)s", mean=_mean(section["difficulty"]["mean"]))))
        yield _("部分"), _("部分 %(name)s", name=section["name"]), f"{section['name']}：{' '.join(texts)}"
    for cell in spec.get("cells") or ():
        name = " ".join(_where(cell, words))
        yield (
            _("单元要求"),
            _("单元要求 %(name)s", name=name),
            _("%(name)s %(n)s 题", name=name, n=_count(cell["count"])),
        )


def _where(rule: Mapping[str, Any], words: Words) -> Iterator[str]:
    for code in _several(rule.get("scope") or rule.get("scopes")):
        yield words.scope(code)
    for name in _several(rule.get("type") or rule.get("types")):
        yield type_label(name)
    yield from _several(rule.get("importance"))
    for level in _several(rule.get("difficulty")) if not isinstance(rule.get("difficulty"), Mapping) else ():
        yield str(_("难度 %(level)s", level=level))
    yield from _several(rule.get("cognitive"))


def _several(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _reuse(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield _("平行卷重复"), _("平行卷重复"), _("最多 %(n)s 题", n=spec.get("max_overlap", 0))
    earlier = spec.get("earlier")
    if earlier:
        most = [str(_("%(n)s 题", n=earlier["max_count"]))] if earlier.get("max_count") is not None else []
        most += [f"{share_value(earlier['max_share'])}%"] if earlier.get("max_share") is not None else []
        text = _("与最近 %(n)s 份已封存的试卷最多重复 %(most)s", n=earlier["last"], most="，".join(most))
        yield _("与以往试卷"), _("与以往试卷"), text
    exposure = spec.get("exposure") or {}
    if exposure.get("max_n_used") is not None:
        text = _("只用已使用不超过 %(n)s 次的试题", n=exposure["max_n_used"])
        yield _("使用次数"), _("使用次数"), text
    if exposure.get("max_rate") is not None:
        text = _("每题最多出现在 %(n)s%% 的试卷中", n=share_value(exposure["max_rate"]))
        yield _("使用比例"), _("使用比例"), text
    if spec.get("cool_down"):
        yield _("冷却期"), _("冷却期"), _("上次使用满 %(n)s 天才抽", n=spec["cool_down"]["days"])


def _items(spec: Mapping[str, Any], words: Words) -> Iterator[tuple[str, str, str]]:
    if spec.get("include"):
        yield _("指定的试题"), _("指定的试题"), words.items(spec["include"])
    if spec.get("exclude"):
        yield _("排除的试题"), _("排除的试题"), words.items(spec["exclude"])
    anchor = spec.get("anchor")
    if anchor:
        scored = _("计分") if anchor.get("scored", True) else _("不计分")
        yield _("锚题"), _("锚题"), f"{words.items(anchor['items'])}（{scored}）"
    if spec.get("pretest"):
        yield _("试测题"), _("试测题"), _("%(n)s 题，不计分", n=spec["pretest"]["n_items"])


def _reading(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    characters = (spec.get("reading") or {}).get("characters")
    if characters:
        yield _("阅读量"), _("阅读量"), _("%(n)s 字", n=_band(characters, MOST_CHARACTERS))
    minutes = (spec.get("answer_time") or {}).get("minutes")
    if minutes:
        yield _("预计作答时间"), _("预计作答时间"), _("%(n)s 分钟", n=_band(minutes, MOST_MINUTES))
    for rule in spec.get("key_balance") or ():
        name = type_label(rule["type"])
        yield _("答案分布"), _("答案分布 %(name)s", name=name), f"{name} {_bounds(rule)}"


def _band(bounds: Sequence[Any], most: int) -> str:
    low, high = bounds
    if high >= most:
        return str(_("不少于 %(n)s", n=low))
    return str(_("不多于 %(n)s", n=high)) if not low else f"{low}～{high}"
