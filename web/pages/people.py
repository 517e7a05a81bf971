"""People who sign in: find, create, roles, disable, new password, sessions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, DomainError, InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.http.lists import EVERYTHING, Listing, begin_with_view, open_list, send_list
from kernel.i18n import N_
from kernel.identity import repository, services
from kernel.identity.actor import Actor
from kernel.identity.models import AuthSession, User
from kernel.identity.permissions import ROLE_LABELS, Permission, Role
from kernel.lists import Column, ListDescription, Order, declare_list
from kernel.uow import unit_of_work
from web.errors import error_message
from web.forms import field_messages, uuid_or_none

bp = Blueprint("people", __name__, url_prefix="/people")
FILTERS = ("q", "role", "state", "organisation")
ROLE_HINTS: dict[Role, str] = {
    Role.PLATFORM_ADMIN: N_("管理机构、平台账号与系统状态，看不到任何机构的试题与考生"),
    Role.ORGANISATION_ADMIN: N_("管理本机构人员、角色、规则方案与审核流程"),
    Role.EDITOR: N_("维护标准与题库，导入、导出、停用试题"),
    Role.AUTHOR: N_("编写试题，只看自己的试题"),
    Role.REVIEWER: N_("审核他人编写的试题"),
    Role.ASSEMBLER: N_("维护组卷蓝图并组卷"),
    Role.FORM_APPROVER: N_("审核并封存试卷"),
    Role.EXAM_OFFICER: N_("编排考试，发布成绩"),
    Role.INVIGILATOR: N_("在所分配的考场监考"),
    Role.CHIEF_INVIGILATOR: N_("掌握全部考场，处理延时与异常"),
    Role.MARKER: N_("评阅主观题"),
    Role.ASSESSOR: N_("录入技能考核成绩"),
    Role.CERTIFICATION_OFFICER: N_("合格判定、公示、证书发放与撤销"),
    Role.SUPERVISOR: N_("查看与督导，不能修改"),
}


def _held_roles(person: User) -> str:
    return "、".join(str(_(ROLE_LABELS[held.role])) for held in sorted(person.roles, key=lambda held: held.role))


def _state(person: User) -> str:
    words = [_("启用") if person.is_active else _("停用")]
    if person.must_change_password:
        words.append(_("一次性密码"))
    return "，".join(words)


LIST: ListDescription[User] = declare_list(
    ListDescription(
        key="users",
        title=N_("人员"),
        columns=(
            Column("name", N_("姓名"), lambda person: person.name, is_fixed=True, is_sortable=True),
            Column("username", N_("登录名"), lambda person: person.username, is_sortable=True),
            Column("roles", N_("角色"), _held_roles),
            Column("organisation", N_("机构"), lambda one: one.organisation.name if one.organisation else _("平台")),
            Column("state", N_("状态"), _state, is_sortable=True),
            Column("last", N_("最近登录"), lambda person: person.last_sign_in_at, is_sortable=True),
            Column("created", N_("建立时间"), lambda person: person.created_at, is_default=False, is_sortable=True),
        ),
        filters=FILTERS,
        readers=(Permission.USER_MANAGE,),
        sharers=(Permission.USER_MANAGE,),
        order=Order("username"),
    )
)


@dataclass(frozen=True, slots=True)
class PeopleListPage:
    """People inside the reader's walls."""

    listing: Listing[User]
    people: Sequence[User]
    paging: Paging
    filters: dict[str, str]
    role_labels: dict[Role, str]
    organisations: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class NewPersonPage:
    """The form for a new person."""

    values: dict[str, str]
    roles: list[str]
    role_options: list[tuple[str, str, str]]
    organisations: list[tuple[str, str]]
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OneTimePasswordPage:
    """A one-time password, shown once."""

    person: User
    password: str


@dataclass(frozen=True, slots=True)
class PersonPage:
    """One person."""

    person: User
    is_self: bool
    role_labels: dict[Role, str]
    role_options: list[tuple[str, str, str]]
    sessions: Sequence[AuthSession]
    errors: dict[str, list[str]] = field(default_factory=dict)


def role_labels() -> dict[Role, str]:
    """Return the names of all roles in the reader's language."""
    return {role: _(label) for role, label in ROLE_LABELS.items()}


def role_options(*, is_platform: bool, is_organisation: bool) -> list[tuple[str, str, str]]:
    """Return the roles that can be given, each with what it may do."""
    return [
        (role.value, _(label), _(ROLE_HINTS[role]))
        for role, label in ROLE_LABELS.items()
        if (is_platform if role is Role.PLATFORM_ADMIN else is_organisation)
    ]


def organisation_options(actor: Actor) -> list[tuple[str, str]]:
    """Return the organisations to choose from; an organisation's own people have no choice."""
    if actor.organisation_id is not None:
        return []
    return [(str(row.organisation_id), row.name) for row in repository.list_organisations(db.session())]


@bp.get("/")
@requires(Permission.USER_MANAGE)
def index() -> tuple[str, int] | Response:
    """List people."""
    listing, paging = open_list(LIST), paging_from_request()
    if away := begin_with_view(listing):
        return away
    people, total = _people(db.session(), listing, paging)
    options = organisation_options(current_actor())
    return render_page(
        "people/list.html", PeopleListPage(listing, people, paging.of(total), _wanted(), role_labels(), options)
    )


def _wanted() -> dict[str, str]:
    return {name: request.args.get(name, "").strip() for name in FILTERS}


def _people(session: Session, listing: Listing[User], paging: Paging) -> tuple[Sequence[User], int]:
    return repository.list_users(
        session, actor=current_actor(), page=paging.page, per_page=paging.per_page, narrowed=_filter(_wanted()),
        order=listing.order,
    )  # fmt: skip


@bp.post("/shown")
@requires(Permission.USER_MANAGE)
def export_shown() -> Response:
    """Download the people with the columns, filters and order that are shown."""
    listing = open_list(LIST)
    return send_list(listing, lambda: _people(db.session(), listing, EVERYTHING), {})


def _filter(filters: dict[str, str]) -> repository.UserFilter:
    return repository.UserFilter(
        search=filters["q"],
        role=Role(filters["role"]) if filters["role"] in {role.value for role in Role} else None,
        is_active={"active": True, "disabled": False}.get(filters["state"]),
        organisation_id=uuid_or_none(filters["organisation"]),
    )


@bp.get("/new")
@requires(Permission.USER_MANAGE)
def new() -> tuple[str, int]:
    """Show the form for a new person."""
    return render_page("people/new.html", _new_page({"organisation": request.args.get("organisation", "")}, [], {}))


def _new_page(values: dict[str, str], roles: list[str], errors: dict[str, list[str]]) -> NewPersonPage:
    actor = current_actor()
    whole = {"username": "", "name": "", "organisation": ""} | values
    options = role_options(is_platform=actor.organisation_id is None, is_organisation=True)
    return NewPersonPage(whole, roles, options, organisation_options(actor), errors)


@bp.post("/")
@requires(Permission.USER_MANAGE)
def create() -> tuple[str, int]:
    """Create a person and show the one-time password once."""
    values = {name: request.form.get(name, "").strip() for name in ("username", "name", "organisation")}
    roles = request.form.getlist("roles")
    try:
        with unit_of_work(current_actor()) as uow:
            user, password = services.create_user(
                uow, username=values["username"], name=values["name"], roles=_roles(roles),
                organisation_id=uow.actor.organisation_id or uuid_or_none(values["organisation"]),
            )  # fmt: skip
    except ConflictError as exc:  # the one thing about a new person that somebody else may have
        taken = {"username": [error_message(exc)]}
        return render_page("people/new.html", _new_page(values, roles, taken), status=exc.http_status)
    except InvalidInputError as exc:
        return render_page("people/new.html", _new_page(values, roles, _errors(exc)), status=exc.http_status)
    return render_page("people/password.html", OneTimePasswordPage(user, password))


def _roles(names: list[str]) -> list[Role]:
    known = {role.value for role in Role}
    return [Role(name) for name in names if name in known]


def _errors(exc: DomainError) -> dict[str, list[str]]:
    return field_messages(exc) or {"": [error_message(exc)]}


@bp.get("/<uuid:user_id>")
@requires(Permission.USER_MANAGE)
def detail(user_id: uuid.UUID) -> tuple[str, int]:
    """Show one person."""
    return render_page("people/detail.html", _person_page(user_id, {}))


def _person_page(user_id: uuid.UUID, errors: dict[str, list[str]]) -> PersonPage:
    actor = current_actor()
    user = repository.get_user(db.session(), user_id, actor=actor)
    is_platform = user.organisation_id is None
    return PersonPage(
        person=user,
        is_self=user.user_id == actor.user_id,
        role_labels=role_labels(),
        role_options=role_options(is_platform=is_platform, is_organisation=not is_platform),
        sessions=repository.list_sessions_of(db.session(), user_id, at=now()),
        errors=errors,
    )


@bp.post("/<uuid:user_id>")
@requires(Permission.USER_MANAGE)
def update(user_id: uuid.UUID) -> tuple[str, int] | Response:
    """Change name and roles."""
    try:
        with unit_of_work(current_actor()) as uow:
            services.rename_user(uow, user_id, name=request.form.get("name", "").strip())
            services.set_roles(uow, user_id, _roles(request.form.getlist("roles")))
    except (InvalidInputError, ConflictError) as exc:
        return render_page("people/detail.html", _person_page(user_id, _errors(exc)), status=exc.http_status)
    return redirect_with_message(url_for("people.detail", user_id=user_id), _("已保存，新的角色在对方下次操作时生效"))


@bp.post("/<uuid:user_id>/disable")
@requires(Permission.USER_MANAGE)
def disable(user_id: uuid.UUID) -> Response:
    """Disable a person and end all sessions at once."""
    with unit_of_work(current_actor()) as uow:
        services.set_active(uow, user_id, is_active=False)
    return redirect_with_message(url_for("people.detail", user_id=user_id), _("账号已停用，所有登录已结束"))


@bp.post("/<uuid:user_id>/enable")
@requires(Permission.USER_MANAGE)
def enable(user_id: uuid.UUID) -> Response:
    """Let a person sign in again."""
    with unit_of_work(current_actor()) as uow:
        services.set_active(uow, user_id, is_active=True)
    return redirect_with_message(url_for("people.detail", user_id=user_id), _("账号已启用"))


@bp.post("/<uuid:user_id>/password")
@requires(Permission.USER_MANAGE)
def reset_password(user_id: uuid.UUID) -> tuple[str, int]:
    """Give a one-time password and show it once."""
    with unit_of_work(current_actor()) as uow:
        password = services.reset_password(uow, user_id)
        user = repository.get_user(uow.session, user_id, actor=uow.actor)
    return render_page("people/password.html", OneTimePasswordPage(user, password))


@bp.post("/<uuid:user_id>/sessions/end")
@requires(Permission.USER_MANAGE)
def end_sessions(user_id: uuid.UUID) -> Response:
    """End every session of a person."""
    with unit_of_work(current_actor()) as uow:
        repository.get_user(uow.session, user_id, actor=uow.actor)
        services.end_all_sessions(uow, user_id)
    return redirect_with_message(url_for("people.detail", user_id=user_id), _("该账号的所有登录已结束"))
