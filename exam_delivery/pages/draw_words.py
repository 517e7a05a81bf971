"""What was published of draws in words and as JSON, for staff and for everybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from blueprints.public_draws import seed_text
from exam_delivery.models.draw_commitments import DrawCommitment, DrawReveal
from exam_delivery.pages import reading
from exam_delivery.repository.draw_commitments import Entry
from exam_delivery.rules.draw_commitments import KIND_LABELS, REVEAL_LABELS, Reveal
from exam_delivery.services.draw_commitments import Published
from kernel.clock import iso

Badge = tuple[str, str]
ON_FILES = (
    "kaoku assemble --pool draw/pool.json --blueprint draw/blueprint.json --replay draw/forms.json "
    "--commitment commitment.json"
)


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry as pages show it: terms with their values, and the seed when it was told."""

    entry: DrawCommitment
    heading: str
    badges: Sequence[Badge]
    terms: Sequence[tuple[str, str]]
    digests: Sequence[tuple[str, str]]
    forms: Sequence[Mapping[str, Any]]
    told: DrawReveal | None
    commands: Sequence[tuple[str, str]]
    shown: Callable[[str], str]


def entry_view(entry: DrawCommitment, told: DrawReveal | None) -> EntryView:
    """Return an entry for a page."""
    content = entry.content
    draw = content["draw"] or {}
    return EntryView(
        entry, str(_("第 %(n)s 条：%(kind)s", n=entry.number, kind=_(KIND_LABELS[entry.kind]))), _badges(entry, told),
        [*_terms(content, draw)], _digests(entry, draw), content["forms"], told, _commands(entry, told) if told else [], shown_time,
    )  # fmt: skip


def _badges(entry: DrawCommitment, told: DrawReveal | None) -> list[Badge]:
    late = [(str(_("开考后公布，不能证明开考前的情况")), "warning")] if entry.content["is_late"] else []
    label, kind = REVEAL_LABELS[reveal_state(entry, told)]
    return [*late, (str(_(label)), kind)]


def reveal_state(entry: DrawCommitment, told: DrawReveal | None) -> Reveal:
    """Return where the seed of an entry stands."""
    if entry.assembly_run_id is None:
        return Reveal.NOTHING
    return Reveal.WAITS if told is None else Reveal.DONE


def _terms(content: Mapping[str, Any], draw: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(_("公布时间"), shown_time(content["published_at"])), (_("补充公布的原因"), content["reason"])]
    if draw:
        found += [
            (_("抽取时间"), shown_time(draw["drawn_at"])), (_("一次抽取的试卷"), str(_("%(n)s 份", n=draw["n_forms"]))),
            (_("题库"), str(_("%(n)s 题", n=draw["n_pool"]))), (_("组卷引擎"), str(_("第 %(n)s 版", n=draw["engine"]))),
            (_("蓝图版本"), str(_("第 %(n)s 版", n=draw["blueprint_version"])) if draw["blueprint_version"] else ""),
        ]  # fmt: skip
    return [(str(term), value) for term, value in found if value]


def _digests(entry: DrawCommitment, draw: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [
        (_("种子承诺"), draw.get("seed_digest", "")), (_("题库摘要"), draw.get("pool_digest", "")),
        (_("蓝图摘要"), draw.get("blueprint_digest", "")), (_("承诺编号"), entry.digest),
    ]  # fmt: skip
    return [(str(term), value) for term, value in found if value]


def _commands(entry: DrawCommitment, told: DrawReveal) -> list[tuple[str, str]]:
    """Return how anybody checks the told seed, the first way without our program."""
    return [
        (
            str(_("核对种子（任何计算机，结果应等于“种子承诺”）")),
            f"printf '%s' '{seed_text(told.seed, told.nonce)}' | sha256sum",
        ),
        (str(_("在本系统的服务器上重放")), f"kaoku replay {entry.assembly_run_id}"),
        (
            str(_("在另一台计算机上重放：先由机构导出当时的题库")),
            f"kaoku replay {entry.assembly_run_id} --files draw",
        ),
        (
            str(_("再用导出的文件和本页的 JSON（存为 commitment.json）核对")),
            ON_FILES,
        ),
    ]


def shown_time(text: str | None) -> str:
    """Return a kept moment as pages write it."""
    return dt.datetime.fromisoformat(text).astimezone(reading.zone()).strftime("%Y-%m-%d %H:%M") if text else ""


def promise_text(published: Published) -> str:
    """Return in a few words what stands published of a session."""
    if not published.entries:
        return str(_("没有公布"))
    if published.n_missing:
        return str(_("已公布，另有 %(n)s 份试卷没有公布", n=published.n_missing))
    if published.n_open:
        return str(_("已公布 %(n)s 条，种子待公开", n=len(published.entries)))
    return str(_("已公布 %(n)s 条", n=len(published.entries)))


def public_json(organisation: str, entries: Sequence[Entry]) -> dict[str, Any]:
    """Return what the public page says as JSON; ``kaoku assemble --commitment`` reads it."""
    return {"organisation": organisation, "entries": [_entry_json(*one) for one in entries]}


def _entry_json(entry: DrawCommitment, told: DrawReveal | None) -> dict[str, Any]:
    revealed = None
    if told is not None:
        revealed = {
            "seed": told.seed, "nonce": told.nonce, "run": str(entry.assembly_run_id), "reason": told.reason,
            "revealed_at": iso(told.revealed_at), "text": seed_text(told.seed, told.nonce),
        }  # fmt: skip
    return {**entry.content, "digest": entry.digest, "revealed": revealed}
