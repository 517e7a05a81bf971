"""The signing keys of the organisation: which signs, which still verify, which are not trusted any more."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import SigningKey
from certification.pages.wording import act_and_return, base_url, form_text
from certification.repository import signing as repository
from certification.services import signing as services
from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission

bp = Blueprint("cert_signing", __name__, url_prefix="/certification/signing-keys")


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key with its state in words."""

    row: SigningKey
    state_label: str
    state_kind: str


@dataclass(frozen=True, slots=True)
class KeysPage:
    """The keys, the newest first."""

    keys: Sequence[KeyLine]
    jwks_href: str

    @property
    def can_sign(self) -> bool:
        """Whether anything can be signed now."""
        return bool(self.keys) and self.keys[0].row.revoked_at is None


@bp.get("/")
@requires(Permission.CONNECTION_MANAGE)
def index() -> tuple[str, int]:
    """Show the keys."""
    rows = repository.list_keys(db.session(), current_actor().organisation)
    lines = [_line(row, is_newest=index == 0) for index, row in enumerate(rows)]
    return render_page("certification/signing_keys.html", KeysPage(lines, f"{base_url()}/.well-known/jwks.json"))


def _line(row: SigningKey, *, is_newest: bool) -> KeyLine:
    if row.revoked_at is not None:
        return KeyLine(row, _("已作废"), "danger")
    return KeyLine(row, _("用于签名"), "success") if is_newest else KeyLine(row, _("只用于验证"), "neutral")


@bp.post("/")
@requires(Permission.CONNECTION_MANAGE)
def create() -> Response:
    """Make a new key, which signs from now on."""
    return act_and_return(url_for("cert_signing.index"), _("新密钥已生成，从现在起用它签名"), services.create_key)


@bp.post("/<uuid:signing_key_id>/revoke")
@requires(Permission.CONNECTION_MANAGE)
def revoke(signing_key_id: uuid.UUID) -> Response:
    """Trust a key no more."""
    return act_and_return(
        url_for("cert_signing.index"), _("密钥已作废，用它签的内容不再可信"),
        lambda uow: services.revoke_key(uow, signing_key_id, reason=form_text(f"reason-{signing_key_id}")),
    )  # fmt: skip
