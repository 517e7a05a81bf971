"""Pages of certification."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from certification.pages import (
    assessing,
    batches,
    certificates,
    compliance_rules,
    credentials,
    early_batches,
    enterprise_levels,
    evidence,
    filing,
    inbound,
    lookups,
    own_surveys,
    panels,
    part_letters,
    part_scores,
    proofs,
    publicity,
    records,
    retention,
    return_rates,
    roster_answers,
    rosters,
    scores,
    senior_reviews,
    seniors,
    signing,
    surveys,
    talent,
    webhooks,
)
from certification.pages.heads import deadline_text, state_label
from certification.repository import batches as repository
from certification.repository import seniors as senior_repository
from certification.repository.inbound import count_waiting
from certification.rules.batch_states import BatchState
from certification.services import panel_work
from certification.services.batches import deadline_of
from certification.services.roster_reviews import waiting_for
from certification.services.scores import OPEN_STATES
from kernel.http import MenuEntry, Todo
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission

BLUEPRINTS = (
    batches.bp, records.bp, scores.bp, publicity.bp, rosters.bp, certificates.bp, filing.bp, lookups.bp, part_scores.bp,
    signing.bp, evidence.bp, webhooks.bp, own_surveys.bp, credentials.bp, roster_answers.bp, enterprise_levels.bp,
    seniors.bp, senior_reviews.bp,
    panels.bp, assessing.bp, proofs.bp, talent.bp, retention.bp, part_letters.bp, inbound.bp,
    return_rates.bp, early_batches.bp, compliance_rules.bp, surveys.bp,
)  # fmt: skip
GROUP = N_("认定")
READ = (Permission.CERTIFICATION_READ,)
MENU = (
    MenuEntry(GROUP, N_("认定批次"), "cert_batches.index", READ, icon="folder", order=10),
    MenuEntry(GROUP, N_("技能成绩"), "cert_scores.index", (Permission.SKILL_SCORE_WRITE,), icon="edit", order=20),
    MenuEntry(GROUP, N_("外部成绩"), "cert_inbound.index", (Permission.CERTIFICATION_WRITE,), icon="inbox", order=21),
    MenuEntry(GROUP, N_("考评评分"), "cert_assessing.index", (Permission.SKILL_SCORE_WRITE,), icon="edit", order=22),
    MenuEntry(GROUP, N_("评分表"), "cert_panels.templates", (Permission.CERTIFICATION_WRITE,), icon="list", order=24),
    MenuEntry(GROUP, N_("证书台账"), "cert_certificates.index", READ, icon="certificate", order=30),
    MenuEntry(GROUP, N_("特级技师和首席技师"), "cert_seniors.index", READ, icon="users", order=35),
    MenuEntry(
        GROUP, N_("我的评审"), "cert_senior_reviews.index", (Permission.SKILL_SCORE_WRITE,), icon="check", order=28
    ),
    MenuEntry(GROUP, N_("人才库"), "cert_talent.index", READ, icon="users", order=37),
    MenuEntry(GROUP, N_("退回统计"), "cert_return_rates.index", READ, icon="list", order=38),
    MenuEntry(GROUP, N_("备案范围"), "cert_filing.index", READ, icon="building", order=40),
    MenuEntry(GROUP, N_("企业等级"), "cert_levels.index", READ, icon="building", order=45),
    MenuEntry(GROUP, N_("信息保存与删除"), "cert_retention.index", READ, icon="lock", order=55),
    MenuEntry(GROUP, N_("签名密钥"), "cert_signing.index", (Permission.CONNECTION_MANAGE,), icon="shield", order=60),
    MenuEntry(GROUP, N_("消息推送"), "cert_webhooks.index", (Permission.CONNECTION_MANAGE,), icon="inbox", order=70),
)
TODO_LABELS = {
    BatchState.RECEIVED: N_("待核对的成绩"),
    BatchState.CHECKED: N_("待判定的批次"),
    BatchState.DECIDED: N_("待公示的批次"),
    BatchState.PUBLICITY: N_("公示中的批次"),
    BatchState.ROSTER_SUBMITTED: N_("待登记审核结果的名册"),
    BatchState.RESUBMITTED: N_("待登记审核结果的重报名册"),
    BatchState.RETURNED: N_("被退回的名册"),
    BatchState.APPROVED: N_("待编号的批次"),
    BatchState.NUMBERED: N_("待签发的批次"),
    BatchState.ISSUED: N_("待归档的批次"),
}


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return the batches that wait for this person, by state, with the deadline of the first."""
    if actor.organisation_id is None:
        return []
    found = _asked_todos(session, actor)
    open_batches = repository.list_open_batches(session, actor=actor)
    if actor.may(Permission.CERTIFICATION_WRITE):
        for state, label in TODO_LABELS.items():
            waiting = [batch for batch in open_batches if batch.state is state]
            if waiting:
                href = url_for("cert_batches.index", state=state.value)
                detail = deadline_text(session, waiting[0]) or f"{waiting[0].name} · {state_label(state)}"
                overdue = [one for one in waiting if (due := deadline_of(session, one)) and due.is_overdue]
                severity = "danger" if overdue or state is BatchState.RETURNED else "info"
                found.append(Todo(_(label), len(waiting), href, detail, severity))
    elif actor.may(Permission.SKILL_SCORE_WRITE):
        n_open = sum(batch.state in OPEN_STATES for batch in open_batches)
        found.append(Todo(_("可录入技能成绩的批次"), n_open, url_for("cert_scores.index")))
    return found


def _asked_todos(session: Session, actor: Actor) -> list[Todo]:
    """Return what others laid before this person: scores to give, votes, deliveries to look at."""
    found: list[Todo] = []
    if actor.may(Permission.SKILL_SCORE_WRITE) and (n_waiting := panel_work.count_waiting(session, actor)):
        found.append(Todo(_("待您评分或签字的考生"), n_waiting, url_for("cert_assessing.index"), "", "warning"))
    if actor.may(Permission.SKILL_SCORE_WRITE) and (n_asked := senior_repository.count_waiting(session, actor=actor)):
        found.append(Todo(_("待您投票的评审"), n_asked, url_for("cert_senior_reviews.index"), "", "warning"))
    if rosters_waiting := waiting_for(session, actor):
        state = rosters_waiting[0].state.value
        found.append(
            Todo(
                _("待您审核的名册"),
                len(rosters_waiting),
                url_for("cert_batches.index", state=state),
                rosters_waiting[0].name,
                "warning",
            )
        )
    if actor.may(Permission.CERTIFICATION_WRITE) and (n_sent := count_waiting(session, actor.organisation)):
        found.append(Todo(_("待您确认的外部成绩"), n_sent, url_for("cert_inbound.index"), "", "warning"))
    return found
