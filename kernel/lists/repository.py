"""Finding views and choices inside the actor's walls."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User
from kernel.lists.models import ListChoice, SavedView

MOST_VIEWS = 100


def find_choice(session: Session, list_key: str, *, actor: Actor) -> ListChoice | None:
    """Return what a person chose for a list, if anything."""
    return session.get(ListChoice, (actor.user_id, list_key)) if actor.user_id else None


def _visible(actor: Actor) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        SavedView.organisation_id == actor.organisation_id,
        or_(SavedView.owner_id == actor.user_id, SavedView.is_shared.is_(True)),
    )


def count_own(session: Session, list_key: str, *, actor: Actor) -> int:
    """Return how many views of a list a person keeps."""
    query = select(func.count()).select_from(SavedView)
    return session.scalar(query.where(SavedView.list_key == list_key, SavedView.owner_id == actor.user_id)) or 0


def choice_and_views(
    session: Session, list_key: str, *, actor: Actor
) -> tuple[ListChoice | None, Sequence[tuple[SavedView, str]]]:
    """Return what a person chose for a list, and the views there are for this person with their owners' names.

    Both come in one query, for every page of every list asks.
    """
    me, owner = aliased(User), aliased(User)
    query = (
        select(ListChoice, SavedView, owner.name)
        .select_from(me)
        .outerjoin(ListChoice, and_(ListChoice.user_id == me.user_id, ListChoice.list_key == list_key))
        .outerjoin(SavedView, and_(SavedView.list_key == list_key, *_visible(actor)))
        .outerjoin(owner, owner.user_id == SavedView.owner_id)
        .where(me.user_id == actor.user_id)
        .order_by(SavedView.name, SavedView.saved_view_id)
        .limit(MOST_VIEWS)
    )
    rows = session.execute(query).all()
    views = [(row[1], row[2] or "") for row in rows if row[1] is not None]
    return rows[0][0] if rows else None, views


def get_view(session: Session, list_key: str, saved_view_id: uuid.UUID, *, actor: Actor) -> SavedView:
    """Return a view of a list, one's own or one that others share; raises NotFoundError for all else."""
    query = select(SavedView).where(
        SavedView.saved_view_id == saved_view_id, SavedView.list_key == list_key, *_visible(actor)
    )
    found = session.scalar(query)
    if found is None:
        raise NotFoundError(N_("没有这个视图，可能已被删除"))
    return found


def get_own_view(session: Session, list_key: str, saved_view_id: uuid.UUID, *, actor: Actor) -> SavedView:
    """Return a view of one's own; raises NotFoundError for those of others."""
    found = get_view(session, list_key, saved_view_id, actor=actor)
    if found.owner_id != actor.user_id:
        raise NotFoundError(N_("没有这个视图，可能已被删除"))
    return found


def find_own_view(session: Session, list_key: str, name: str, *, actor: Actor) -> SavedView | None:
    """Return a view of one's own by its name, if there is one."""
    query = select(SavedView).where(
        SavedView.organisation_id == actor.organisation_id,
        SavedView.owner_id == actor.user_id,
        SavedView.list_key == list_key,
        SavedView.name == name,
    )
    return session.scalar(query)
