"""A published session of simulated items and candidates, made by the same services that people use."""

from __future__ import annotations

import csv
import datetime as dt
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import shake_128
from pathlib import Path
from typing import Any

from blueprints.services import blueprints, forms, runs, versions
from exam_delivery.models import ExamSession
from exam_delivery.repository import candidates
from exam_delivery.rules.keys import ROOM_SIZE
from exam_delivery.rules.planning import SessionPlan
from exam_delivery.rules.roster import RosterRow
from exam_delivery.services import arranging, batches, preparation, rosters, running, sessions
from exam_delivery.services.batches import BatchPlan, RoomPlan
from item_templates.contract import CanonicalItem, Choice, ItemContent
from kernel import profiles
from kernel.clock import now, today
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation, OrganisationKind
from kernel.identity.repository import find_organisation_by_code, list_organisations
from kernel.identity.services import create_organisation
from kernel.jobs.models import OPEN, Job
from kernel.jobs.runner import run_job
from kernel.national_id import IdKind, Sex, check_character
from kernel.uow import unit_of_work
from qbank.interchange.model import ConversionReport, ConvertedItem
from qbank.rules.standards import StandardKind
from qbank.services import imports, outline_import, outlines, reviews
from qbank.services.standards import LevelData, StandardData, create_edition, create_level, create_standard

NAME = "kaoku simulate"
ORGANISATION_CODE = "SIM"
LEVEL = "4"
SHARES = (("multiple_choice", 10), ("true_false", 5))
"""Every tenth item is multiple choice, every fifth of the rest true/false, the others single choice."""
N_POINTS = 20
WORDS = "电机绝缘接地熔断变压开关导线铜铝仪表磁场频率容量阻抗负载检修安全操作规程保护端子相序短路过热停送验"
N_WORDS = 60
CHUNK = 250
PEOPLE_PER_DAY = 900
FIRST_BIRTH = dt.date(1970, 1, 1)
OPEN_HOURS = 24
DURATION_MINUTES = 120
OUTLINE_HEAD = (
    "一级名称,一级代码,一级重要程度比例,一级鉴定比重,二级名称,二级代码,二级重要程度比例,二级鉴定比重,"
    "三级名称,三级代码,三级重要程度比例,三级鉴定比重,鉴定点代码,鉴定点名称,重要程度"
)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was made."""

    organisation_code: str
    standard_code: str
    exam_session_id: uuid.UUID
    n_items: int
    n_candidates: int
    seconds: float


def simulate(
    n_candidates: int,
    n_items: int,
    out: Path,
    *,
    organisation_code: str | None = None,
    first: int = 0,
    say: Callable[[str], None],
) -> Simulated:
    """Make a session that is open now and write who may sign in; nothing is written to `out` unless all went well.

    Invented people are numbered; those from `first` on are other people than those before.
    """
    started = time.monotonic()
    actor = system_actor(_organisation(organisation_code).organisation_id, name=NAME)
    tag = f"{now():%y%m%d%H%M%S}{secrets.token_hex(2)}"
    standard_code = f"SIM-{tag.upper()}"
    level_id = _make_level(actor, standard_code)
    _make_items(actor, level_id, tag, n_items)
    say(f"已建立 {n_items} 道试题（标准 {standard_code}）")
    form_id = _make_form(actor, level_id, n_items)
    say("已组卷并封存")
    batch_id, session_id = _plan(actor, level_id, form_id, tag, n_candidates)
    people = _register(actor, batch_id, session_id, range(first, first + n_candidates))
    _prepare(actor, session_id)
    say(f"已为 {n_candidates} 名考生备考并开放")
    _write(actor, session_id, people, out)
    db.session.expire_all()
    code = _organisation_code(actor)
    return Simulated(code, standard_code, session_id, n_items, n_candidates, time.monotonic() - started)


def _organisation(code: str | None) -> Organisation:
    """Return the organisation named, the only one there is, or a new one in an empty installation."""
    if code:
        found = find_organisation_by_code(db.session(), code)
        if found is None:
            raise NotFoundError(N_("没有代码为 %(code)s 的机构"), code=code)
        return found
    known = list_organisations(db.session())
    if len(known) > 1:
        raise InvalidInputError(N_("有多个机构，请用 --organisation 指明机构代码"))
    if known:
        return known[0]
    return ensure_organisation()


def ensure_organisation() -> Organisation:
    """Return the organisation that owns nothing but simulations."""
    if found := find_organisation_by_code(db.session(), ORGANISATION_CODE):
        return found
    with unit_of_work(system_actor(name=NAME)) as uow:
        return create_organisation(
            uow, code=ORGANISATION_CODE, name="模拟评价机构", kind=OrganisationKind.SOCIAL, certificate_prefix=None
        )


def _organisation_code(actor: Actor) -> str:
    return db.session.get_one(Organisation, actor.organisation).code


def _make_level(actor: Actor, standard_code: str) -> uuid.UUID:
    with unit_of_work(actor) as uow:
        data = StandardData(standard_code, f"模拟标准 {standard_code}", StandardKind.ENTERPRISE, "", "模拟职业")
        standard = create_standard(uow, data)
        edition = create_edition(uow, standard.occupational_standard_id, label="模拟版", effective_on=today())
        level_id = create_level(uow, edition.standard_edition_id, LevelData(LEVEL)).standard_level_id
    rows = [f"相关知识,A,,100,模拟范围,A,,100,模拟单元,A,,100,{n:03d},模拟鉴定点{n},X" for n in range(1, N_POINTS + 1)]
    with unit_of_work(actor) as uow:
        parsed = outline_import.read_outline_file("\n".join([OUTLINE_HEAD, *rows]).encode())
        outline_import.import_outline(uow, level_id, parsed)
    with unit_of_work(actor) as uow:
        outlines.publish_outline(uow, level_id)
    return level_id


def _kind(number: int) -> str:
    return next((kind for kind, every in SHARES if number % every == 0), "single_choice")


def _content(tag: str, number: int) -> ItemContent:
    left, right = 100 + number, 3 + number % 7
    stem, kind = f"模拟题 {tag}-{number:04d}（{_own_words(number)}）：", _kind(number)
    if kind == "true_false":
        told = left + right + number % 2
        return ItemContent(kind, f"{stem}{left} 与 {right} 的和是 {told}。", key=told == left + right)
    if kind == "multiple_choice":
        numbers = tuple(Choice(letter, str(left * 4 + k)) for k, letter in enumerate("ABCD"))
        even = [one.id for one in numbers if int(one.content) % 2 == 0]
        return ItemContent(kind, f"{stem}下列各数中，偶数有（　）。", numbers, even)
    # the right sum moves through the letters, so that no letter is always right
    sums = [left + right + shift for shift in (0, 1, 2, 10)]
    turn = number % 4
    shown = tuple(Choice(letter, str(sums[(k + turn) % 4])) for k, letter in enumerate("ABCD"))
    key = next(one.id for one in shown if one.content == str(left + right))
    return ItemContent(kind, f"{stem}{left} 与 {right} 的和是（　）。", shown, key)


def _own_words(number: int) -> str:
    """Return words in an order that no other item has: no form holds items that are near-copies of each other."""
    return "".join(WORDS[byte % len(WORDS)] for byte in shake_128(str(number).encode()).digest(N_WORDS))


def _make_items(actor: Actor, level_id: uuid.UUID, tag: str, n_items: int) -> None:
    converted = [
        ConvertedItem(
            str(n), CanonicalItem(f"{tag}-{n}", _content(tag, n), (f"A-A-A-{1 + n % N_POINTS:03d}",), 1 + n % 5, NAME)
        )
        for n in range(1, n_items + 1)
    ]
    with unit_of_work(actor) as uow:
        outcome = imports.import_items(uow, ConversionReport(NAME, "json", converted), standard_level_id=level_id)
    if outcome.n_imported != n_items:
        raise ConflictError(N_("模拟试题没有全部入库，请重试"))
    with unit_of_work(actor) as uow:
        reviews.approve_by_system(uow, outcome.item_ids, reason="模拟场次")


def _spec(n_items: int) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for number in range(1, n_items + 1):
        counts[_kind(number)] = counts.get(_kind(number), 0) + 1
    types = [{"type": kind, "count": count, "score_each": 1} for kind, count in counts.items()]
    return {"n_items": n_items, "total_score": n_items, "types": types, "max_per_point": n_items}


def _make_form(actor: Actor, level_id: uuid.UUID, n_items: int) -> uuid.UUID:
    with unit_of_work(actor) as uow:
        blueprint = blueprints.create_blueprint(uow, standard_level_id=level_id, name="模拟蓝图", spec=_spec(n_items))
        uow.flush()  # the run names the blueprint
        blueprints.publish_blueprint(uow, blueprint.exam_blueprint_id)
        versions.approve_blueprint(uow, blueprint.exam_blueprint_id)
    with unit_of_work(actor) as uow:
        run = runs.start_run(uow, blueprint.exam_blueprint_id, n_forms=1)
    _run(run.job_id)
    with unit_of_work(actor) as uow:
        form_id = runs.accept_run(uow, run.assembly_run_id)[0].exam_form_id
    for act in (forms.submit_form, forms.approve_form, forms.seal_form):
        with unit_of_work(actor) as uow:
            act(uow, form_id)
    return form_id


def _run(job_id: uuid.UUID | None) -> None:
    """Run a job here; where a worker of a running installation was faster, wait for it."""
    if job_id is None:
        raise LookupError("the run has no job")
    try:
        run_job(job_id)
    except ConflictError:
        db.session.expire_all()
    for _second in range(60):
        db.session.expire_all()
        if db.session.get_one(Job, job_id).status not in OPEN:
            return
        db.session.remove()  # end the snapshot, so that the worker's change is seen
        time.sleep(1)


def _plan(
    actor: Actor, level_id: uuid.UUID, form_id: uuid.UUID, tag: str, n_candidates: int
) -> tuple[uuid.UUID, uuid.UUID]:
    capacity = int(profiles.value(db.session(), actor.organisation, ROOM_SIZE))
    with unit_of_work(actor) as uow:
        batch = batches.create_batch(uow, BatchPlan(f"SIM-{tag}", f"模拟批次 {tag}", str(level_id)))
        site = f"模拟考点 {tag}"
        n_rooms = -(-n_candidates // capacity)
        rooms = [
            batches.save_room(uow, None, RoomPlan(site, f"第 {n:03d} 考场", capacity)) for n in range(1, n_rooms + 1)
        ]
        uow.flush()  # the session names both
        row = sessions.create_session(uow, batch.exam_batch_id, _session_plan(form_id, tag))
        sessions.set_rooms(uow, row.exam_session_id, {room.exam_room_id: [] for room in rooms})
    return batch.exam_batch_id, row.exam_session_id


def _session_plan(form_id: uuid.UUID, tag: str) -> SessionPlan:
    start = now().replace(microsecond=0) - dt.timedelta(minutes=1)
    return SessionPlan(
        name=f"模拟场次 {tag}", form_ids=(str(form_id),), starts_at=start,
        ends_at=start + dt.timedelta(hours=OPEN_HOURS), duration_minutes=DURATION_MINUTES, open_entry_minutes=0,
        late_cutoff_minutes=OPEN_HOURS * 60 - 1, earliest_submit_minutes=0, leave_limit=5,
    )  # fmt: skip


def id_number(index: int) -> str:
    """Return the artificial identity number of the n-th simulated person; the check character holds."""
    day, order = divmod(index, PEOPLE_PER_DAY)
    first = f"110101{FIRST_BIRTH + dt.timedelta(days=day):%Y%m%d}{order:03d}"
    return first + check_character(first)


def _register(actor: Actor, batch_id: uuid.UUID, session_id: uuid.UUID, wanted: range) -> dict[uuid.UUID, str]:
    """Register invented people; return their numbers by registration."""
    found: dict[uuid.UUID, str] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = [_row(index) for index in wanted[start : start + CHUNK]]
        with unit_of_work(actor) as uow:
            keys = rosters.register_rows(uow, batch_id, rows, exam_session_id=session_id)
        found.update(zip(keys, (row.id_number for row in rows), strict=True))
    with unit_of_work(actor) as uow:
        arranging.arrange(uow, session_id)
    return found


def _row(index: int) -> RosterRow:
    number = id_number(index)
    sex = Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
    birth = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return RosterRow(
        number=index + 1, name=f"模拟考生{index + 1:05d}", id_kind=IdKind.RESIDENT_ID, id_number=number, sex=sex.value,
        birth_date=birth, employer="模拟单位", time_factor=Decimal(1),
    )  # fmt: skip


def _prepare(actor: Actor, session_id: uuid.UUID) -> None:
    with unit_of_work(actor) as uow:
        plan = preparation.begin_preparation(uow, session_id)
    for start in range(0, len(plan.missing), CHUNK):
        with unit_of_work(actor) as uow:
            preparation.store_attempts(uow, plan, plan.missing[start : start + CHUNK])
    with unit_of_work(actor) as uow:
        preparation.finish_preparation(uow, session_id)
    with unit_of_work(actor) as uow:
        running.open_session(uow, session_id)


def _write(actor: Actor, session_id: uuid.UUID, people: dict[uuid.UUID, str], out: Path) -> None:
    entries = candidates.registrations_of_session(db.session(), session_id, actor=actor)
    lines = sorted((one.admission_number or "", people[one.registration_id]) for one, _person, _room in entries)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("admission_number", "id_number"))
        writer.writerows(lines)


def close_simulated(exam_session_id: uuid.UUID) -> None:
    """End a simulated session, so that nothing of it stays open."""
    row = db.session.get_one(ExamSession, exam_session_id)
    with unit_of_work(system_actor(row.organisation_id, name=NAME)) as uow:
        running.close_session(uow, exam_session_id)
