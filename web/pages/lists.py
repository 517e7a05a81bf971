"""What people set for a list: columns, views, and the view it opens with. Works without scripts: each act is a form."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, requires_sign_in
from kernel.http.lists import MOST_OF_COLUMNS, MOST_OF_VALUE, ORDER_FIELDS
from kernel.i18n import N_
from kernel.lists import LISTS, ListDescription, services
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("lists", __name__, url_prefix="/lists")


def _description(key: str) -> ListDescription[Any]:
    description = LISTS.get(key)
    if description is None:
        raise NotFoundError(N_("没有这个列表"))
    if not description.may_read(current_actor()):
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"), permission=description.readers[0].value)
    return description


def _back(*without: str) -> str:
    """Return the list's address that the form names, if it is one of ours, with some arguments left out."""
    target = request.form.get("back", "")
    parts = urlsplit(target)
    is_local = target.startswith("/") and not target.startswith("//") and not parts.netloc and "\\" not in target
    if not is_local:
        return url_for("home.index")
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in without]
    return parts.path + (f"?{urlencode(kept)}" if kept else "")


def _do(act: Callable[[UnitOfWork], object], done: str, back: str) -> Response:
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(back, _(exc.template) % exc.context, "danger")
    return redirect_with_message(back, done)


@bp.post("/<key>/columns")
@requires_sign_in
def columns(key: str) -> Response:
    """Keep the ticked columns for this person, or go back to those of the house."""
    description = _description(key)
    wanted = None if request.form.get("reset") else request.form.getlist("column")
    done = _("已恢复默认栏目") if wanted is None else _("栏目已保存，换一台电脑也按此显示")
    return _do(lambda uow: services.choose_columns(uow, description, wanted), done, _back("columns", "page", "cursor"))


@bp.post("/<key>/views")
@requires_sign_in
def save(key: str) -> Response:
    """Keep filters, order and columns of the list's address under a name."""
    description, name = _description(key), request.form.get("name", "")
    shared = request.form.get("shared") == "1"
    return _do(
        lambda uow: services.save_view(uow, description, name=name, parameters=_parameters(description), is_shared=shared),
        _("视图“%(name)s”已保存", name=name.strip()), _back("page", "cursor"),
    )  # fmt: skip


def _parameters(description: ListDescription[Any]) -> dict[str, str]:
    """Return what of the form's address a view keeps: nothing that names a place, nothing that the list does not know."""
    given = dict(parse_qsl(urlsplit(request.form.get("back", "")).query))
    names = (*description.filters, *ORDER_FIELDS)
    kept = {name: value for name in names if (value := given.get(name, "").strip()[:MOST_OF_VALUE])}
    asked = request.form.get("columns", "")[:MOST_OF_COLUMNS].split(",")
    return kept | {"columns": ",".join(one.key for one in description.shown(asked))}


@bp.post("/<key>/default")
@requires_sign_in
def default(key: str) -> Response:
    """Open the list with a view from now on, or with none."""
    description = _description(key)
    wanted = request.form.get("view", type=uuid.UUID)
    done = _("以后打开这个列表先用此视图") if wanted else _("以后打开这个列表不再套用视图")
    return _do(lambda uow: services.choose_default(uow, description, wanted), done, _back())


@bp.post("/<key>/views/<uuid:saved_view_id>/rename")
@requires_sign_in
def rename(key: str, saved_view_id: uuid.UUID) -> Response:
    """Rename a view of one's own."""
    description, name = _description(key), request.form.get("name", "")
    return _do(lambda uow: services.rename_view(uow, description, saved_view_id, name), _("视图已改名"), _back())


@bp.post("/<key>/views/<uuid:saved_view_id>/share")
@requires_sign_in
def share(key: str, saved_view_id: uuid.UUID) -> Response:
    """Offer a view to the organisation, or withdraw it."""
    description, is_shared = _description(key), request.form.get("shared") == "1"
    done = _("视图已共享给全机构") if is_shared else _("视图不再共享，仍留给建立的人")
    return _do(
        lambda uow: services.share_view(uow, description, saved_view_id, is_shared=is_shared), done, _back()
    )  # fmt: skip


@bp.post("/<key>/views/<uuid:saved_view_id>/remove")
@requires_sign_in
def remove(key: str, saved_view_id: uuid.UUID) -> Response:
    """Throw away a view of one's own."""
    description = _description(key)
    return _do(lambda uow: services.remove_view(uow, description, saved_view_id), _("视图已删除"), _back())
