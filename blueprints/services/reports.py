"""Reports of wrong items from those who see forms, not the bank: a slot of a form names an item."""

from __future__ import annotations

import uuid

from blueprints import repository
from blueprints.services.bank import slot_contents
from blueprints.services.sealing import form_title
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import system_actor
from kernel.uow import UnitOfWork
from qbank import public_changes as qbank
from qbank.public_changes import Report, ReportSource


def report_slot_error(
    uow: UnitOfWork, form_id: uuid.UUID, slot: int, *, source: str, text: str, place: str = ""
) -> str:
    """Open a correction case for the item in a slot of a sealed form; return the case's code.

    Parameters
    ----------
    uow : UnitOfWork
        The actor invigilates or marks; who reports learns neither the item's code nor its key.
    form_id : UUID
        A form of the actor's organisation.
    slot : int
        As the delivery document numbers the slots.
    source : str
        ``exam_room`` or ``marker``.
    text : str
        What is wrong.
    place : str, optional
        Session and what else helps to find the spot.

    Raises
    ------
    NotFoundError
        If the form has no such slot.
    """
    form = repository.get_form(uow.session, form_id, actor=uow.actor, with_slots=True)
    program = system_actor(form.organisation_id, name="item report")
    found = next((one for one in slot_contents(uow.session, program, form) if one.slot == slot), None)
    if found is None:
        raise NotFoundError(N_("试卷没有第 %(slot)s 题"), slot=slot)
    where = f"{form_title(form)} 第 {slot} 题 · {place}".removesuffix(" · ")
    report = Report(ReportSource(source), text, found.item_id, found.item_version_id, place=where)
    return qbank.report_error(uow, report)
