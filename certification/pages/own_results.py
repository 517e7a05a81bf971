"""The candidates' own page, without an account: results, sections, receipt, requests, letters, certificates, consent."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, cast

from flask import Blueprint, current_app, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import CandidateConsent, Certificate, ConsentAct, ConsentPurpose
from certification.pages.lookups import STATE_TEXTS, count_lookup
from certification.pages.wording import PDF, Errors, base_url, download, field_errors, form_text, refusal
from certification.repository import candidates as repository
from certification.rules.consents import CONSENT_TEXTS
from certification.rules.credentials import MEDIA_TYPE
from certification.rules.pass_decision import MODE_LABELS, OUTCOME_LABELS, TOTAL_LABEL
from certification.services import candidate_access as access
from certification.services import credentials
from certification.services import own_certificates as services
from certification.services.lookup import state_on
from certification.services.own_certificates import OwnResult
from certification.services.own_surveys import OwnSurvey, list_own_surveys
from exam_delivery import public_candidates as exams
from exam_delivery.public_candidates import Proof, Sitting
from kernel.clock import today
from kernel.db import db
from kernel.disk import require_room
from kernel.errors import ConflictError, InvalidInputError, NotFoundError, TooManyAttemptsError
from kernel.http import once, printable_name, public, redirect_with_message, render_page
from kernel.i18n import N_
from kernel.identity.actor import ANONYMOUS, Actor
from kernel.identity.repository import get_organisation
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("cert_own", __name__, url_prefix="/my-results")
P = ParamSpec("P")
Page = tuple[str, int]
OUTCOMES = {
    "scored": (N_("已评分"), "success"), "absent": (N_("缺考"), "neutral"), "void": (N_("取消成绩"), "danger"),
    "not_taken": (N_("本次不考理论"), "neutral"), "": (N_("成绩尚未发布"), "neutral"),
}  # fmt: skip
OVER = N_("请重新填写信息后查看")


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The form by which somebody proves who they are."""

    name: str = ""
    number: str = ""
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request in words."""

    key: uuid.UUID
    code: str
    title: str
    state: str
    outcome: str
    may_withdraw: bool
    has_letter: bool
    files: Sequence[str] = ()
    may_add: bool = False


@dataclass(frozen=True, slots=True)
class RulingLine:
    """A ruling in words."""

    key: uuid.UUID
    code: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class SittingView:
    """One examination in words."""

    row: Sitting
    outcome: str
    outcome_kind: str
    requests: Sequence[RequestLine]
    rulings: Sequence[RulingLine]
    terms: Sequence[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """A certificate in words."""

    row: Certificate
    state: str
    kind: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class ResultView:
    """One certification result in words."""

    row: OwnResult
    outcome: str
    parts: Sequence[tuple[str, str]]
    certificates: Sequence[CertificateLine]


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What somebody may agree to, and whether they have."""

    purpose: ConsentPurpose
    label: str
    text: str
    held: CandidateConsent | None


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """Everything that a person sees of themselves."""

    organisation: str
    sittings: Sequence[SittingView]
    results: Sequence[ResultView]
    consents: Sequence[ConsentView]
    history: Sequence[tuple[str, str, CandidateConsent]]
    may_download: bool
    surveys: Sequence[OwnSurvey] = ()


@dataclass(frozen=True, slots=True)
class RequestPage:
    """What somebody asks for about one examination."""

    sitting: Sitting
    kinds: Sequence[tuple[str, str]]
    subjects: Sequence[tuple[str, str]]
    terms: Sequence[tuple[str, object]]
    rulings: Sequence[tuple[uuid.UUID, str]]
    filled: Mapping[str, str]
    errors: Errors = field(default_factory=dict)


# --- coming and going ------------------------------------------------------------------------------------------------


def cookie_name() -> str:
    """Return the cookie's name; the prefix needs HTTPS."""
    return "__Secure-kaoku-own" if current_app.config["SESSION_COOKIE_SECURE"] else "kaoku_own"


def visitor() -> Proof | None:
    """Return who this browser's visit belongs to."""
    return access.read_visit(request.cookies.get(cookie_name(), ""))


def proved(view: Callable[Concatenate[Proof, P], Page | Response]) -> Callable[P, Page | Response]:
    """Open a page to those alone who proved who they are, once for each key that a form names; others go to the form."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Page | Response:
        proof = visitor()
        if proof is None:
            return redirect_with_message(url_for("cert_own.show"), _(OVER), "info")
        return cast("Page | Response", once(access.themselves(proof), lambda: view(proof, *args, **kwargs)))

    guarded.runs_once = True  # type: ignore[attr-defined]
    return public(guarded)


@bp.get("")
@public
def show() -> Page:
    """Show the form, or to those who proved who they are their results."""
    proof = visitor()
    if proof is None:
        return render_page("certification/own/sign_in.html", SignInPage())
    return render_page("certification/own/results.html", _results(proof))


@bp.post("")
@public
def enter() -> Page | Response:
    """Let somebody in who proves who they are; wrong and unknown get the same answer."""
    name, id_number, number = form_text("name")[:100], form_text("id_number")[:60], form_text("number")[:64]
    typed = {"name": name, "id_number": id_number, "number": number}
    missing = {key: [_("请填写")] for key, text in typed.items() if not text}
    if missing:
        return render_page("certification/own/sign_in.html", SignInPage(name, number, missing), status=422)
    try:
        proof = _proof(name, id_number, number)
    except (InvalidInputError, TooManyAttemptsError) as exc:
        errors = field_errors(exc) if isinstance(exc, InvalidInputError) else {"": [refusal(exc)]}
        return render_page("certification/own/sign_in.html", SignInPage(name, number, errors), status=exc.http_status)
    response = redirect(url_for("cert_own.show"), code=303)
    response.set_cookie(
        cookie_name(), access.seal_visit(proof), max_age=int(access.LIFE.total_seconds()), httponly=True,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]), samesite="Lax", path=bp.url_prefix,
    )  # fmt: skip
    return response


def _proof(name: str, id_number: str, number: str) -> Proof:
    tries = access.tries_of(number=number, id_number=id_number, address=request.remote_addr or "")
    access.check_tries(db.session(), tries)
    proof = access.prove(db.session(), name=name, id_number=id_number, number=number)
    with unit_of_work(access.themselves(proof) if proof else ANONYMOUS) as uow:
        if proof:
            access.note_entry(uow, proof)
        else:
            access.note_failure(uow, tries)
    if proof is None:
        raise access.refuse()
    return proof


@bp.post("/leave")
@public
def leave() -> Response:
    """End the visit."""
    response = redirect_with_message(url_for("cert_own.show"), _("已退出"))
    response.delete_cookie(cookie_name(), path=bp.url_prefix, secure=bool(current_app.config["SESSION_COOKIE_SECURE"]))
    return response


# --- seeing ----------------------------------------------------------------------------------------------------------


def _results(proof: Proof) -> ResultsPage:
    session, actor = db.session(), access.themselves(proof)
    held = services.consents_of(session, proof)
    return ResultsPage(
        organisation=get_organisation(session, proof.organisation_id).name,
        sittings=[_sitting(row, actor) for row in exams.list_sittings(session, actor, proof.candidate_id)],
        results=[_result(row) for row in services.list_results(session, actor, proof.candidate_id)],
        consents=[
            ConsentView(purpose, _(one.label), _(one.text), held.get(purpose))
            for purpose, one in CONSENT_TEXTS.items()
        ],
        history=[
            (_(CONSENT_TEXTS[row.purpose].label), _("同意") if row.act is ConsentAct.GIVEN else _("撤回"), row)
            for row in repository.list_consents(session, proof.candidate_id, actor=actor)
        ],
        may_download=ConsentPurpose.E_CERTIFICATE in held,
        surveys=list_own_surveys(session, actor, proof.candidate_id),
    )  # fmt: skip


def _sitting(row: Sitting, actor: Actor) -> SittingView:
    label, kind = OUTCOMES[row.outcome]
    names = exams.file_names(db.session(), actor, [one.score_review_request_id for one in row.requests])
    requests = [
        RequestLine(
            one.score_review_request_id, one.code, _(exams.REQUEST_KIND_LABELS[one.kind]),
            _(exams.REQUEST_STATE_LABELS[one.state]),
            _(exams.REQUEST_OUTCOME_LABELS[one.outcome]) if one.outcome and one.closed_at else "",
            may_withdraw=one.state in exams.WITHDRAWABLE,
            has_letter=one.state not in {exams.RequestState.FILED, exams.RequestState.WITHDRAWN},
            files=names.get(one.score_review_request_id, ()), may_add=one.state in exams.OPEN_FOR_FILES,
        )
        for one in row.requests
    ]  # fmt: skip
    rulings = [
        RulingLine(
            one.result_ruling_id, one.code, _(exams.RULING_KIND_LABELS[one.kind]),
            _(exams.RULING_STATE_LABELS[one.state]),
        )
        for one in row.rulings
    ]  # fmt: skip
    terms = [(_(exams.REQUEST_KIND_LABELS[one]), terms) for one, terms in row.terms]
    return SittingView(row, _(label), kind, requests, rulings, terms)


def _result(row: OwnResult) -> ResultView:
    lines = []
    for one in row.certificates:
        state = state_on(one, today())
        label, kind, _text = STATE_TEXTS[state]
        lines.append(CertificateLine(one, _(label), kind, is_valid=state == "valid"))
    parts = [(_(MODE_LABELS[mode]), text) for mode, text in row.parts] + (
        [(_(TOTAL_LABEL), row.total)] if row.total else []
    )
    return ResultView(row, _(OUTCOME_LABELS[row.record.outcome]) if row.is_public else "", parts, lines)


# --- consent and downloads -------------------------------------------------------------------------------------------


@bp.post("/consents")
@proved
def consent(proof: Proof) -> Response:
    """Keep that somebody agrees to something, or takes it back."""
    purpose, act = form_text("purpose"), form_text("act")
    if act == ConsentAct.GIVEN and form_text(f"agree-{purpose}") != "1":
        return _back(_("请先勾选“我已阅读并同意”"), "danger")
    words = _(CONSENT_TEXTS[ConsentPurpose(purpose)].text) if purpose in set(ConsentPurpose) else ""
    done = _("已记录您的同意") if act == ConsentAct.GIVEN else _("已撤回同意")
    origin = {"address": request.remote_addr or "", "device": request.user_agent.string}
    return _act(
        proof, done, lambda uow: services.note_consent(uow, proof, purpose=purpose, act=act, text=words, **origin)
    )


@bp.post("/certificates/<uuid:certificate_id>/e-certificate")
@proved
def ecertificate(proof: Proof, certificate_id: uuid.UUID) -> Response:
    """Download one's own e-certificate."""
    address = base_url()
    return _take(proof, PDF, lambda uow: services.take_ecertificate(uow, proof, certificate_id, base_url=address))


@bp.post("/certificates/<uuid:certificate_id>/credential")
@proved
def credential(proof: Proof, certificate_id: uuid.UUID) -> Response:
    """Download one's own certificate as a verifiable credential."""
    address = base_url()
    return _take(
        proof, MEDIA_TYPE, lambda uow: credentials.take_own_credential(uow, proof, certificate_id, base_url=address)
    )


def _take(proof: Proof, mimetype: str, take: Callable[[UnitOfWork], tuple[str, bytes]]) -> Response:
    """Hand out a file, or say why not; files count like look-ups, because making one costs time."""
    try:
        count_lookup()
        with unit_of_work(access.themselves(proof)) as uow:
            name, content = take(uow)
    except (ConflictError, TooManyAttemptsError) as exc:
        return _back(refusal(exc), "danger")
    return download(name, content, mimetype)


def _act(proof: Proof, done: str, act: Callable[[UnitOfWork], object]) -> Response:
    try:
        with unit_of_work(access.themselves(proof)) as uow:
            act(uow)
    except (ConflictError, InvalidInputError) as exc:
        return _back(refusal(exc), "danger")
    return _back(done)


def _back(message: str, category: str = "success") -> Response:
    return redirect_with_message(url_for("cert_own.show"), message, category)


# --- requests and letters --------------------------------------------------------------------------------------------


@bp.get("/requests/new/<uuid:registration_id>")
@proved
def fill_in(proof: Proof, registration_id: uuid.UUID) -> Page:
    """Fill in what somebody asks for."""
    return _request_page(proof, registration_id, {"kind": request.args.get("kind", "")}, {}, 200)


@bp.post("/requests/new/<uuid:registration_id>")
@proved
def file(proof: Proof, registration_id: uuid.UUID) -> Page | Response:
    """File a request for a score check or an appeal."""
    try:
        slots = _slots(form_text("slots"))
        with unit_of_work(access.themselves(proof)) as uow:
            code = exams.file_request(
                uow, proof.candidate_id, registration_id, kind=form_text("kind"), subject=form_text("subject"),
                statement=form_text("statement"), slots=slots, result_ruling_id=_key(form_text("result_ruling_id")),
            )  # fmt: skip
            exams.attach_files(uow, proof.candidate_id, registration_id, _files())
    except (InvalidInputError, ConflictError) as exc:
        errors = field_errors(exc) if isinstance(exc, InvalidInputError) else {"": [refusal(exc)]}
        return _request_page(proof, registration_id, request.form, errors, exc.http_status)
    return _back(_("申请 %(code)s 已提交，请在期限内回来查看受理和结果", code=code))


@bp.post("/requests/files/<uuid:registration_id>")
@proved
def add_files(proof: Proof, registration_id: uuid.UUID) -> Response:
    """Add files to the open request about an examination."""
    return _act(
        proof, _("材料已提交"), lambda uow: exams.attach_files(uow, proof.candidate_id, registration_id, _files())
    )


def _files() -> list[tuple[str, bytes]]:
    """Return the files that were chosen, none of them larger than can be taken."""
    chosen = [one for one in request.files.getlist("files") if one.filename]
    if chosen:
        require_room()
    return [(printable_name(one.filename or ""), one.read()) for one in chosen]


def _slots(text: str) -> tuple[int, ...]:
    parts = [one.strip() for one in text.replace("，", ",").replace("、", ",").split(",") if one.strip()]
    if len(parts) > 50 or not all(one.isdecimal() and len(one) < 5 for one in parts):
        message = N_("题号请写数字，用逗号分开，如 3,17")
        raise InvalidInputError(message, fields={"slots": [message]})
    return tuple(int(one) for one in parts)


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _request_page(
    proof: Proof, registration_id: uuid.UUID, filled: Mapping[str, str], errors: Errors, status: int
) -> Page:
    rows = exams.list_sittings(db.session(), access.themselves(proof), proof.candidate_id)
    row = next((one for one in rows if one.registration.registration_id == registration_id), None)
    if row is None:
        raise NotFoundError(N_("报名记录不存在"))
    page = RequestPage(
        sitting=row, kinds=[(str(one), _(exams.REQUEST_KIND_LABELS[one])) for one, _terms in row.terms],
        subjects=[(str(one), _(exams.SUBJECT_LABELS[one])) for one in row.subjects],
        terms=[(_(exams.REQUEST_KIND_LABELS[one]), terms) for one, terms in row.terms],
        rulings=[(one.result_ruling_id, one.code) for one in row.rulings if one.reversed_at is None], filled=filled, errors=errors,
    )  # fmt: skip
    return render_page("certification/own/request.html", page, status=status)


@bp.post("/requests/<uuid:request_id>/withdraw")
@proved
def withdraw(proof: Proof, request_id: uuid.UUID) -> Response:
    """Take back a request."""
    return _act(proof, _("申请已撤回"), lambda uow: exams.withdraw_request(uow, proof.candidate_id, request_id))


@bp.post("/requests/<uuid:request_id>/letter")
@proved
def request_letter(proof: Proof, request_id: uuid.UUID) -> Response:
    """Download the letter about a request."""
    return _take(proof, PDF, lambda uow: exams.take_request_letter(uow, proof.candidate_id, request_id))


@bp.post("/rulings/<uuid:ruling_id>/letter")
@proved
def ruling_letter(proof: Proof, ruling_id: uuid.UUID) -> Response:
    """Download the letter about a ruling."""
    return _take(proof, PDF, lambda uow: exams.take_ruling_letter(uow, proof.candidate_id, ruling_id))
