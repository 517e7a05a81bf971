"""Standard setting: list, set up, one panel with its raters and rounds, feedback of a round, conclusion."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from blueprints import repository_panels as repository
from blueprints.models_panels import PanelMember, StandardPanel
from blueprints.pages import panel_words as words
from blueprints.pages.panel_feedback import Feedback, feedback_of
from blueprints.pages.wording import page_address, refusal_fields, refusal_text
from blueprints.rules.packages import score_text
from blueprints.rules.panels import STATUS_LABELS, PanelAct, PanelMethod, PanelStatus, may, missing, needed
from blueprints.services import panel_items, panels
from blueprints.services.panel_reports import PanelView, load_view
from blueprints.services.panels import NewPanel
from blueprints.services.sealing import form_title
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("panels", __name__, url_prefix="/panels")
P = Permission
READERS = (P.PANEL_MANAGE, P.PANEL_RATE, P.FORM_APPROVE)
LEADERS = (P.PANEL_MANAGE, P.FORM_APPROVE)


@dataclass(frozen=True, slots=True)
class PanelListPage:
    """Panels that one leads or rates in."""

    rows: Sequence[StandardPanel]
    paging: Paging
    href: Callable[[int], str]
    statuses: list[tuple[str, str]]
    status: str
    may_create: bool
    badge: Callable[[PanelStatus], dict[str, str]] = words.status_badge
    method: Callable[[PanelMethod], str] = words.method_label


@dataclass(frozen=True, slots=True)
class NewPanelPage:
    """The form that sets up a panel."""

    forms: list[tuple[str, str]]
    methods: list[tuple[str, str, str]]
    values: Mapping[str, str]
    errors: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rater is in the open round."""

    member: PanelMember
    n_done: int
    n_needed: int
    is_submitted: bool


@dataclass(frozen=True, slots=True)
class PanelPage:
    """One panel as its leader, a rater or the second person sees it."""

    view: PanelView
    badge: dict[str, str]
    method: str
    how_to: str
    is_leader: bool
    is_rater: bool
    may_report: bool
    rounding: str
    acts: set[str]
    progress: Sequence[Progress]
    mine: Progress | None
    experts: list[tuple[str, str]]
    refusal: str
    fixed: str
    is_open: bool
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    figure: Callable[..., str] = words.figure


@dataclass(frozen=True, slots=True)
class ClosePage:
    """What is known before a round is closed for good."""

    panel: StandardPanel
    number: int
    progress: Sequence[Progress]
    seen: int


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """What a closed round gave, and the discussion of it."""

    view: PanelView
    feedback: Feedback
    may_note: bool
    percent: Callable[[Any], str] = words.percent
    figure: Callable[..., str] = words.figure
    signed: Callable[[Any], str] = words.signed


@bp.get("/")
@requires(*READERS)
def index() -> tuple[str, int]:
    """List panels."""
    paging, status, actor = paging_from_request(), request.args.get("status", ""), current_actor()
    status = status if status in set(PanelStatus) else ""
    rows, total = repository.list_panels(
        db.session(), actor=actor, status=status, offset=paging.offset, limit=paging.per_page
    )
    statuses = [(state.value, _(label)) for state, label in STATUS_LABELS.items()]
    page = PanelListPage(
        rows, paging.of(total), page_address("panels.index"), statuses, status, actor.may(P.PANEL_MANAGE)
    )
    return render_page("blueprints/panels/list.html", page)


@bp.get("/new")
@requires(P.PANEL_MANAGE)
def new() -> tuple[str, int]:
    """Offer the form that sets up a panel."""
    return _new_page({"form_id": request.args.get("form_id", ""), "method": PanelMethod.ANGOFF.value})


def _new_page(values: Mapping[str, str], errors: Mapping[str, list[str]] | None = None) -> tuple[str, int]:
    rows = repository.list_usable_forms(db.session(), actor=current_actor())
    forms = [
        (str(row.exam_form_id), f"{form_title(row)} · {row.occupation_name} {row.level_name} {row.edition_label}")
        for row in rows
    ]
    page = NewPanelPage(forms, words.method_choices(), values, errors or {})
    return render_page("blueprints/panels/new.html", page, status=422 if errors else 200)


@bp.post("/")
@requires(P.PANEL_MANAGE)
def create() -> tuple[str, int] | Response:
    """Set up a panel."""
    given, form_id = request.form, request.form.get("form_id", type=uuid.UUID)
    try:
        method = PanelMethod(given.get("method", ""))
        with unit_of_work(current_actor()) as uow:
            panel = panels.create_panel(
                uow,
                NewPanel(
                    form_id or uuid.UUID(int=0), method, given.get("name", ""), given.get("borderline", ""),
                    given.get("asks_compromise") == "1",
                ),
            )  # fmt: skip
    except InvalidInputError as exc:
        return _new_page(given.to_dict(), refusal_fields(exc))
    except ValueError:
        return _new_page(given.to_dict(), {"method": [_("请选择评定方法")]})
    return _to(panel.standard_panel_id, _("专家组已设立，请邀请评定专家"))


@bp.get("/<uuid:panel_id>")
@requires(*READERS)
def detail(panel_id: uuid.UUID) -> tuple[str, int]:
    """Show one panel."""
    return _panel_page(panel_id)


def _panel_page(panel_id: uuid.UUID, errors: Mapping[str, list[str]] | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    view = load_view(session, actor, panel_id)
    panel, is_leader = view.panel, actor.may(P.PANEL_MANAGE)
    progress = _progress(session, view)
    mine = next((one for one in progress if one.member.user_id == actor.user_id), None)
    refused = panels.why_not_second(session, actor, panel)
    percent = panels.fixed_percent(session, panel) if panel.fixed_mark is None else panel.fixed_mark
    page = PanelPage(
        view=view, badge=words.status_badge(panel.status), method=words.method_label(panel.method),
        how_to=str(_(words.HOW_TO[panel.method])), is_leader=is_leader, is_rater=_is_rater(view, actor),
        may_report=repository.leads(actor) and view.last is not None, rounding=words.rounding(panel.rounding),
        acts=_acts(panel, is_leader=is_leader, is_second=refused is None), progress=progress if repository.leads(actor) else (),
        mine=mine, experts=_experts(session, actor, view) if is_leader and panel.status in panels.OPEN_STATES else [],
        refusal=refusal_text(refused) if refused and repository.leads(actor) else "",
        fixed="" if percent is None else score_text(percent), is_open=panel.status is PanelStatus.RATING, errors=errors or {},
    )  # fmt: skip
    return render_page("blueprints/panels/detail.html", page, status=422 if errors else 200)


def _acts(panel: StandardPanel, *, is_leader: bool, is_second: bool) -> set[str]:
    own = {PanelAct.OPEN_ROUND, PanelAct.CLOSE_ROUND, PanelAct.PROPOSE, PanelAct.CANCEL} if is_leader else set()
    second = {PanelAct.RETURN, PanelAct.CONCLUDE} if is_second else set()
    return {act.value for act in own | second if may(act, panel.status)}


def _is_rater(view: PanelView, actor: Actor) -> bool:
    return any(member.user_id == actor.user_id and member.left_at is None for member in view.members)


def _progress(session: Session, view: PanelView) -> list[Progress]:
    """Return how far the raters are in the last round; counts only, never what they said."""
    members = [member for member in view.members if member.left_at is None]
    if view.panel.status is not PanelStatus.RATING:
        return [Progress(member, 0, 0, is_submitted=False) for member in members]
    row = view.rounds[-1].round
    given = repository.judgements_of(session, row.panel_round_id)
    done, spec = repository.submitted_ids(session, row.panel_round_id), panel_items.spec_of(session, view.panel)
    found = []
    for member in members:
        mine = repository.plain(given.get(member.panel_member_id, {}))
        wanted = len(needed(spec, mine))
        is_submitted = member.panel_member_id in done
        found.append(Progress(member, wanted - len(missing(spec, mine)), wanted, is_submitted=is_submitted))
    return found


def _experts(session: Session, actor: Actor, view: PanelView) -> list[tuple[str, str]]:
    taken = {member.user_id for member in view.members if member.left_at is None} | {view.panel.created_by}
    rows = repository.list_possible_raters(session, actor=actor)
    return [(str(row.user_id), f"{row.name}（{row.username}）") for row in rows if row.user_id not in taken]


@bp.post("/<uuid:panel_id>/members")
@requires(P.PANEL_MANAGE)
def invite(panel_id: uuid.UUID) -> tuple[str, int] | Response:
    """Invite experts."""
    chosen = request.form.getlist("users", type=uuid.UUID)
    return _try(panel_id, lambda uow: panels.invite(uow, panel_id, chosen), _("已邀请；专家登录后会在首页看到"))


@bp.post("/<uuid:panel_id>/members/<uuid:member_id>/remove")
@requires(P.PANEL_MANAGE)
def remove(panel_id: uuid.UUID, member_id: uuid.UUID) -> tuple[str, int] | Response:
    """Let a rater go."""
    reason = request.form.get("reason", "")
    return _try(
        panel_id, lambda uow: panels.remove_member(uow, panel_id, member_id, reason=reason), _("该专家已退出专家组")
    )


@bp.post("/<uuid:panel_id>/rounds")
@requires(P.PANEL_MANAGE)
def open_round(panel_id: uuid.UUID) -> tuple[str, int] | Response:
    """Open the next round."""
    return _try(panel_id, lambda uow: panels.open_round(uow, panel_id), _("评定已开放，专家可以开始"))


@bp.get("/<uuid:panel_id>/close")
@requires(P.PANEL_MANAGE)
def close(panel_id: uuid.UUID) -> tuple[str, int]:
    """Show what is missing before a round is closed."""
    session = db.session()
    view = load_view(session, current_actor(), panel_id)
    row = panels.current_round(session, view.panel)
    seen = repository.count_judgements(session, row.panel_round_id)
    return render_page(
        "blueprints/panels/close.html", ClosePage(view.panel, row.number, _progress(session, view), seen)
    )


@bp.post("/<uuid:panel_id>/close")
@requires(P.PANEL_MANAGE)
def do_close(panel_id: uuid.UUID) -> tuple[str, int] | Response:
    """Close the open round for good."""
    seen = request.form.get("seen", -1, type=int)
    return _try(panel_id, lambda uow: panels.close_round(uow, panel_id, seen=seen), _("本轮已关闭，反馈已对专家开放"))


@bp.get("/<uuid:panel_id>/rounds/<int:number>")
@requires(*READERS)
def feedback(panel_id: uuid.UUID, number: int) -> tuple[str, int]:
    """Show what a closed round gave; a rater sees the own ratings beside the panel's."""
    session, actor = db.session(), current_actor()
    view = load_view(session, actor, panel_id)
    may_note = view.panel.status is PanelStatus.FEEDBACK and number == len(view.rounds)
    found = feedback_of(session, view, number, actor)
    page = FeedbackPage(view, found, may_note and (actor.may(P.PANEL_MANAGE) or _is_rater(view, actor)))
    return render_page("blueprints/panels/feedback.html", page)


@bp.post("/<uuid:panel_id>/notes")
@requires(P.PANEL_MANAGE, P.PANEL_RATE)
def note(panel_id: uuid.UUID) -> Response:
    """Add a note to the discussion."""
    place, text = request.form.get("place", 0, type=int), request.form.get("text", "")
    with unit_of_work(current_actor()) as uow:
        panels.add_note(uow, panel_id, text=text, place=place)
        number = len(repository.list_rounds(uow.session, panel_id))
    address = url_for("panels.feedback", panel_id=panel_id, number=number, _anchor="notes")
    return redirect_with_message(address, _("意见已记录"))


@bp.post("/<uuid:panel_id>/propose")
@requires(P.PANEL_MANAGE)
def propose(panel_id: uuid.UUID) -> tuple[str, int] | Response:
    """Propose the last round's cut as the conclusion."""
    text = request.form.get("conclusion", "")
    return _try(panel_id, lambda uow: panels.propose(uow, panel_id, conclusion=text), _("结论已提出，等待第二人复核"))


@bp.post("/<uuid:panel_id>/return")
@requires(*LEADERS)
def send_back(panel_id: uuid.UUID) -> tuple[str, int] | Response:
    """Send a proposed conclusion back."""
    reason = request.form.get("reason", "")
    return _try(panel_id, lambda uow: panels.return_conclusion(uow, panel_id, reason=reason), _("结论已退回"))


@bp.post("/<uuid:panel_id>/conclude")
@requires(*LEADERS)
def conclude(panel_id: uuid.UUID) -> tuple[str, int] | Response:
    """Confirm a conclusion."""
    return _try(panel_id, lambda uow: panels.conclude(uow, panel_id), _("结论已确认，评定记录不再改变"))


@bp.post("/<uuid:panel_id>/cancel")
@requires(P.PANEL_MANAGE)
def cancel(panel_id: uuid.UUID) -> tuple[str, int] | Response:
    """End a panel without a conclusion."""
    reason = request.form.get("reason", "")
    return _try(panel_id, lambda uow: panels.cancel(uow, panel_id, reason=reason), _("专家组已取消"))


def _try(panel_id: uuid.UUID, act: Callable[[UnitOfWork], object], message: str) -> tuple[str, int] | Response:
    """Do an act and go back to the panel; what must be mended is said beside its field."""
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except InvalidInputError as exc:
        return _panel_page(panel_id, refusal_fields(exc))
    return _to(panel_id, message)


def _to(panel_id: uuid.UUID, message: str) -> Response:
    return redirect_with_message(url_for("panels.detail", panel_id=panel_id), message)
