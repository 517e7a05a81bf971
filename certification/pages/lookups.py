"""What anybody may ask: is this certificate real? By number and name, or by the QR code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Blueprint, jsonify, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import CertificateState
from certification.pages.wording import Errors, download, field_errors, form_text
from certification.rules.levels import DOCUMENTS, TITLE_LABELS
from certification.services import lookup as services
from certification.services import signing, statements
from certification.services.lookup import PublicCertificate
from certification.services.statements import CheckedStatement
from certification.verifier import kaoku_verify
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import public, render_page
from kernel.http.uploads import uploaded_file
from kernel.i18n import N_
from kernel.identity.actor import ANONYMOUS
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("cert_lookup", __name__)

STATE_TEXTS = {
    CertificateState.VALID.value: (N_("有效"), "success", N_("该证书真实有效。")),
    CertificateState.HELD.value: (N_("暂停使用"), "warning", N_("该证书正在核查，暂停使用。")),
    CertificateState.SUPERSEDED.value: (N_("已换发"), "warning", N_("该证书已由新证书代替，不再有效。")),
    CertificateState.REVOKED.value: (N_("已撤销"), "danger", N_("该证书已被撤销，不再有效。")),
    services.EXPIRED: (N_("已过有效期"), "warning", N_("该证书真实，但有效期已过。")),
    "unknown": (N_("未查到"), "neutral", N_("没有查到与所填信息一致的证书，请核对后再试。")),
}
UNLISTED = (N_("台账中没有"), "danger", N_("签名真实，但台账中没有内容一致的证书，请联系发证机构核实。"))


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

    @property
    def rows(self) -> list[tuple[str, Any]]:
        """What is said about the certificate that was found; a special ability has neither trade nor level."""
        found = self.answer
        if found is None:
            return []
        wording = DOCUMENTS[found.kind]
        levelled = [(_("工种"), found.trade or "--"), (_("等级"), found.level)] if wording.has_level else []
        occupation = _("职业") if wording.has_level else _("专项职业能力")
        return [
            (_("证书名称"), _(TITLE_LABELS[found.kind])), (_("证书编号"), found.number), (_("姓名"), found.name),
            (_("证件号码"), found.id_number), (occupation, found.occupation), *levelled,
        ]  # fmt: skip


def count_lookup() -> None:
    """Count this look-up, whether or not something is found; only every few of an address are written."""
    services.note_lookup(db.session(), request.remote_addr or "", _write)


def _write(act: Callable[[UnitOfWork], None]) -> None:
    with unit_of_work(ANONYMOUS) as uow:
        act(uow)


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
    count_lookup()
    return _answered(services.look_up(db.session(), number=number, name=name), number=number, name=name)


@bp.get("/verify/<token>")
@public
def verify(token: str) -> tuple[str, int]:
    """Answer for the QR code of a certificate."""
    count_lookup()
    return _answered(services.verify_token(db.session(), token[:64]), is_scan=True)


# --- signed statements -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatementPage:
    """The form for a signed statement, and what it says when its signature holds."""

    text: str
    checked: CheckedStatement | None = None
    state_label: str = ""
    state_kind: str = ""
    state_text: str = ""
    errors: Errors = field(default_factory=dict)


@bp.get("/certificates/statement")
@public
def statement_form() -> tuple[str, int]:
    """Show the form."""
    return render_page("certification/statement.html", StatementPage(""))


@bp.post("/certificates/statement")
@public
def check_statement() -> tuple[str, int]:
    """Check a pasted statement or an uploaded e-certificate: the signature, and what became of the certificate since."""
    count_lookup()
    text = form_text("text")[:4000]
    try:
        chosen = text or statements.text_of_upload(uploaded_file("file").data)
        checked = statements.check_statement(db.session(), chosen)
    except InvalidInputError as exc:
        page = StatementPage(text, errors={"text": [one for texts in field_errors(exc).values() for one in texts]})
        return render_page("certification/statement.html", page, status=422)
    label, kind, words = STATE_TEXTS[checked.today.state] if checked.today.is_known else UNLISTED
    return render_page("certification/statement.html", StatementPage(text, checked, _(label), kind, _(words)))


@bp.get("/.well-known/jwks.json")
@public
def jwks() -> Response:
    """Publish the keys by which signatures of this installation's organisations are checked (RFC 7517)."""
    answer = jsonify(signing.published_keys(db.session()))
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@bp.get("/certificates/kaoku_verify.py")
@public
def verifier() -> Response:
    """Hand out the program that verifies packs of evidence without this system."""
    return download("kaoku_verify.py", Path(kaoku_verify.__file__).read_bytes(), "text/x-python")
