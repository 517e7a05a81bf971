"""Organisations: create, change, and who may look into which."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity import organisations, repository, services
from kernel.identity.models import Organisation, OrganisationGrant, OrganisationKind
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from web.errors import error_message
from web.forms import field_messages, uuid_or_none

bp = Blueprint("organisations", __name__, url_prefix="/organisations")
FIELDS = ("code", "name", "kind", "certificate_prefix", "version")


@dataclass(frozen=True, slots=True)
class OrganisationListPage:
    """All organisations."""

    organisations: Sequence[Organisation]
    kind_labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class OrganisationFormPage:
    """The form of an organisation: a new one when `organisation_id` is None."""

    organisation_id: uuid.UUID | None
    values: Mapping[str, str]
    kind_labels: dict[str, str]
    is_active: bool = True
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrganisationPage:
    """One organisation and who may look into it."""

    organisation: Organisation
    kind_label: str
    grants: Sequence[tuple[OrganisationGrant, Organisation]]
    grantees: list[tuple[str, str]]


def kind_labels() -> dict[str, str]:
    """Return the names of all kinds in the reader's language."""
    return {kind.value: _(label) for kind, label in organisations.KIND_LABELS.items()}


@bp.get("/")
@requires(Permission.ORGANISATION_MANAGE)
def index() -> tuple[str, int]:
    """List organisations."""
    rows = repository.list_organisations(db.session())
    return render_page("organisations/list.html", OrganisationListPage(rows, kind_labels()))


@bp.get("/new")
@requires(Permission.ORGANISATION_MANAGE)
def new() -> tuple[str, int]:
    """Show the form for a new organisation."""
    values = dict.fromkeys(FIELDS, "")
    return render_page("organisations/form.html", OrganisationFormPage(None, values, kind_labels()))


@bp.post("/")
@requires(Permission.ORGANISATION_MANAGE)
def create() -> tuple[str, int] | Response:
    """Create an organisation."""
    values = _posted()
    try:
        kind = _checked_kind(values)
        with unit_of_work(current_actor()) as uow:
            row = services.create_organisation(
                uow, code=values["code"], name=values["name"], kind=kind,
                certificate_prefix=values["certificate_prefix"] or None,
            )  # fmt: skip
    except (InvalidInputError, ConflictError) as exc:
        return _form_again(None, values, exc)
    address = url_for("organisations.detail", organisation_id=row.organisation_id)
    return redirect_with_message(address, _("机构已建立，接下来请新建它的机构管理员"))


def _posted() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in FIELDS}


def _checked_kind(values: Mapping[str, str]) -> OrganisationKind:
    organisations.check_organisation(values["code"], values["name"], values["certificate_prefix"])
    if values["kind"] not in organisations.KIND_LABELS:
        raise InvalidInputError(N_("请改正标出的内容"), fields={"kind": [N_("请选择机构类别")]})
    return OrganisationKind(values["kind"])


def _form_again(
    organisation_id: uuid.UUID | None, values: Mapping[str, str], exc: InvalidInputError | ConflictError
) -> tuple[str, int]:
    errors = field_messages(exc) or {"": [error_message(exc)]}
    is_active = organisation_id is None or bool(request.form.get("is_active"))
    page = OrganisationFormPage(organisation_id, values, kind_labels(), is_active, errors)
    return render_page("organisations/form.html", page, status=exc.http_status)


@bp.get("/<uuid:organisation_id>")
@requires(Permission.ORGANISATION_MANAGE)
def detail(organisation_id: uuid.UUID) -> tuple[str, int]:
    """Show one organisation."""
    session = db.session()
    row = repository.get_organisation(session, organisation_id)
    grants = organisations.list_grants(session, organisation_id)
    held = {grantee.organisation_id for _grant, grantee in grants} | {organisation_id}
    grantees = [
        (str(other.organisation_id), other.name)
        for other in repository.list_organisations(session)
        if other.organisation_id not in held
    ]
    return render_page(
        "organisations/detail.html", OrganisationPage(row, kind_labels()[row.kind.value], grants, grantees)
    )


@bp.get("/<uuid:organisation_id>/edit")
@requires(Permission.ORGANISATION_MANAGE)
def edit(organisation_id: uuid.UUID) -> tuple[str, int]:
    """Show the form of an organisation."""
    row = repository.get_organisation(db.session(), organisation_id)
    values = {
        "code": row.code, "name": row.name, "kind": row.kind.value,
        "certificate_prefix": row.certificate_prefix or "", "version": str(row.version),
    }  # fmt: skip
    return render_page(
        "organisations/form.html", OrganisationFormPage(organisation_id, values, kind_labels(), row.is_active)
    )


@bp.post("/<uuid:organisation_id>")
@requires(Permission.ORGANISATION_MANAGE)
def update(organisation_id: uuid.UUID) -> tuple[str, int] | Response:
    """Change an organisation; the code stays."""
    values = _posted() | {"code": repository.get_organisation(db.session(), organisation_id).code}
    try:
        kind = _checked_kind(values)
        with unit_of_work(current_actor()) as uow:
            organisations.update_organisation(
                uow, organisation_id, name=values["name"], kind=kind,
                certificate_prefix=values["certificate_prefix"] or None,
                is_active=bool(request.form.get("is_active")), version=request.form.get("version", 0, type=int),
            )  # fmt: skip
    except (InvalidInputError, ConflictError) as exc:
        return _form_again(organisation_id, values, exc)
    return redirect_with_message(url_for("organisations.detail", organisation_id=organisation_id), _("机构资料已保存"))


@bp.post("/<uuid:organisation_id>/grants")
@requires(Permission.ORGANISATION_MANAGE)
def grant(organisation_id: uuid.UUID) -> Response:
    """Let a supervising centre look into an organisation."""
    grantee_id = uuid_or_none(request.form.get("grantee", ""))
    if grantee_id is None or grantee_id == organisation_id:
        raise InvalidInputError(N_("请选择获得查看权的另一个机构"))
    with unit_of_work(current_actor()) as uow:
        repository.get_organisation(uow.session, organisation_id)
        repository.get_organisation(uow.session, grantee_id)
        services.grant_organisation(uow, organisation_id=organisation_id, grantee_id=grantee_id)
    return redirect_with_message(url_for("organisations.detail", organisation_id=organisation_id), _("已授权查看"))


@bp.post("/<uuid:organisation_id>/grants/<uuid:grant_id>/withdraw")
@requires(Permission.ORGANISATION_MANAGE)
def withdraw(organisation_id: uuid.UUID, grant_id: uuid.UUID) -> Response:
    """Take a grant back."""
    with unit_of_work(current_actor()) as uow:
        organisations.withdraw_grant(uow, organisation_id, grant_id)
    return redirect_with_message(url_for("organisations.detail", organisation_id=organisation_id), _("授权已收回"))
