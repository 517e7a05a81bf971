"""What anybody may ask: is this certificate real? By number and name, or by the QR code."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Blueprint, request
from flask_babel import gettext as _

from certification.models import CertificateState
from certification.pages.wording import Errors, form_text
from certification.services import lookup as services
from certification.services.lookup import PublicCertificate
from kernel.db import db
from kernel.http import public, render_page
from kernel.i18n import N_
from kernel.identity.actor import ANONYMOUS
from kernel.uow import unit_of_work

bp = Blueprint("cert_lookup", __name__)

STATE_TEXTS = {
    CertificateState.VALID.value: (N_("有效"), "success", N_("该证书真实有效。")),
    CertificateState.HELD.value: (N_("暂停使用"), "warning", N_("该证书正在核查，暂停使用。")),
    CertificateState.SUPERSEDED.value: (N_("已换发"), "warning", N_("该证书已由新证书代替，不再有效。")),
    CertificateState.REVOKED.value: (N_("已撤销"), "danger", N_("该证书已被撤销，不再有效。")),
    "unknown": (N_("未查到"), "neutral", N_("没有查到与所填信息一致的证书，请核对后再试。")),
}


@dataclass(frozen=True, slots=True)
class LookupPage:
    """The form, and the answer when something was asked."""

    number: str
    name: str
    answer: PublicCertificate | None = None
    state_label: str = ""
    state_kind: str = ""
    state_text: str = ""
    is_scan: bool = False
    errors: Errors = field(default_factory=dict)


def _count() -> None:
    """Count this look-up; reading is slowed down by what is written here, whether or not something is found."""
    with unit_of_work(ANONYMOUS) as uow:
        services.note_lookup(uow, request.remote_addr or "")


def _answered(answer: PublicCertificate, *, number: str = "", name: str = "", is_scan: bool = False) -> tuple[str, int]:
    label, kind, text = STATE_TEXTS[answer.state]
    page = LookupPage(number, name, answer, _(label), kind, _(text), is_scan=is_scan)
    return render_page("certification/lookup.html", page)


@bp.get("/certificates")
@public
def form() -> tuple[str, int]:
    """Show the form."""
    return render_page("certification/lookup.html", LookupPage("", ""))


@bp.post("/certificates")
@public
def look_up() -> tuple[str, int]:
    """Answer for a number and a name; both are needed."""
    number, name = form_text("number")[:64], form_text("name")[:100]
    missing = {key: [_("请填写")] for key, text in (("number", number), ("name", name)) if not text}
    if missing:
        return render_page("certification/lookup.html", LookupPage(number, name, errors=missing), status=422)
    _count()
    return _answered(services.look_up(db.session(), number=number, name=name), number=number, name=name)


@bp.get("/verify/<token>")
@public
def verify(token: str) -> tuple[str, int]:
    """Answer for the QR code of a certificate."""
    _count()
    return _answered(services.verify_token(db.session(), token[:64]), is_scan=True)
