"""Return rates of rosters: what a reader may see of them, and their workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification.models import RosterStatus
from certification.repository import return_rates as repository
from certification.repository.return_rates import RateFilter, RosterCount
from certification.rules.return_rates import FieldTally, Tally, field_tallies, reason_tallies, share, total_of
from kernel import audit
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import Cell, TableSheet, write_table
from kernel.uow import UnitOfWork

TALLY_HEADER = ("已答复名册（份）", "其中退回（份）", "名册退回率", "上报人次", "被退回人次", "人次退回率", "退回项数")
FIELD_HEADER = ("退回项目", "退回项数", "占全部退回项", "涉及人次", "占上报人次", "原因")


@dataclass(frozen=True, slots=True)
class ReturnRates:
    """Everything about rosters that were answered, and how many still wait for an answer."""

    total: Tally
    bodies: list[Tally]
    rounds: list[Tally]
    fields: list[FieldTally]
    reasons: list[tuple[str, int]]
    n_waiting: int


def find_rates(session: Session, actor: Actor, wanted: RateFilter) -> ReturnRates:
    """Return the rates of the bodies that the actor sees; rosters without an answer are counted apart."""
    require(actor, Permission.CERTIFICATION_READ)
    counts = repository.roster_counts(session, actor, wanted)
    answered = [one for one in counts if one.status is not RosterStatus.SUBMITTED]
    people = repository.people_returned(session, actor, wanted)
    items = repository.items_returned(session, actor, wanted)
    names = dict(repository.list_bodies(session, actor))
    bodies = [
        _tally(str(key), names[key], [one for one in answered if one.organisation_id == key],
               sum(n for (body, _r), n in people.items() if body == key), sum(n for (body, _r), n in items.items() if body == key))
        for key in sorted({one.organisation_id for one in answered}, key=lambda key: names[key])
    ]  # fmt: skip
    rounds = [
        _tally(str(number), str(number), [one for one in answered if one.round == number],
               sum(n for (_b, r), n in people.items() if r == number), sum(n for (_b, r), n in items.items() if r == number))
        for number in sorted({one.round for one in answered})
    ]  # fmt: skip
    total = total_of(rounds, "合计")
    by_field = repository.items_by_field(session, actor, wanted)
    fields = field_tallies(by_field, repository.people_by_field(session, actor, wanted), total.n_people)
    n_waiting = sum(one.n_rosters for one in counts if one.status is RosterStatus.SUBMITTED)
    return ReturnRates(total, bodies, rounds, fields, reason_tallies(by_field), n_waiting)


def _tally(key: str, label: str, counts: Sequence[RosterCount], n_people_returned: int, n_items: int) -> Tally:
    n_returned = sum(one.n_rosters for one in counts if one.status is RosterStatus.RETURNED)
    n_rosters, n_people = sum(one.n_rosters for one in counts), sum(one.n_people for one in counts)
    return Tally(key, label, n_rosters, n_returned, n_people, n_people_returned, n_items)


def export_rates(uow: UnitOfWork, wanted: RateFilter) -> bytes:
    """Return the tables as a workbook with counts, denominators and rates in per cent; noted in the journal."""
    found = find_rates(uow.session, uow.actor, wanted)
    tallies = (("按评价机构", "评价机构", found.bodies), ("按轮次", "轮次", found.rounds))
    sheets = [
        TableSheet(title, (first, *TALLY_HEADER), [_cells(one) for one in [*rows, found.total]])
        for title, first, rows in tallies
    ]
    sheets.append(TableSheet("按退回项目", FIELD_HEADER, [_field_cells(one) for one in found.fields]))
    n_items = found.total.n_items
    reasons: list[list[Cell]] = [[label, n, _percent(share(n, n_items))] for label, n in found.reasons]
    sheets.append(TableSheet("按退回原因", ("退回原因", "退回项数", "占全部退回项"), reasons))
    chosen = {name: str(getattr(wanted, name)) for name in RateFilter.__slots__ if getattr(wanted, name)}
    audit.record(
        uow, "certification.export_rates", "organisation", uow.actor.organisation,
        after={"n_rosters": found.total.n_rosters, **chosen},
    )  # fmt: skip
    return write_table(sheets)


def _cells(one: Tally) -> list[Cell]:
    return [
        one.label, one.n_rosters, one.n_returned, _percent(one.roster_share), one.n_people, one.n_people_returned,
        _percent(one.people_share), one.n_items,
    ]  # fmt: skip


def _field_cells(one: FieldTally) -> list[Cell]:
    reasons = "、".join(f"{label} {number}" for label, number in one.reasons)
    return [one.label, one.n_items, _percent(one.item_share), one.n_people, _percent(one.people_share), reasons]


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}%"
