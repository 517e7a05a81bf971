"""Preparation: attempts with their order and rendered form exist before the doors open, so that a start is one row."""

from __future__ import annotations

import gzip
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from exam_delivery.models import (
    Accommodation,
    AttemptStatus,
    Candidate,
    ExamRoom,
    ExamSession,
    Registration,
    SessionStatus,
)
from exam_delivery.repository import accommodations, attempts_planning, planning
from exam_delivery.repository import candidates as people
from exam_delivery.rules import keys
from exam_delivery.rules.accommodations import USUAL_FONT
from exam_delivery.rules.door_photos import CANDIDATES_NOTICE, DoorPhotoRule
from exam_delivery.rules.layout import CandidateFacts, FormRenderer, SessionFacts, make_layout
from exam_delivery.rules.leaving import CODES, Conduct, consent_seconds, known_tools
from exam_delivery.rules.seating import dealt_form
from exam_delivery.rules.states import check_step
from exam_delivery.services import door_photos, forms
from exam_delivery.services import form_uses as form_uses
from exam_delivery.services.readiness import find_blockers
from kernel import audit, profiles
from kernel.canonical import digest_bytes
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.jobs.models import Job
from kernel.jobs.services import enqueue
from kernel.uow import UnitOfWork

PREPARE_JOB = "exam_delivery.prepare"
SEED_BITS = 63
COMPRESSION = 6

Entry = tuple[Registration, Candidate, ExamRoom | None]


def request_preparation(uow: UnitOfWork, exam_session_id: uuid.UUID) -> Job:
    """Publish the job that prepares a session; refused while something is missing."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    check_ready(uow, row)
    title = N_("生成考生试卷") + f"：{row.name}"
    return enqueue(uow, PREPARE_JOB, {"exam_session_id": str(exam_session_id)}, title=title)


def check_ready(uow: UnitOfWork, row: ExamSession) -> None:
    """Refuse to prepare a session that is not planned or lacks something; the message names the first thing."""
    if row.status is not SessionStatus.PLANNED:
        raise InvalidInputError(N_("只有“编排中”的场次可以备考"))
    missing = [one for one in find_blockers(uow.session, uow.actor, row) if not one.is_hint]
    if missing:
        raise InvalidInputError(missing[0].text)


@dataclass(frozen=True, slots=True)
class Preparation:
    """Everything that is the same for all attempts of a session."""

    row: ExamSession
    deliveries: dict[str, dict[str, Any]]
    renderers: dict[str, FormRenderer]
    missing: Sequence[Entry]
    grace_seconds: int
    granted: Mapping[uuid.UUID, Accommodation]
    facts: SessionFacts
    dealt: Mapping[uuid.UUID, str] = field(default_factory=dict)


def begin_preparation(uow: UnitOfWork, exam_session_id: uuid.UUID) -> Preparation:
    """Open the forms and find who has no attempt yet; running it again goes on where it stopped."""
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    check_ready(uow, row)
    row.checks_in_first = bool(profiles.value(uow.session, row.organisation_id, keys.CHECK_IN_FIRST))
    row.door_photo = door_photos.rule_for(uow.session, row).value
    if row.form_set_id is not None:
        forms.reserve(uow, row, before=[])  # forms may have been replaced since the session was planned
    deliveries = {} if row.form_set_id else {form_id: forms.open_delivery(uow, form_id) for form_id in row.form_ids}
    facts = _session_facts(uow.session, row)
    done = attempts_planning.registration_ids_with_attempt(uow.session, exam_session_id)
    entries = people.registrations_of_session(uow.session, exam_session_id, actor=uow.actor)
    missing = [entry for entry in entries if entry[0].registration_id not in done]
    renderers = _renderers(deliveries, facts)
    grace = profiles.value(uow.session, row.organisation_id, keys.GRACE_SECONDS)
    granted = accommodations.load_current(uow.session, [one[1].candidate_id for one in missing], actor=uow.actor)
    return Preparation(row, deliveries, renderers, missing, grace, granted, facts)


def _renderers(deliveries: Mapping[str, dict[str, Any]], facts: SessionFacts) -> dict[str, FormRenderer]:
    return {form_id: FormRenderer(delivery, facts) for form_id, delivery in deliveries.items()}


def _with_own_forms(uow: UnitOfWork, plan: Preparation, entries: Sequence[Entry]) -> Preparation:
    """Give some people a form each of the session's set, opened for them alone."""
    if plan.row.form_set_id is None:
        return plan
    chosen = forms.take_forms(uow, plan.row.form_set_id, len(entries))
    dealt = {entry[0].registration_id: form_id for entry, form_id in zip(entries, chosen, strict=True)}
    deliveries = {form_id: forms.open_delivery(uow, form_id) for form_id in chosen}
    return replace(plan, deliveries=deliveries, renderers=_renderers(deliveries, plan.facts), dealt=dealt)


def _session_facts(session: Session, row: ExamSession) -> SessionFacts:
    values = profiles.values(session, row.organisation_id)
    organisation, conduct = get_organisation(session, row.organisation_id), _conduct(row, values)
    pledge, tools = str(values[keys.PLEDGE_TEXT]), tuple(known_tools(row.tools))
    rules = _rules(str(values[keys.RULES_TEXT]), conduct)
    if row.door_photo != DoorPhotoRule.OFF:
        rules = (*rules, CANDIDATES_NOTICE)
    return SessionFacts(organisation.name, row.name, rules, pledge, row.per_page, conduct, tools)


def _rules(text: str, conduct: Conduct) -> tuple[str, ...]:
    """Return the rules that a candidate reads: the organisation's lines, and what the page would else surprise with."""
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    minutes = conduct.consent_seconds // 60
    return (*lines, f"考试结束前 {minutes} 分钟内交卷须经监考员同意，请举手；时间到了自动交卷。") if minutes else lines


def _conduct(row: ExamSession, values: Mapping[str, Any]) -> Conduct:
    """Return what the exam page enforces: the rules of the organisation, and how often the session lets people leave."""
    return Conduct(
        leave_action=CODES[str(values[keys.LEAVE_ACTION])],
        leave_limit=row.leave_limit,
        leave_grace_seconds=int(values[keys.LEAVE_GRACE_SECONDS]),
        full_screen=bool(values[keys.FULL_SCREEN]),
        block_copy=bool(values[keys.BLOCK_COPY]),
        allow_paste=bool(values[keys.ALLOW_PASTE]),
        rescue_after_seconds=int(values[keys.RESCUE_AFTER_SECONDS]),
        takeover_consent=bool(values[keys.TAKEOVER_CONSENT]),
        consent_seconds=consent_seconds(
            int(values[keys.CONSENT_LAST_MINUTES]), row.duration_seconds, row.earliest_submit_minutes
        ),
    )


def build_attempts(plan: Preparation, entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of attempts and rendered forms of some people; no database is touched."""
    attempts, rendered = [], []
    for registration, candidate, room in entries:
        attempt, form = _build(plan, registration, candidate, room)
        attempts.append(attempt)
        rendered.append(form)
    return attempts, rendered


def _build(
    plan: Preparation, registration: Registration, candidate: Candidate, room: ExamRoom | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    row, key = plan.row, new_id()
    form_id = plan.dealt.get(registration.registration_id) or dealt_form(row.form_ids, registration.seat_number or 1)
    times = attempts_planning.timing(row, registration.time_factor)
    made = render_one(
        plan,
        form_id,
        (registration, candidate, room),
        times["duration_seconds"],
        plan.granted.get(candidate.candidate_id),
    )
    attempt = {
        "attempt_id": key, "organisation_id": row.organisation_id, "exam_session_id": row.exam_session_id,
        "registration_id": registration.registration_id, "form_id": uuid.UUID(form_id), "seed": made.seed,
        "layout": made.layout, "n_slots": made.n_slots, "status": AttemptStatus.WAITING,
        "holder_generation": 0, "n_answered": 0, "device": "",
        "grace_seconds": plan.grace_seconds, **times,
    }  # fmt: skip
    return attempt, {"attempt_id": key, "body": made.body, "digest": made.digest}


@dataclass(frozen=True, slots=True)
class MadeForm:
    """A form as one candidate gets it: the order from a fresh seed, compressed."""

    seed: int
    layout: dict[str, Any]
    n_slots: int
    body: bytes
    digest: str


def render_one(
    plan: Preparation, form_id: str, entry: Entry, duration_seconds: int, granted: Accommodation | None
) -> MadeForm:
    """Return a form rendered for one candidate, in an order of their own."""
    registration, candidate, room = entry
    delivery, seed = plan.deliveries[form_id], secrets.randbits(SEED_BITS)
    layout = make_layout(
        delivery, seed=seed, shuffle_items=plan.row.shuffle_items, shuffle_choices=plan.row.shuffle_choices
    )
    facts = CandidateFacts(
        candidate.name, registration.admission_number or "", f"{registration.seat_number or 1:02d}",
        f"{room.site} {room.name}" if room else "", duration_seconds, _font_size(granted),
    )  # fmt: skip
    rendered = plan.renderers[form_id].render(layout, facts)
    _check_complete(delivery, rendered)
    body = msgspec.json.encode(rendered)
    packed = gzip.compress(body, COMPRESSION, mtime=0)
    return MadeForm(seed, layout, len(delivery["slots"]), packed, digest_bytes(body))


def _check_complete(delivery: Mapping[str, Any], rendered: Mapping[str, Any]) -> None:
    """Refuse to store a form that lacks an item of the sealed one, or holds one twice: nobody sits half an exam."""
    wanted = sorted(slot["slot"] for slot in delivery["slots"])
    if wanted != sorted(slot["slot"] for slot in rendered["slots"]):
        raise ConflictError(N_("封存的试卷与生成的考生试卷题目不一致，备考已停止，请联系组卷员检查试卷"))


def plan_for_form(uow: UnitOfWork, row: ExamSession, form_id: str, *, mark: str = "") -> Preparation:
    """Open one form of a prepared session, to render it for people who have an attempt already; a mark follows its title."""
    delivery = forms.open_delivery(uow, form_id)
    deliveries = {form_id: delivery | {"title": f"{delivery['title']}{mark}"}}
    facts = _session_facts(uow.session, row)
    return Preparation(row, deliveries, _renderers(deliveries, facts), [], 0, {}, facts)


def _font_size(granted: Accommodation | None) -> str:
    """Return the size of letters that was granted; empty where the candidate chooses."""
    return granted.font_size if granted is not None and granted.font_size != USUAL_FONT else ""


def store_attempts(uow: UnitOfWork, plan: Preparation, entries: Sequence[Entry]) -> None:
    """Store the attempts of some people in one transaction; a session that left the state meanwhile is refused."""
    row = _still_planned(uow, plan.row.exam_session_id)
    if row.form_set_id is None and set(row.form_ids) != set(plan.deliveries):
        raise InvalidInputError(N_("备考期间试卷有变动，备考已停止，请重新备考"))
    attempts_planning.add_attempts(uow.session, *build_attempts(_with_own_forms(uow, plan, entries), entries))


def _still_planned(uow: UnitOfWork, exam_session_id: uuid.UUID) -> ExamSession:
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.status is not SessionStatus.PLANNED:
        raise InvalidInputError(N_("场次的状态已经改变，备考已停止，请刷新场次页面"))
    return row


def finish_preparation(uow: UnitOfWork, exam_session_id: uuid.UUID) -> int:
    """Declare a session prepared when everybody has an attempt; return how many there are."""
    row = _still_planned(uow, exam_session_id)
    entries = people.registrations_of_session(uow.session, exam_session_id, actor=uow.actor)
    wanted = {registration.registration_id for registration, _candidate, _room in entries}
    if wanted != attempts_planning.registration_ids_with_attempt(uow.session, exam_session_id):
        raise InvalidInputError(N_("备考期间考生名单有变动，请先“撤销备考”再重新生成"))
    attempts_planning.retime_waiting(uow.session, row)
    check_step(row.status, SessionStatus.PREPARED)
    row.status = SessionStatus.PREPARED
    audit.record(uow, "exam_session.prepare", "exam_session", exam_session_id, after={"attempts": len(wanted)})
    return len(wanted)


def undo_preparation(uow: UnitOfWork, exam_session_id: uuid.UUID) -> int:
    """Take all attempts of a session away again, as long as nobody has signed in; return how many."""
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.status not in {SessionStatus.PLANNED, SessionStatus.PREPARED}:
        raise ConflictError(N_("场次已开放，不能撤销备考"))
    if touched := attempts_planning.count_touched(uow.session, exam_session_id):
        raise ConflictError(N_("已有 %(n)s 名考生登录过或换过试卷，不能撤销备考"), n=touched)
    removed = attempts_planning.delete_untouched(uow.session, exam_session_id)
    row.status = SessionStatus.PLANNED
    audit.record(uow, "exam_session.undo_preparation", "exam_session", exam_session_id, after={"attempts": removed})
    return removed
