"""A rater's work: entering the booklet is recorded, every judgement is kept at once, a round is finished when whole."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository_panels as repository
from blueprints.models_panels import PanelJudgement, PanelMember, PanelRound, PanelSubmission, StandardPanel
from blueprints.repository_panels import RoundRow
from blueprints.rules.panels import (
    Judged,
    PanelSpec,
    PanelStatus,
    contradictions,
    missing,
    needed,
    read_judgement,
    shown,
)
from blueprints.services import panel_items, panels
from kernel import audit, crypto
from kernel.clock import now
from kernel.conflicts import CycleRole, Party
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

VISIT_LASTS = timedelta(hours=2)
PURPOSE = "panel-visit"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a rater sits: the panel, its last round, the rater, what is asked and what was said in that round so far."""

    panel: StandardPanel
    round: PanelRound
    is_open: bool
    member: PanelMember
    spec: PanelSpec
    mine: Mapping[str, PanelJudgement]

    @property
    def missing(self) -> list[str]:
        """What is not judged yet."""
        return missing(self.spec, repository.plain(dict(self.mine)))

    @property
    def n_needed(self) -> int:
        """How many judgements the round asks for."""
        return len(needed(self.spec, repository.plain(dict(self.mine))))


@dataclass(frozen=True, slots=True)
class Kept:
    """A judgement as it was kept, and how far the rater is."""

    subject: str
    revision: int
    value: str
    missing: list[str]
    n_needed: int


def enter(uow: UnitOfWork, panel_id: uuid.UUID) -> str:
    """Record that a rater opens the booklet, to rate or to discuss, and return the pass that shows it for a while."""
    panel, member, row = _seat(uow.session, uow.actor, panel_id)
    if panel.status not in (PanelStatus.RATING, PanelStatus.FEEDBACK):
        raise ConflictError(N_("专家组不在评定或讨论中，题面不再开放"))
    panels.recusal_warnings(uow.session, panel, Party(CycleRole.RATER, member.user_id, member.name))
    panel_items.check_unchanged(uow.session, panel)
    until = int((now() + VISIT_LASTS).timestamp())
    details = {"way": "panel", "panel": str(panel_id), "round": row.round.number}
    audit.record(uow, "form.view", "exam_form", panel.exam_form_id, after=details)
    return f"{until}.{_signature(uow.actor, row.round, until)}"


def check_visit(actor: Actor, row: PanelRound, ticket: str) -> None:
    """Refuse another person's pass, one of another round, and an old one."""
    until, _, signature = ticket.partition(".")
    is_whole = until.isascii() and until.isdigit() and len(until) < 12  # seconds since 1970
    if not is_whole or not hmac.compare_digest(signature, _signature(actor, row, int(until))):
        raise ForbiddenError(N_("查看题面须先登记，请从专家组页面点击“开始评定”"))
    if int(until) < now().timestamp():
        raise ForbiddenError(N_("本次查看已超时，请从专家组页面重新点击“开始评定”；已填的评定都已保存"))


def open_desk(session: Session, actor: Actor, panel_id: uuid.UUID) -> Desk:
    """Return a rater's own desk of the last round."""
    panel, member, row = _seat(session, actor, panel_id)
    own = repository.judgements_of(session, row.round.panel_round_id, member_id=member.panel_member_id)
    is_open = row.outcome is None and panel.status is PanelStatus.RATING
    spec = panel_items.spec_of(session, panel)
    return Desk(panel, row.round, is_open, member, spec, own.get(member.panel_member_id, {}))


def _open_desk_for_work(uow: UnitOfWork, panel_id: uuid.UUID) -> Desk:
    """Return the desk of an open round that cannot be closed before this act is done."""
    repository.lock_panel(uow.session, panel_id, actor=uow.actor, for_rating=True)
    desk = open_desk(uow.session, uow.actor, panel_id)
    if not desk.is_open:
        raise ConflictError(N_("现在没有开放的评定轮次"))
    return desk


def keep_judgement(uow: UnitOfWork, panel_id: uuid.UUID, subject: str, text: str, *, revision: int) -> Kept:
    """Keep one judgement as the next revision of its subject.

    Raises
    ------
    ConflictError
        If the round is closed, or the rater's newest revision is another one: a second window was faster.
    """
    return _keep(uow, _open_desk_for_work(uow, panel_id), subject, text, revision)


def _keep(uow: UnitOfWork, desk: Desk, subject: str, text: str, revision: int) -> Kept:
    judgement = read_judgement(desk.spec, subject, text)
    _check_key(uow.session, desk, subject, judgement)
    newest = desk.mine.get(subject)
    known = newest.revision if newest else 0
    if newest is not None and newest.judgement == judgement:
        return Kept(subject, known, shown(judgement), desk.missing, desk.n_needed)
    if known != revision:
        raise ConflictError(
            N_("这一项刚在另一个窗口改成了“%(value)s”，请核对后再改"), value=shown(newest.judgement if newest else None),
            revision=known, subject=subject,
        )  # fmt: skip
    row = PanelJudgement(
        panel_round_id=desk.round.panel_round_id, panel_member_id=desk.member.panel_member_id, subject=subject,
        revision=known + 1, judgement=judgement, judged_at=now(),
    )  # fmt: skip
    uow.add(row)
    uow.flush()
    now_mine = replace(desk, mine={**desk.mine, subject: row})
    return Kept(subject, row.revision, shown(judgement), now_mine.missing, now_mine.n_needed)


def keep_all(uow: UnitOfWork, panel_id: uuid.UUID, given: Mapping[str, tuple[str, int]]) -> int:
    """Keep all judgements of a form that was sent as a whole, by subject; return how many differ from before."""
    desk = _open_desk_for_work(uow, panel_id)
    changed = [
        (subject, text, revision)
        for subject, (text, revision) in given.items()
        if text and text != shown(desk.mine[subject].judgement if subject in desk.mine else None)
    ]
    for subject, text, revision in changed:
        _keep(uow, desk, subject, text, revision)
    return len(changed)


def carry_over(uow: UnitOfWork, panel_id: uuid.UUID) -> int:
    """Take what a rater said in the round before for everything not judged yet; return how many judgements that were."""
    desk = _open_desk_for_work(uow, panel_id)
    before = earlier(uow.session, desk)
    taken = [subject for subject in before if subject not in desk.mine]
    for subject in taken:
        uow.add(
            PanelJudgement(
                panel_round_id=desk.round.panel_round_id, panel_member_id=desk.member.panel_member_id,
                subject=subject, revision=1, judgement=before[subject].judgement, judged_at=now(),
            )
        )  # fmt: skip
    return len(taken)


def earlier(session: Session, desk: Desk) -> Mapping[str, PanelJudgement]:
    """Return what the rater said in the round before the last one."""
    row = round_before(session, desk)
    if row is None:
        return {}
    member_id = desk.member.panel_member_id
    return repository.judgements_of(session, row.round.panel_round_id, member_id=member_id).get(member_id, {})


def round_before(session: Session, desk: Desk) -> RoundRow | None:
    """Return the round before the last one, or None in the first."""
    return _round(session, desk, desk.round.number - 1)


def last_feedback(session: Session, desk: Desk) -> tuple[RoundRow | None, Mapping[str, PanelJudgement]]:
    """Return the newest closed round, or None, with what the rater said in it."""
    if desk.is_open:
        return round_before(session, desk), earlier(session, desk)
    return _round(session, desk, desk.round.number), desk.mine


def _round(session: Session, desk: Desk, number: int) -> RoundRow | None:
    rounds = repository.list_rounds(session, desk.panel.standard_panel_id)
    return next((row for row in rounds if row.round.number == number), None)


def submit_round(uow: UnitOfWork, panel_id: uuid.UUID) -> PanelSubmission:
    """Say that the round is finished; it may still be changed until it is closed."""
    desk = _open_desk_for_work(uow, panel_id)
    if desk.missing:
        raise InvalidInputError(N_("还有 %(n)s 项没有评定，请补齐后再提交"), n=len(desk.missing))
    for message in contradictions(repository.plain(dict(desk.mine))):
        raise InvalidInputError(message)
    if desk.member.panel_member_id in repository.submitted_ids(uow.session, desk.round.panel_round_id):
        raise ConflictError(N_("本轮评定已经提交；轮次关闭之前仍可修改"))
    row = PanelSubmission(
        panel_round_id=desk.round.panel_round_id, panel_member_id=desk.member.panel_member_id, submitted_at=now()
    )
    uow.add(row)
    audit.record(uow, "panel.submit", "standard_panel", panel_id, after={"round": desk.round.number})
    return row


def _seat(session: Session, actor: Actor, panel_id: uuid.UUID) -> tuple[StandardPanel, PanelMember, RoundRow]:
    require(actor, Permission.PANEL_RATE)
    panel = repository.get_panel(session, panel_id, actor=actor)
    member = repository.find_member(session, panel_id, actor.user_id)
    if member is None or member.left_at is not None:
        raise ForbiddenError(N_("您不在这个专家组中，不能评定"))
    rounds = repository.list_rounds(session, panel_id)
    if not rounds:
        raise ConflictError(N_("评定还没有开放"))
    return panel, member, rounds[-1]


def _check_key(session: Session, desk: Desk, subject: str, judgement: Mapping[str, Any]) -> None:
    """Refuse to rule out the key."""
    item = desk.spec.by_place.get(subject)
    if item is None or item.judged is not Judged.OPTIONS:
        return
    _form, slots = panel_items.form_slots(session, desk.panel.organisation_id, desk.panel.exam_form_id)
    key = panel_items.key_options(slots[item.number - 1])
    if key & set(judgement["ruled_out"]):
        raise InvalidInputError(N_("第 %(n)s 题：标准答案不能排除"), n=item.number)


def _signature(actor: Actor, row: PanelRound, until: int) -> str:
    return crypto.blind_index(crypto.purpose_key(PURPOSE), str(actor.user_id), str(row.panel_round_id), str(until))
