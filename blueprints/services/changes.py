"""Writing changes of a draft by hand: every change is kept with what it took and put, and the last can be undone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import ExamForm, FormChange, FormSlot
from blueprints.rules.changes import Place, changed_places, place_of_json, place_to_json
from blueprints.rules.states import CHANGE_LABELS, ChangeKind, FormAct, after
from blueprints.services.bank import load_pool, slot_contents
from blueprints.services.runs import note_decision
from kernel.clock import now
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

FAR = 100_000
"""Added to the numbers of places while they are being numbered anew, so that no two meet."""


class ChangedMeanwhileError(ConflictError):
    """Somebody else changed the form since it was shown; nothing of either's work is lost."""

    code = "form_changed"


def lock_draft(uow: UnitOfWork, form_id: uuid.UUID, *, version: int) -> ExamForm:
    """Return a draft with its places for a change; refused when it changed since the caller saw it."""
    require(uow.actor, Permission.FORM_ASSEMBLE)
    form = repository.lock_form(uow.session, form_id, actor=uow.actor)
    form.status = after(FormAct.SWAP, form.status)
    if form.form_set_id is not None and form.replaces_form_id is None:
        raise ConflictError(N_("一人一卷的试卷不能逐份手工调整，请退回后重新抽取；停用的试题在“暂停使用的试题”中替换"))
    if form.version != version:
        raise ChangedMeanwhileError(N_("试卷已被他人修改，请刷新后重新选择"))
    return form


def place_of(slot: FormSlot) -> Place:
    """Return a slot's place as a value."""
    return Place(
        slot.slot, slot.section, slot.item_id, slot.item_version_id, slot.item_code, slot.type, slot.point,
        slot.importance, slot.difficulty, slot.score, slot.is_locked,
    )  # fmt: skip


def find_place(form: ExamForm, slot: int) -> Place:
    """Return the place with a number; raises NotFoundError."""
    for one in form.slots:
        if one.slot == slot:
            return place_of(one)
    raise NotFoundError(N_("试卷没有第 %(slot)s 题"), slot=slot)


def refuse_locked(place: Place) -> None:
    """Refuse to touch a locked place."""
    if place.is_locked:
        raise ConflictError(N_("第 %(slot)s 题位已锁定，请先解锁"), slot=place.slot)


def change_form(
    uow: UnitOfWork,
    form: ExamForm,
    kind: ChangeKind,
    *,
    take: Sequence[Place],
    put: Sequence[Place],
    undoes: int | None = None,
    comment: str = "",
) -> FormChange:
    """Take places out of a form and put others in, keep the change and note it in history and audit."""
    version, number = form.version, repository.last_change_number(uow.session, form.exam_form_id) + 1
    _write(uow, form, changed_places([place_of(slot) for slot in form.slots], take, put))
    change = FormChange(
        exam_form_id=form.exam_form_id, number=number, kind=kind, before=[place_to_json(one) for one in take],
        after=[place_to_json(one) for one in put], undoes=undoes, form_version=version, changed_by=uow.actor.user_id,
        changed_by_name=uow.actor.name[:100], changed_at=now(),
    )  # fmt: skip
    uow.add(change)
    note_decision(uow, form, FormAct.SWAP, comment or describe(kind, take, put))
    return change


def describe(kind: ChangeKind, take: Sequence[Place], put: Sequence[Place]) -> str:
    """Return a change in words for the history of the form; item codes name the items."""
    gone, come = ("、".join(one.item_code for one in places) for places in (take, put))
    words = f"{gone} → {come}" if gone and come and gone != come else gone or come
    return f"{CHANGE_LABELS[kind]}：{words}"


def _write(uow: UnitOfWork, form: ExamForm, places: Sequence[Place]) -> None:
    """Make a form's slots what the places say; numbers go far away first, for no two slots may share one."""
    wanted = {place.item_id for place in places}
    form.slots = [slot for slot in form.slots if slot.item_id in wanted]
    for slot in form.slots:
        slot.slot += FAR
    uow.flush()
    stay = {slot.item_id: slot for slot in form.slots}
    for place in places:
        if place.item_id in stay:
            stay[place.item_id].slot, stay[place.item_id].is_locked = place.slot, place.is_locked
        else:
            form.slots.append(_slot(place))
    form.updated_at = now()
    uow.flush()
    form.slots.sort(key=lambda slot: slot.slot)
    form.total_score = sum((slot.score for slot in form.slots), Decimal(0))
    form.n_slots = len(slot_contents(uow.session, uow.actor, form))


def _slot(place: Place) -> FormSlot:
    return FormSlot(
        slot=place.slot, section=place.section, item_id=place.item_id, item_version_id=place.item_version_id,
        item_code=place.item_code, type=place.type, point=place.point, importance=place.importance,
        difficulty=place.difficulty, score=place.score, is_locked=place.is_locked,
    )  # fmt: skip


def set_lock(uow: UnitOfWork, form_id: uuid.UUID, *, slot: int, is_locked: bool, version: int) -> ExamForm:
    """Lock a place, so that neither hand nor sweep changes it, or free it again."""
    form = lock_draft(uow, form_id, version=version)
    place = find_place(form, slot)
    if place.is_locked is not is_locked:
        kind = ChangeKind.LOCK if is_locked else ChangeKind.UNLOCK
        change_form(uow, form, kind, take=[place], put=[replace(place, is_locked=is_locked)])
    return form


def undo_change(uow: UnitOfWork, form_id: uuid.UUID, *, version: int) -> FormChange:
    """Take the last change back that still stands; refused when an item that would return is out of use."""
    form = lock_draft(uow, form_id, version=version)
    last = repository.last_standing_change(uow.session, form_id)
    if last is None:
        raise NotFoundError(N_("没有可以撤销的改动"))
    put, take = [place_of_json(row) for row in last.before], [place_of_json(row) for row in last.after]
    _refuse_unusable(uow, form, put)
    return change_form(
        uow, form, ChangeKind.UNDO, take=take, put=put, undoes=last.number,
        comment=f"{CHANGE_LABELS[ChangeKind.UNDO]}：{describe(last.kind, put, take)}",
    )  # fmt: skip


def _refuse_unusable(uow: UnitOfWork, form: ExamForm, put: Sequence[Place]) -> None:
    present = {slot.item_id for slot in form.slots}
    coming = [place for place in put if place.item_id not in present]
    if not coming:
        return
    entries = load_pool(uow.session, uow.actor, form.standard_level_id).entries
    gone = [place.item_code for place in coming if str(place.item_id) not in entries]
    if gone:
        raise ConflictError(N_("不能撤销：试题 %(codes)s 已停用或暂停使用"), codes="、".join(gone))


def changes_since(session: Session, form: ExamForm, version: int) -> Sequence[FormChange]:
    """Return the changes made on a form since the version that somebody saw, oldest first."""
    return [one for one in repository.list_changes(session, form.exam_form_id) if one.form_version >= version]
