"""Conversion tables of equating as Excel files: what a page shows, or a decision as it was kept, with how each was worked out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from exam_delivery.models import Equating, ExamBatch
from exam_delivery.repository import equating_decisions as decisions_repository
from exam_delivery.repository import planning
from exam_delivery.rules.equating import ENGINE, Conversion, Design, Method, Way, draws_of, four_decimals
from exam_delivery.rules.equating_states import STATE_LABELS
from exam_delivery.rules.equating_words import DESIGN_LABELS, METHOD_LABELS, source_of
from exam_delivery.services import equated_scores, equating
from exam_delivery.services.equating import Pair, Plan, Study
from kernel import audit
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import UnitOfWork

HEADINGS = ("原始分", "相当于参照试卷", "标准误", "取整后", "增减", "合格分处")
AT_MARK, TRIAL = "理论合格分", "试算，没有成为决定"
FACTS = (
    "批次", "参照试卷", "办法", "系统建议的办法", "公式出处", "计算程序", "标准误来自", "取整单位", "两份试卷人数", "共同题",
    "理论合格分（原始分）", "相当于参照试卷", "标准误", "变为合格", "变为不合格", "校验值", "状态",
)  # fmt: skip
"""What the last sheet says of each form, in this order."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What all tables of a file share."""

    batch: ExamBatch
    reference: str
    n_reference: int
    unit: Decimal
    seed: int
    digest: str
    state: str
    engine: int


@dataclass(frozen=True, slots=True)
class Table:
    """The conversion of one form; `at_mark` is what the lowest passing score is worth, and its standard error."""

    title: str
    n: int
    way: Way
    usual: Way
    conversion: Conversion
    errors: Sequence[Decimal]
    n_anchors: int
    mark: Decimal
    at_mark: tuple[Decimal, Decimal]
    n_gained: int
    n_lost: int


def export_study(uow: UnitOfWork, exam_batch_id: uuid.UUID, plan: Plan) -> tuple[bytes, ExamBatch]:
    """Return the conversion tables that a plan gives now, with the batch; the export is audited.

    Raises
    ------
    InvalidInputError
        If the plan names a form that was not sat, or a way that the data do not carry.
    ConflictError
        If no form could be converted.
    """
    found = equating.study(uow.session, uow.actor, exam_batch_id, plan)
    tables = [one for one in map(_of_pair, found.pairs) if one is not None]
    if not tables:
        raise ConflictError(N_("没有可以导出的换算表"))
    after = {"digest": found.digest, "rows": _n_rows(tables)}
    audit.record(uow, "equating.export", "exam_batch", exam_batch_id, after=after)
    return write_table(_sheets(_of_study(found), tables)), found.batch


def export_decision(uow: UnitOfWork, equating_id: uuid.UUID) -> tuple[bytes, Equating]:
    """Return the conversion tables of a decision as they were kept, with the decision; the export is audited."""
    require(uow.actor, Permission.SCORE_READ)
    found = decisions_repository.get_equating(uow.session, equating_id, actor=uow.actor)
    batch = planning.get_batch(uow.session, found.exam_batch_id, actor=uow.actor)
    tables = _of_decision(found)
    after = {"code": found.code, "digest": found.figures_digest, "rows": _n_rows(tables)}
    audit.record(uow, "equating.export", "equating", equating_id, after=after)
    return write_table(_sheets(_kept_origin(found, batch), tables)), found


def _n_rows(tables: Sequence[Table]) -> int:
    return sum(len(one.conversion.points) for one in tables)


def _of_study(found: Study) -> Origin:
    title, n = (found.reference.title, found.reference.n) if found.reference else ("", 0)
    return Origin(found.batch, title, n, found.terms.unit, found.seed, found.digest, TRIAL, ENGINE)


def _of_pair(pair: Pair) -> Table | None:
    if pair.conversion is None or pair.curve is None or pair.at_mark is None:
        return None
    return Table(
        pair.form.title, pair.form.n, pair.way, pair.usual, pair.conversion,
        [four_decimals(one) for one in pair.curve.errors], len(pair.kept), pair.mark, pair.at_mark, pair.n_gained,
        pair.n_lost,
    )  # fmt: skip


def _kept_origin(found: Equating, batch: ExamBatch) -> Origin:
    figures = found.figures
    reference = next(one for one in figures["forms"] if one["form_id"] == str(found.reference_form_id))
    state = f"等值决定 {found.code} {STATE_LABELS[found.state]}"
    return Origin(
        batch, reference["title"], reference["n"], Decimal(figures["unit"]), found.seed, found.figures_digest, state,
        equated_scores.engine_of(found),
    )  # fmt: skip


def _of_decision(found: Equating) -> list[Table]:
    conversions = equated_scores.read_conversions(found)
    counts = {one["form_id"]: one["n"] for one in found.figures["forms"]}
    tables = []
    for one in found.figures["pairs"]:
        mark, value, error = map(Decimal, one["mark"])
        n_anchors = sum(not anchor["is_dropped"] for anchor in one["anchors"])
        tables.append(
            Table(
                one["title"], counts[one["form_id"]], _way(one["design"], one["method"]), _way(*one["usual"]),
                conversions[uuid.UUID(one["form_id"])], list(map(Decimal, one["errors"])), n_anchors, mark,
                (value, error), one["gained"], one["lost"],
            )
        )  # fmt: skip
    return tables


def _way(design: str, method: str) -> Way:
    return Way(Design(design), Method(method))


def _sheets(origin: Origin, tables: Sequence[Table]) -> list[TableSheet]:
    named = [("换算表" if len(tables) == 1 else f"换算表{number}", one) for number, one in enumerate(tables, start=1)]
    facts = [_facts(origin, one) for one in tables]
    rows = [(name, *values) for name, *values in zip(FACTS, *facts, strict=True)]
    return [
        *(
            TableSheet(name, HEADINGS, _rows(one), title=f"《{one.title}》换算到《{origin.reference}》")
            for name, one in named
        ),
        TableSheet("说明", ("项目", *(one.title for one in tables)), rows),
    ]


def _rows(table: Table) -> list[tuple[Decimal | str, ...]]:
    """Return every step of a table; the lowest passing score is marked."""
    conversion = table.conversion
    return [
        (
            _plain(raw), _plain(value), _plain(error), _plain(conversion.apply(raw)), _plain(conversion.apply(raw) - raw),
            AT_MARK if raw == table.mark else "",
        )
        for raw, value, error in zip(conversion.points, conversion.values, table.errors, strict=True)
    ]  # fmt: skip


def _plain(value: Decimal) -> Decimal:
    """Return a number without the zeros that kept tables carry behind it."""
    return value.normalize() + 0


def _facts(origin: Origin, table: Table) -> tuple[str, ...]:
    draws = draws_of(table.way.method)
    return (
        f"{origin.batch.name}（{origin.batch.code}）", origin.reference, _words(table.way), _words(table.usual),
        source_of(table.way) or "—", f"考库等值计算，第 {origin.engine} 版",
        f"{draws} 次自助抽样，种子 {origin.seed}" if draws else "—", str(origin.unit), f"{table.n} / {origin.n_reference}",
        f"{table.n_anchors} 题", *map(_text, (table.mark, *table.at_mark)), f"{table.n_gained} 人", f"{table.n_lost} 人",
        origin.digest, origin.state,
    )  # fmt: skip


def _text(value: Decimal) -> str:
    return f"{_plain(value):f}"


def _words(way: Way) -> str:
    if way.method is Method.IDENTITY:
        return METHOD_LABELS[way.method]
    return f"{DESIGN_LABELS[way.design]} · {METHOD_LABELS[way.method]}"
