"""Sets of forms, one for each candidate: the list, one set with its forms, and what is done with all of them at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository, repository_sets
from blueprints.models import ExamForm, FormDecision, FormSet
from blueprints.pages import wording
from blueprints.rules.states import ACT_LABELS, FORM_LABELS, FormAct, FormStatus
from blueprints.services import form_sets as services
from blueprints.services.forms import GOING_OUT
from blueprints.services.quality import AlikePair, ask_about_copies_of_set, set_copies
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.jobs.models import OPEN, Job
from kernel.jobs.repository import get_job
from kernel.uow import unit_of_work

bp = Blueprint("form_sets", __name__, url_prefix="/form-sets")
P = Permission


@dataclass(frozen=True, slots=True)
class SetListPage:
    """Sets with their filter."""

    rows: Sequence[FormSet]
    paging: Paging
    href: Callable[[int], str]
    status: str
    statuses: list[tuple[str, str]]
    badge: Callable[[FormStatus], wording.Badge]


@dataclass(frozen=True, slots=True)
class SetPage:
    """One set: where it stands, what can be done, its forms by pages, and the job that seals them."""

    row: FormSet
    badge: wording.Badge
    badge_of: Callable[[FormStatus], wording.Badge]
    acts: set[str]
    refusal: str
    forms: Sequence[ExamForm]
    paging: Paging
    href: Callable[[int], str]
    decisions: Sequence[FormDecision]
    act_labels: Mapping[FormAct, str]
    n_sealed: int
    n_reserved: int
    job: Job | None
    is_sealing: bool
    copies: Sequence[AlikePair] = ()
    may_ask: bool = False
    errors: Mapping[str, list[str]] = field(default_factory=dict)


@bp.get("/")
@requires(P.FORM_READ)
def index() -> tuple[str, int]:
    """List sets."""
    paging, status = paging_from_request(), request.args.get("status", "")
    wanted = FormStatus(status) if status in set(FormStatus) else None
    rows, total = repository_sets.list_sets(
        db.session(), actor=current_actor(), status=wanted, offset=paging.offset, limit=paging.per_page
    )
    statuses = [(state.value, _(label)) for state, label in FORM_LABELS.items()]
    href = wording.page_address("form_sets.index")
    page = SetListPage(rows, paging.of(total), href, wanted.value if wanted else "", statuses, wording.form_badge)
    return render_page("blueprints/form_sets.html", page)


@bp.get("/<uuid:form_set_id>")
@requires(P.FORM_READ)
def detail(form_set_id: uuid.UUID) -> tuple[str, int]:
    """Show one set without any item."""
    return _page(form_set_id)


def _page(form_set_id: uuid.UUID, errors: Mapping[str, list[str]] | None = None) -> tuple[str, int]:
    session, actor, paging = db.session(), current_actor(), paging_from_request()
    row = repository_sets.get_set(session, form_set_id, actor=actor)
    acts = services.possible_acts(row, actor)
    reason = services.refusal(session, actor, row) if FormAct.APPROVE in acts else None
    copies = set_copies(session, actor, form_set_id) if acts & GOING_OUT else []
    if copies:
        acts -= GOING_OUT
    job = get_job(session, row.job_id, actor=actor) if row.job_id and row.status is FormStatus.APPROVED else None
    forms = repository_sets.members(session, form_set_id, offset=paging.offset, limit=paging.per_page)
    first = repository_sets.members(session, form_set_id, limit=1)
    page = SetPage(
        row=row, badge=wording.form_badge(row.status), badge_of=wording.form_badge,
        acts={act.value for act in acts}, refusal=wording.refusal_text(reason) if reason else "", forms=forms,
        paging=paging.of(repository_sets.count_members(session, form_set_id)),
        href=wording.page_address("form_sets.detail", form_set_id=form_set_id),
        decisions=repository.list_decisions(session, first[0].exam_form_id) if first else (),
        act_labels={act: _(label) for act, label in ACT_LABELS.items()},
        n_sealed=repository_sets.count_members(session, form_set_id, FormStatus.SEALED),
        n_reserved=repository_sets.count_reserved(session, form_set_id), job=job,
        is_sealing=job is not None and job.status in OPEN, errors=errors or {}, copies=copies,
        may_ask=actor.may(P.FORM_ASSEMBLE) or actor.may(P.FORM_APPROVE),
    )  # fmt: skip
    return render_page("blueprints/form_set.html", page, status=422 if errors else 200)


@bp.post("/<uuid:form_set_id>/ask-about-copies")
@requires(P.FORM_ASSEMBLE, P.FORM_APPROVE)
def ask_about_copies(form_set_id: uuid.UUID) -> Response:
    """Put the near-copies that meet in a form of a set before the bank's editors."""
    with unit_of_work(current_actor()) as uow:
        n = ask_about_copies_of_set(uow, form_set_id)
    address = url_for("form_sets.detail", form_set_id=form_set_id)
    return redirect_with_message(address, *wording.asked_about_copies(n))


def _done(form_set_id: uuid.UUID, message: str) -> Response:
    return redirect_with_message(url_for("form_sets.detail", form_set_id=form_set_id), message)


@bp.post("/<uuid:form_set_id>/submit")
@requires(P.FORM_ASSEMBLE)
def submit(form_set_id: uuid.UUID) -> Response:
    """Send all forms of a set to review."""
    with unit_of_work(current_actor()) as uow:
        services.submit_set(uow, form_set_id, comment=request.form.get("comment", ""))
    return _done(form_set_id, _("卷组已提交审核"))


@bp.post("/<uuid:form_set_id>/return")
@requires(P.FORM_APPROVE)
def send_back(form_set_id: uuid.UUID) -> tuple[str, int] | Response:
    """Send a set back to its assembler."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.return_set(uow, form_set_id, comment=request.form.get("comment", ""))
    except InvalidInputError as exc:
        return _page(form_set_id, wording.refusal_fields(exc))
    return _done(form_set_id, _("卷组已退回"))


@bp.post("/<uuid:form_set_id>/approve")
@requires(P.FORM_APPROVE)
def approve(form_set_id: uuid.UUID) -> Response:
    """Approve all forms of a set."""
    with unit_of_work(current_actor()) as uow:
        services.approve_set(uow, form_set_id, comment=request.form.get("comment", ""))
    return _done(form_set_id, _("卷组已批准，可以封存"))


@bp.post("/<uuid:form_set_id>/seal")
@requires(P.FORM_SEAL)
def seal(form_set_id: uuid.UUID) -> Response:
    """Start the job that seals every form of a set."""
    with unit_of_work(current_actor()) as uow:
        services.request_sealing(uow, form_set_id)
    return _done(form_set_id, _("正在逐份封存，请在本页查看进度"))


@bp.post("/<uuid:form_set_id>/withdraw")
@requires(P.FORM_ASSEMBLE, P.FORM_SEAL)
def withdraw(form_set_id: uuid.UUID) -> tuple[str, int] | Response:
    """Withdraw a set that no sitting counts on."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.withdraw_set(uow, form_set_id, reason=request.form.get("comment", ""))
    except InvalidInputError as exc:
        return _page(form_set_id, wording.refusal_fields(exc))
    return _done(form_set_id, _("卷组已撤回"))
