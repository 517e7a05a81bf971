"""Keeping, sharing and removing views, and choosing columns."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import update

from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.lists import repository
from kernel.lists.description import ListDescription, Row
from kernel.lists.exporting import MOST_ROWS, write_list
from kernel.lists.models import ListChoice, SavedView
from kernel.uow import UnitOfWork

MOST_OWN_VIEWS = 50


def save_view(
    uow: UnitOfWork,
    description: ListDescription[Any],
    *,
    name: str,
    parameters: Mapping[str, str],
    is_shared: bool = False,
) -> SavedView:
    """Keep filters, order and columns under a name; one's own view of that name is replaced."""
    _require_reader(uow, description)
    if is_shared:
        _require_sharer(uow, description)
    name = _checked_name(name)
    view = repository.find_own_view(uow.session, description.key, name, actor=uow.actor)
    if view is None:
        view = _new_view(uow, description.key, name)
    view.parameters, view.is_shared = dict(parameters), is_shared
    after = {"list": description.key, "shared": is_shared, "parameters": sorted(parameters)}
    audit.record(uow, "saved_view.save", "saved_view", view.saved_view_id, after=after)
    return view


def _require_reader(uow: UnitOfWork, description: ListDescription[Any]) -> uuid.UUID:
    if uow.actor.user_id is None or not description.may_read(uow.actor):
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"), permission=description.readers[0].value)
    return uow.actor.user_id


def _require_sharer(uow: UnitOfWork, description: ListDescription[Any]) -> None:
    if not description.may_share(uow.actor):
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"), permission=description.sharers[0].value)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 40:
        message = N_("视图名称为 1～40 个字")
        raise InvalidInputError(message, fields={"name": [message]})
    return name


def _new_view(uow: UnitOfWork, list_key: str, name: str) -> SavedView:
    if repository.count_own(uow.session, list_key, actor=uow.actor) >= MOST_OWN_VIEWS:
        raise InvalidInputError(N_("每个列表最多保存 %(n)s 个视图，请先删除不用的"), n=MOST_OWN_VIEWS)
    view = SavedView(
        saved_view_id=new_id(), organisation_id=uow.actor.organisation_id, owner_id=uow.actor.user_id,
        list_key=list_key, name=name, parameters={}, is_shared=False, created_at=now(),
    )  # fmt: skip
    uow.add(view)
    return view


def _own_view(uow: UnitOfWork, description: ListDescription[Any], saved_view_id: uuid.UUID) -> SavedView:
    return repository.get_own_view(uow.session, description.key, saved_view_id, actor=uow.actor)


def rename_view(uow: UnitOfWork, description: ListDescription[Any], saved_view_id: uuid.UUID, name: str) -> SavedView:
    """Give a view of one's own another name."""
    view, name = _own_view(uow, description, saved_view_id), _checked_name(name)
    other = repository.find_own_view(uow.session, view.list_key, name, actor=uow.actor)
    if other is not None and other is not view:
        raise ConflictError(N_("您已有同名的视图，请换一个名称"))
    view.name = name
    audit.record(uow, "saved_view.rename", "saved_view", saved_view_id, after={"list": view.list_key})
    return view


def share_view(
    uow: UnitOfWork, description: ListDescription[Any], saved_view_id: uuid.UUID, *, is_shared: bool
) -> SavedView:
    """Offer a view of one's own to the organisation, or take any back from it: the owner keeps it.

    Those who may share may also withdraw what a colleague shared: people leave, their views would stay for ever.
    """
    _require_sharer(uow, description)
    find = repository.get_own_view if is_shared else repository.get_view
    view = find(uow.session, description.key, saved_view_id, actor=uow.actor)
    view.is_shared = is_shared
    if not is_shared:
        _forget_default(uow, view, kept_by=view.owner_id)
    after = {"list": view.list_key, "shared": is_shared}
    audit.record(uow, "saved_view.share", "saved_view", saved_view_id, after=after)
    return view


def remove_view(uow: UnitOfWork, description: ListDescription[Any], saved_view_id: uuid.UUID) -> SavedView:
    """Throw away a view of one's own."""
    view = _own_view(uow, description, saved_view_id)
    _forget_default(uow, view)
    uow.session.flush()
    uow.session.delete(view)
    audit.record(uow, "saved_view.remove", "saved_view", saved_view_id, after={"list": view.list_key})
    return view


def _forget_default(uow: UnitOfWork, view: SavedView, kept_by: uuid.UUID | None = None) -> None:
    """Open the list of those who began with this view, which they see no longer, as the house does."""
    chosen = update(ListChoice).where(ListChoice.default_view_id == view.saved_view_id)
    if kept_by is not None:
        chosen = chosen.where(ListChoice.user_id != kept_by)
    uow.session.execute(chosen.values(default_view_id=None))


def choose_columns(uow: UnitOfWork, description: ListDescription[Any], keys: Collection[str] | None) -> None:
    """Keep which columns a person wants to see in a list; None takes those of the house again."""
    choice = _choice(uow, description)
    choice.columns = None if keys is None else [one.key for one in description.columns if one.key in keys]


def choose_default(uow: UnitOfWork, description: ListDescription[Any], saved_view_id: uuid.UUID | None) -> None:
    """Let a list open with a view for this person, or with none."""
    choice = _choice(uow, description)
    if saved_view_id is not None:
        repository.get_view(uow.session, description.key, saved_view_id, actor=uow.actor)
    choice.default_view_id = saved_view_id


def _choice(uow: UnitOfWork, description: ListDescription[Any]) -> ListChoice:
    user_id = _require_reader(uow, description)
    found = repository.find_choice(uow.session, description.key, actor=uow.actor)
    if found is None:
        found = ListChoice(user_id=user_id, list_key=description.key, columns=None, default_view_id=None)
        uow.add(found)
    return found


def write_rows(
    description: ListDescription[Row],
    columns: Sequence[str],
    rows: Sequence[Row],
    total: int,
    *,
    titles: Sequence[str],
    fmt: str,
) -> bytes:
    """Return exactly what a list shows, all its pages, as a workbook or CSV.

    `titles` are the name of the list and the heads of its columns in the reader's language.

    Raises
    ------
    InvalidInputError
        If there are more rows than a file should hold.
    """
    if total > MOST_ROWS:
        raise InvalidInputError(N_("筛选结果超过 %(n)s 条，请缩小范围后再导出"), n=f"{MOST_ROWS:,}")
    shown = description.shown(columns)
    return write_list(titles[0], titles[1:], [[one.value(row) for one in shown] for row in rows], fmt)


def note_export(
    uow: UnitOfWork,
    description: ListDescription[Any],
    *,
    columns: Sequence[str],
    n: int,
    fmt: str,
    told: Mapping[str, object],
) -> None:
    """Let the audit know of an exported list; `told` is what it keeps of the filters, which must hold nobody's data."""
    _require_reader(uow, description)
    shown = [one.key for one in description.shown(columns)]
    after = {"list": description.key, "columns": shown, "n": n, "format": fmt, **told}
    audit.record(uow, "list.export", "list", description.key, after=after)
