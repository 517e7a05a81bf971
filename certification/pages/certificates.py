"""Certificates: of a batch, the register, one certificate with its life."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from certification.models import (
    Certificate,
    CertificateAct,
    CertificateBlank,
    CertificateEvent,
    CertificateState,
    CertificationDocument,
)
from certification.pages.heads import BatchHead, batch_head
from certification.pages.wording import (
    DOCX,
    PDF,
    XLSX,
    Errors,
    act_and_return,
    base_url,
    download,
    field_errors,
    form_date,
    form_text,
    page_address,
    refusal,
)
from certification.repository import certificates as repository
from certification.repository.blanks import good_blanks, list_batch_blanks
from certification.rules.batch_states import BatchState
from certification.services import blanks, printing, register
from certification.services import certificates as services
from certification.services.lookup import EXPIRED, state_on
from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.jobs.models import Job
from kernel.lists import Column, ListDescription, declare_list
from kernel.national_id import ID_KIND_LABELS, IdKind
from kernel.uow import unit_of_work

bp = Blueprint("cert_certificates", __name__, url_prefix="/certification")

STATE_KINDS = {
    CertificateState.VALID: "success",
    CertificateState.HELD: "warning",
    CertificateState.SUPERSEDED: "neutral",
    CertificateState.REVOKED: "danger",
}
ACT_LABELS = {
    CertificateAct.NUMBERED: N_("编号"),
    CertificateAct.ISSUED: N_("签发"),
    CertificateAct.PRINTED: N_("打印"),
    CertificateAct.HELD: N_("暂停使用"),
    CertificateAct.RELEASED: N_("恢复使用"),
    CertificateAct.SUPERSEDED: N_("换发作废"),
    CertificateAct.REVOKED: N_("撤销"),
}
CHANGES = frozenset({CertificateAct.HELD, CertificateAct.RELEASED, CertificateAct.REVOKED})


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate with its state in words."""

    row: Certificate
    state_label: str
    state_kind: str
    serial: str = ""


@dataclass(frozen=True, slots=True)
class BatchCertificatesPage:
    """Numbering, issuing and printing a batch."""

    head: BatchHead
    rows: list[CertificateView]
    documents: Sequence[CertificationDocument]
    blanks: Sequence[tuple[CertificateBlank, str]]
    may_issue: bool
    can_number: bool
    can_issue: bool
    can_print: bool
    today: dt.date
    values: dict[str, str]
    errors: Errors = field(default_factory=dict)


def _kind_of_number(view: CertificateView) -> str:
    return str(_(ID_KIND_LABELS[IdKind(view.row.id_kind)]))


REGISTER: ListDescription[CertificateView] = declare_list(
    ListDescription(
        key="certificates",
        title=N_("证书台账"),
        columns=(
            Column("number", N_("证书编号"), lambda view: view.row.number, is_fixed=True, is_sortable=True),
            Column("serial", N_("印制流水号"), lambda view: view.serial, is_default=False),
            Column("name", N_("姓名"), lambda view: view.row.name, is_sortable=True),
            Column("id_kind", N_("证件类型"), _kind_of_number, is_default=False),
            Column("id_number", N_("证件号码"), lambda view: view.row.id_number_mask),
            Column("occupation", N_("职业"), lambda view: view.row.occupation_name, is_sortable=True),
            Column("trade", N_("工种"), lambda view: view.row.trade_name, is_default=False),
            Column("level", N_("等级"), lambda view: view.row.level_name, is_sortable=True),
            Column("own_level", N_("企业等级"), lambda view: view.row.own_level_name, is_default=False),
            Column("issued", N_("发证日期"), lambda view: view.row.issued_on, is_sortable=True),
            Column("expires", N_("有效期至"), lambda view: view.row.expires_on, is_default=False, is_sortable=True),
            Column("body", N_("发证机构"), lambda view: view.row.body_name, is_default=False),
            Column("state", N_("状态"), lambda view: view.state_label),
        ),
        filters=("q", "state", "occupation", "level", "year"),
        readers=(Permission.CERTIFICATION_READ,),
        sharers=(Permission.CERTIFICATION_WRITE, Permission.SUPERVISE),
    )
)


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """The certificate register."""

    listing: Listing[CertificateView]
    rows: list[CertificateView]
    wanted: repository.CertificateFilter
    states: list[tuple[str, str]]
    state: str
    occupations: list[tuple[str, str]]
    levels: list[tuple[str, str]]
    paging: Paging
    query: dict[str, str]
    is_plain_export: bool

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)

    def kind_of_number(self, view: CertificateView) -> str:
        """Return what kind of number a certificate's holder has."""
        return _kind_of_number(view)


@dataclass(frozen=True, slots=True)
class CertificatePage:
    """One certificate and what happened to it."""

    certificate: Certificate
    view: CertificateView
    events: list[tuple[str, CertificateEvent]]
    verify_href: str
    may_print: bool
    may_hold: bool
    may_release: bool
    may_revoke: bool
    may_reissue: bool
    may_prove: bool


def certificate_views(session: Session, rows: Sequence[Certificate]) -> list[CertificateView]:
    """Return certificates with their states in words and the serials of their blanks."""
    good = good_blanks(session, [row.certificate_id for row in rows])
    return [
        replace(certificate_view(row), serial=good[row.certificate_id].serial if row.certificate_id in good else "")
        for row in rows
    ]


def certificate_view(row: Certificate) -> CertificateView:
    """Return a certificate with its state in words; one that is not issued yet says so."""
    if row.issued_at is None:
        return CertificateView(row, _("待签发"), "info")
    if state_on(row, today()) == EXPIRED:
        return CertificateView(row, _(register.EXPIRED_LABEL), "warning")
    return CertificateView(row, _(register.STATE_LABELS[row.state]), STATE_KINDS[row.state])


# --- of a batch ------------------------------------------------------------------------------------------------------


@bp.get("/batches/<uuid:batch_id>/certificates")
@requires(Permission.CERTIFICATION_READ)
def batch(batch_id: uuid.UUID) -> tuple[str, int]:
    """Show the certificates of a batch and what can be done."""
    return _batch_page(batch_id)


def _batch_page(batch_id: uuid.UUID, errors: Errors | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    head = batch_head(session, actor, batch_id, "certificates")
    state, may_issue = head.batch.state, head.is_own and actor.may(Permission.CERTIFICATE_ISSUE)
    rows = certificate_views(session, repository.list_batch_certificates(session, batch_id))
    page = BatchCertificatesPage(
        head=head, rows=rows, documents=repository.list_documents(session, batch_id) if may_issue else (),
        blanks=list_batch_blanks(session, head.batch) if may_issue else (),
        may_issue=may_issue, can_number=may_issue and state is BatchState.APPROVED,
        can_issue=may_issue and state is BatchState.NUMBERED,
        can_print=may_issue and state in {BatchState.ISSUED, BatchState.ARCHIVED}, today=today(),
        values={"issued_on": today().isoformat()} | (request.form.to_dict() if errors else {}), errors=errors or {},
    )  # fmt: skip
    return render_page("certification/batch_certificates.html", page, status=422 if errors else 200)


@bp.post("/batches/<uuid:batch_id>/certificates/number")
@requires(Permission.CERTIFICATE_ISSUE)
def number(batch_id: uuid.UUID) -> tuple[str, int] | Response:
    """Give numbers."""
    try:
        issued_on = form_date("issued_on") or dt.date.min
        with unit_of_work(current_actor()) as uow:
            n_numbered = services.number_batch(uow, batch_id, issued_on=issued_on)
    except InvalidInputError as exc:
        return _batch_page(batch_id, field_errors(exc))
    address = url_for("cert_certificates.batch", batch_id=batch_id)
    return redirect_with_message(address, _("已编号 %(n)s 张证书", n=n_numbered))


@bp.post("/batches/<uuid:batch_id>/certificates/issue")
@requires(Permission.CERTIFICATE_ISSUE)
def issue(batch_id: uuid.UUID) -> Response:
    """Print and issue in a job."""
    return _begin(printing.request_issue, batch_id)


@bp.post("/batches/<uuid:batch_id>/certificates/print")
@requires(Permission.CERTIFICATE_ISSUE)
def print_batch(batch_id: uuid.UUID) -> Response:
    """Print once more in a job."""
    return _begin(printing.request_print, batch_id)


def _begin(request_job: Callable[..., Job], batch_id: uuid.UUID) -> Response:
    try:
        with unit_of_work(current_actor()) as uow:
            job = request_job(
                uow, batch_id, base_url=base_url(), first_serial=form_text("first_serial"), file_types=_file_types()
            )
    except InvalidInputError as exc:
        return redirect_with_message(url_for("cert_certificates.batch", batch_id=batch_id), refusal(exc), "danger")
    return redirect(url_for("jobs.detail", job_id=job.job_id), code=303)


def _file_types() -> list[str]:
    """Return the chosen kinds of files; where none was asked for, the usual one."""
    return request.form.getlist("file_type") or [printing.PDF]


@bp.post("/batches/<uuid:batch_id>/certificates/spoil")
@requires(Permission.CERTIFICATE_ISSUE)
def spoil(batch_id: uuid.UUID) -> Response:
    """Note that a blank is spoiled."""
    return act_and_return(
        url_for("cert_certificates.batch", batch_id=batch_id), _("已登记作废"),
        lambda uow: blanks.spoil_blank(uow, batch_id, form_text("serial"), reason=form_text("reason")),
    )  # fmt: skip


@bp.post("/documents/<uuid:document_id>")
@requires(Permission.CERTIFICATE_ISSUE)
def document(document_id: uuid.UUID) -> Response:
    """Download a printed part; audited, hence a post."""
    with unit_of_work(current_actor()) as uow:
        name, content = printing.read_document(uow, document_id)
    return download(name, content, mimetype_of(name))


def mimetype_of(name: str) -> str:
    """Return what kind of file a printed certificate is."""
    return DOCX if name.endswith(".docx") else PDF


# --- the register ----------------------------------------------------------------------------------------------------


def _wanted() -> repository.CertificateFilter:
    args = request.values
    state = args.get("state", "")
    is_worth = state in {CertificateState.VALID.value, EXPIRED}  # an expired one is a valid one whose last day is over
    stored = CertificateState.VALID.value if is_worth else state
    return repository.CertificateFilter(
        search=args.get("q", "").strip()[:60],
        state=CertificateState(stored) if stored in set(CertificateState) else None,
        is_expired=state == EXPIRED if is_worth else None,
        day=today(),
        occupation_code=args.get("occupation", "")[:32],
        level_code=args.get("level", "")[:32],
        year=args.get("year", type=int),
    )


@bp.get("/certificates/")
@requires(Permission.CERTIFICATION_READ)
def index() -> tuple[str, int] | Response:
    """Show the register."""
    listing, paging, wanted = open_list(REGISTER), paging_from_request(), _wanted()
    if away := begin_with_view(listing):
        return away
    session, actor = db.session(), current_actor()
    rows, total = _register(session, listing, paging)
    occupations, levels = repository.list_register_choices(session, actor=actor)
    page = RegisterPage(
        listing, rows, wanted,
        [*((state.value, _(label)) for state, label in register.STATE_LABELS.items()), (EXPIRED, _(register.EXPIRED_LABEL))],
        "" if wanted.state is None else EXPIRED if wanted.is_expired else wanted.state.value, occupations, levels,
        paging.of(total), {k: v for k, v in request.args.items() if k != "page"},
        actor.may(Permission.PERSONAL_DATA_REVEAL),
    )  # fmt: skip
    return render_page("certification/register.html", page)


def _register(session: Session, listing: Listing[CertificateView], paging: Paging) -> tuple[list[CertificateView], int]:
    rows, total = repository.list_certificates(
        session, actor=current_actor(), wanted=_wanted(), order=listing.order, offset=paging.offset,
        limit=paging.per_page,
    )  # fmt: skip
    return certificate_views(session, rows), total


@bp.post("/certificates/shown")
@requires(Permission.CERTIFICATION_READ)
def export_shown() -> Response:
    """Download the register with the columns, filters and order that are shown, numbers masked."""
    listing = open_list(REGISTER)
    return send_list(listing, lambda: _register(db.session(), listing, EVERYTHING), {})


@bp.post("/certificates/export")
@requires(Permission.CERTIFICATION_READ)
def export() -> Response:
    """Download what the list shows; audited, hence a post."""
    with unit_of_work(current_actor()) as uow:
        content = register.export_register(uow, _wanted())
    return download(f"证书台账_{today().isoformat()}.xlsx", content, XLSX)


# --- one certificate -------------------------------------------------------------------------------------------------


@bp.get("/certificates/<uuid:certificate_id>")
@requires(Permission.CERTIFICATION_READ)
def detail(certificate_id: uuid.UUID) -> tuple[str, int]:
    """Show a certificate."""
    session, actor = db.session(), current_actor()
    row = repository.get_certificate(session, certificate_id, actor=actor)
    is_own = row.organisation_id == actor.organisation_id and row.issued_at is not None
    may_change = is_own and actor.may(Permission.CERTIFICATE_REVOKE)
    is_open = row.state in {CertificateState.VALID, CertificateState.HELD}
    page = CertificatePage(
        certificate=row, view=certificate_views(session, [row])[0],
        events=[(_(ACT_LABELS[event.act]), event) for event in repository.list_events(session, certificate_id)],
        verify_href=f"{base_url()}/verify/{row.public_token}" if row.issued_at else "",
        may_print=is_own and actor.may(Permission.CERTIFICATE_ISSUE),
        may_hold=may_change and row.state is CertificateState.VALID,
        may_release=may_change and row.state is CertificateState.HELD, may_revoke=may_change and is_open,
        may_reissue=may_change and is_open and actor.may(Permission.CERTIFICATE_ISSUE),
        may_prove=row.organisation_id == actor.organisation_id and actor.may(Permission.EVIDENCE_MAKE),
    )  # fmt: skip
    return render_page("certification/certificate.html", page)


@bp.post("/certificates/<uuid:certificate_id>/print")
@requires(Permission.CERTIFICATE_ISSUE)
def print_one(certificate_id: uuid.UUID) -> Response:
    """Download one certificate, on a numbered blank or not; kept with it, hence a post."""
    (file_type, *_more), serial = _file_types(), form_text("first_serial")
    try:
        with unit_of_work(current_actor()) as uow:
            name, content = printing.print_certificate(
                uow, certificate_id, base_url=base_url(), file_type=file_type, serial=serial
            )
    except (ConflictError, InvalidInputError) as exc:
        address = url_for("cert_certificates.detail", certificate_id=certificate_id)
        return redirect_with_message(address, refusal(exc), "danger")
    return download(name, content, mimetype_of(name))


@bp.post("/certificates/<uuid:certificate_id>/e-certificate")
@requires(Permission.CERTIFICATE_ISSUE)
def ecertificate(certificate_id: uuid.UUID) -> Response:
    """Download the signed e-certificate; kept with the certificate, hence a post."""
    try:
        with unit_of_work(current_actor()) as uow:
            name, content = services.ecertificate_pdf(uow, certificate_id, base_url=base_url())
    except ConflictError as exc:
        address = url_for("cert_certificates.detail", certificate_id=certificate_id)
        return redirect_with_message(address, refusal(exc), "danger")
    return download(name, content, PDF)


@bp.post("/certificates/<uuid:certificate_id>/state")
@requires(Permission.CERTIFICATE_REVOKE)
def change(certificate_id: uuid.UUID) -> Response:
    """Hold, release or revoke."""
    address, act = url_for("cert_certificates.detail", certificate_id=certificate_id), form_text("act")
    if act not in CHANGES:
        return redirect_with_message(address, _("请选择要做的事"), "danger")
    reason = form_text(f"reason_{act}")
    return act_and_return(
        address, _("证书状态已更改"),
        lambda uow: services.change_state(uow, certificate_id, CertificateAct(act), reason=reason),
    )  # fmt: skip


@bp.post("/certificates/<uuid:certificate_id>/reissue")
@requires(Permission.CERTIFICATE_REVOKE)
def reissue(certificate_id: uuid.UUID) -> Response:
    """Replace by a new certificate."""
    return act_and_return(
        url_for("cert_certificates.detail", certificate_id=certificate_id), _("已换发新证书，原证书作废"),
        lambda uow: services.reissue(uow, certificate_id, reason=form_text("reason_reissue")),
    )  # fmt: skip
