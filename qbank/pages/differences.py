"""What changed between two versions of an item, as coloured text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from flask_babel import gettext as _

from item_templates import registry
from item_templates.contract import ItemContent
from item_templates.markup import plain_text
from item_templates.rounding import decimal_text
from qbank.models.items import ItemVersion
from qbank.models.standards import AssessmentPoint
from qbank.pages.item_wording import difficulty_label, type_label
from qbank.services.items import content_of

TOKEN = re.compile(r"[A-Za-z0-9.]+|\s+|.", re.DOTALL)
MAX_TOKENS = 4000


@dataclass(frozen=True, slots=True)
class DiffPart:
    """A piece of text that stayed (`equal`), came (`insert`) or went (`delete`)."""

    op: str
    text: str


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One field of an item, old and new in one run of parts."""

    label: str
    parts: list[DiffPart]


def difference(
    old: ItemVersion, new: ItemVersion, old_points: Sequence[AssessmentPoint], new_points: Sequence[AssessmentPoint]
) -> list[DiffRow]:
    """Return every field that either version fills, compared."""
    before, after = _fields(old, old_points), _fields(new, new_points)
    pairs = {label: (before.get(label, ""), after.get(label, "")) for label in dict.fromkeys([*before, *after])}
    return [
        DiffRow(label, diff_parts(old_text, new_text))
        for label, (old_text, new_text) in pairs.items()
        if old_text or new_text
    ]


def _fields(version: ItemVersion, points: Sequence[AssessmentPoint]) -> dict[str, str]:
    content = content_of(version)
    children = {
        _("第 %(n)s 小题 %(label)s", n=number, label=label): text
        for number, child in enumerate(content.items, 1)
        for label, text in _content_fields(child).items()
    }
    return (
        _content_fields(content)
        | children
        | {
            _("鉴定点"): "\n".join(f"{point.full_code} {point.name}" for point in points),
            _("难度"): difficulty_label(version.difficulty),
        }
    )


def _content_fields(content: ItemContent) -> dict[str, str]:
    fields = {_("题型"): type_label(content.type), _("题干"): plain_text(content.stem)}
    fields |= {_("选项 %(id)s", id=one.id): plain_text(one.content) for one in content.choices}
    fields |= {_("对应项 %(id)s", id=one.id): plain_text(one.content) for one in content.targets}
    return fields | {
        _("标准答案"): registry.get(content.type).key_text(content),
        _("评分要点"): _rubric(content),
        _("解析"): plain_text(content.explanation),
        _("分值"): decimal_text(content.score),
        _("评分方式"): str(content.scoring.get("method", "")),
        _("参数"): "\n".join(f"{name}: {_json(value)}" for name, value in sorted(content.parameters.items())),
        _("图片"): "\n".join(str(one.get("alt") or one.get("id")) for one in content.media),
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _rubric(content: ItemContent) -> str:
    return "\n".join(f"{point.get('text')}（{point.get('score')}）" for point in content.rubric)


def diff_parts(old: str, new: str) -> list[DiffPart]:
    """Return the parts of two texts: Chinese sign by sign, Latin words and numbers whole.

    Examples
    --------
    >>> [(part.op, part.text) for part in diff_parts("电压为220V", "电压为380V")]
    [('equal', '电压为'), ('delete', '220V'), ('insert', '380V')]
    """
    before, after = TOKEN.findall(old), TOKEN.findall(new)
    if max(len(before), len(after)) > MAX_TOKENS:
        return [DiffPart("equal", old)] if old == new else [DiffPart("delete", old), DiffPart("insert", new)]
    parts: list[DiffPart] = []
    for op, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if op == "equal":
            parts.append(DiffPart("equal", "".join(before[i1:i2])))
            continue
        if i2 > i1:
            parts.append(DiffPart("delete", "".join(before[i1:i2])))
        if j2 > j1:
            parts.append(DiffPart("insert", "".join(after[j1:j2])))
    return parts
