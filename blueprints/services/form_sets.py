"""Sets of forms, one for each candidate: taken over, reviewed, approved, sealed and withdrawn as one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints import repository_sets as stored
from blueprints.models import FormSet
from blueprints.rules.fly_outcomes import dealt_items, set_label
from blueprints.rules.states import FormAct, FormStatus, after, may
from blueprints.services import recusal, sealing
from blueprints.services.forms import LONGEST_COMMENT, OwnWorkError, check_one_edition, needed
from blueprints.services.notices import refuse_held
from blueprints.services.quality import refuse_copies, set_copies
from blueprints.services.runs import begin_acceptance, form_values, slot_values
from blueprints.services.versions import refuse_unapproved_version
from item_templates import registry
from kernel import audit
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.uow import UnitOfWork
from qbank import public as qbank

SEAL_JOB = "blueprints.seal_set"
AT_ONCE = 4
"""Forms sealed in one transaction: few, so that whoever else writes never waits for long."""
ACTS: dict[FormAct, Permission] = {
    FormAct.SUBMIT: Permission.FORM_ASSEMBLE,
    FormAct.RETURN: Permission.FORM_APPROVE,
    FormAct.APPROVE: Permission.FORM_APPROVE,
    FormAct.SEAL: Permission.FORM_SEAL,
    FormAct.WITHDRAW: Permission.FORM_ASSEMBLE,
}


def accept_set(uow: UnitOfWork, run_id: uuid.UUID, *, name: str = "") -> FormSet:
    """Take the forms of a draw of one form a candidate over as drafts of one set."""
    origin = begin_acceptance(uow, run_id, name)
    run, result = origin.run, origin.run.result or {}
    forms = [dealt_items(result, index) for index in range(len(result["dealt"]))]
    n_slots = _slots_by_item(uow, result["catalogue"])
    slots = [slot_values(items) for items in forms]
    row = FormSet(
        form_set_id=new_id(), organisation_id=run.organisation_id, assembly_run_id=run_id,
        standard_level_id=run.standard_level_id, occupation_name=origin.level.occupation_name,
        level_name=origin.level.level_name, name=origin.name, n_forms=len(forms), duration_minutes=origin.duration_minutes,
        n_slots=sum(n_slots[item["version"]] for item in forms[0]), total_score=_total(slots[0]),
        created_by=uow.actor.user_id, created_at=now(), updated_at=now(),
    )  # fmt: skip
    uow.add(row)
    common = form_values(uow, origin) | {"form_set_id": row.form_set_id}
    rows: list[dict[str, Any]] = [
        {
            **common, "exam_form_id": new_id(), "label": set_label(number), "total_score": _total(places),
            "n_slots": sum(n_slots[item["version"]] for item in items),
        }
        for number, (items, places) in enumerate(zip(forms, slots, strict=True), 1)
    ]  # fmt: skip
    stored.add_forms(
        uow.session, rows,
        [place | {"exam_form_id": form["exam_form_id"]} for form, places in zip(rows, slots, strict=True) for place in places],
    )  # fmt: skip
    run.accepted_at = now()
    _note(uow, row, FormAct.ACCEPT, "", {})
    return row


def _slots_by_item(uow: UnitOfWork, catalogue: list[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many slots each item version fills in a form."""
    contents = qbank.load_contents(uow.session, uow.actor, [uuid.UUID(item["version"]) for item in catalogue])
    return {
        str(key): len(registry.get(one.content.type).freeze(one.content, 0)) for key, one in contents.items()
    }  # fmt: skip


def _total(places: list[dict[str, Any]]) -> Decimal:
    return sum((place["score"] for place in places), Decimal(0))


def submit_set(uow: UnitOfWork, form_set_id: uuid.UUID, *, comment: str = "") -> FormSet:
    """Send all drafts of a set to review."""
    require(uow.actor, Permission.FORM_ASSEMBLE)
    _refuse_copies(uow, form_set_id)
    return _step(uow, form_set_id, FormAct.SUBMIT, comment, {"submitted_by": uow.actor.user_id})


def return_set(uow: UnitOfWork, form_set_id: uuid.UUID, *, comment: str) -> FormSet:
    """Send a set back to its assembler; the comment says what to mend."""
    require(uow.actor, Permission.FORM_APPROVE)
    return _step(uow, form_set_id, FormAct.RETURN, needed(comment, N_("请写明退回的原因，组卷员将据此修改")))


def approve_set(uow: UnitOfWork, form_set_id: uuid.UUID, *, comment: str = "") -> FormSet:
    """Approve all forms of a set as a second person who wrote none of their items."""
    require(uow.actor, Permission.FORM_APPROVE)
    row = stored.lock_set(uow.session, form_set_id, actor=uow.actor)
    if found := refusal(uow.session, uow.actor, row):
        raise found
    _refuse_copies(uow, form_set_id)
    return _step(uow, form_set_id, FormAct.APPROVE, comment, {"approved_by": uow.actor.user_id})


def _refuse_copies(uow: UnitOfWork, form_set_id: uuid.UUID) -> None:
    row = stored.get_set(uow.session, form_set_id, actor=uow.actor)
    refuse_copies(set_copies(uow.session, uow.actor, row.form_set_id))


def refusal(session: Session, actor: Actor, row: FormSet) -> ForbiddenError | None:
    """Return why this person may not approve a set, or None."""
    makers = {row.created_by, *stored.makers_of_set(session, row.form_set_id, recusal.MAKING)}
    contents = qbank.load_contents(session, actor, stored.versions_of_set(session, row.form_set_id))
    authors = {item.author_id for item in contents.values() if item.author_id}
    if actor.user_id is not None and actor.user_id in makers:
        return OwnWorkError(N_("试卷须由第二人批准：您组成或提交了这份试卷，请由其他审卷人处理"))
    if actor.user_id in authors:
        return OwnWorkError(N_("您是这份试卷中试题的命题人，请由没有参与命题的审卷人处理"))
    first = stored.members(session, row.form_set_id, limit=1)[0]
    return recusal.why_not_approve(session, actor, first, authors=authors, makers=makers - {None})


def request_sealing(uow: UnitOfWork, form_set_id: uuid.UUID) -> FormSet:
    """Publish the job that seals every form of an approved set; a job that broke off goes on where it stopped."""
    require(uow.actor, Permission.FORM_SEAL)
    row = stored.lock_set(uow.session, form_set_id, actor=uow.actor)
    after(FormAct.SEAL, row.status)
    first = stored.members(uow.session, form_set_id, limit=1)[0]
    recusal.check_opening(uow.session, uow.actor, first.exam_form_id)
    refuse_unapproved_version(uow, first)
    refuse_copies(set_copies(uow.session, uow.actor, form_set_id))
    job = enqueue(
        uow, SEAL_JOB, {"form_set_id": str(form_set_id)}, title=f"封存：{row.name}", unique_key=f"{SEAL_JOB}:{form_set_id}"
    )  # fmt: skip
    row.job_id, row.updated_at = job.job_id, now()
    return row


def seal_some(uow: UnitOfWork, form_set_id: uuid.UUID) -> int:
    """Seal some more forms of a set; return how many, 0 once none is left."""
    require(uow.actor, Permission.FORM_SEAL)
    keys = stored.next_to_seal(uow.session, form_set_id, AT_ONCE)
    for key in keys:
        form = repository.lock_form(uow.session, key, actor=uow.actor)
        check_one_edition(uow, form)
        refuse_held(uow, form)
        form.status, form.updated_at = after(FormAct.SEAL, form.status), now()
        package = sealing.package_of(uow, form)
        uow.add(package)
        uow.flush()
        digests = {"delivery_digest": package.delivery_digest, "scoring_digest": package.scoring_digest}
        audit.record(uow, "form_package.create", "form_package", package.form_package_id, after=digests)
    return len(keys)


def finish_sealing(uow: UnitOfWork, form_set_id: uuid.UUID) -> FormSet:
    """Declare a set sealed once every form is; each of its items counts as used once."""
    row = stored.lock_set(uow.session, form_set_id, actor=uow.actor)
    if stored.next_to_seal(uow.session, form_set_id, 1):
        raise ConflictError(N_("卷组还有试卷没有封存，请重新封存"))
    row.status = after(FormAct.SEAL, row.status)
    qbank.record_use(uow, list(stored.items_of_set(uow.session, form_set_id)), used_at=now())
    _note(uow, row, FormAct.SEAL, "", {})
    return row


def withdraw_set(uow: UnitOfWork, form_set_id: uuid.UUID, *, reason: str) -> FormSet:
    """Withdraw all forms of a set that no sitting counts on."""
    row = stored.lock_set(uow.session, form_set_id, actor=uow.actor)
    require(uow.actor, _needed_to_withdraw(row))
    if n := stored.count_reserved(uow.session, form_set_id):
        raise ConflictError(N_("试卷已被 %(n)s 个场次选用，不能撤回；请先在场次中改用其他试卷"), n=n)
    return _step(uow, form_set_id, FormAct.WITHDRAW, needed(reason, N_("请写明撤回的原因")))


def reopen_set(uow: UnitOfWork, form_set_id: uuid.UUID) -> None:
    """Let an approved set be reviewed again, because an item of one of its forms was replaced."""
    row = stored.lock_set(uow.session, form_set_id, actor=uow.actor)
    if row.status is FormStatus.APPROVED:
        row.status, row.updated_at = FormStatus.IN_REVIEW, now()
        _note(uow, row, FormAct.SUBMIT, "试题停用，重新审核", {"status": FormStatus.IN_REVIEW, "approved_by": None})


def possible_acts(row: FormSet, actor: Actor) -> set[FormAct]:
    """Return the acts that the set's state and the actor's permissions allow."""
    required = ACTS | {FormAct.WITHDRAW: _needed_to_withdraw(row)}
    return {act for act, permission in required.items() if may(act, row.status) and actor.may(permission)}


def _needed_to_withdraw(row: FormSet) -> Permission:
    late = row.status in (FormStatus.SEALED, FormStatus.APPROVED)
    return Permission.FORM_SEAL if late else Permission.FORM_ASSEMBLE


def _step(
    uow: UnitOfWork, form_set_id: uuid.UUID, act: FormAct, comment: str, values: Mapping[str, Any] | None = None
) -> FormSet:
    row = stored.lock_set(uow.session, form_set_id, actor=uow.actor)
    row.status, row.updated_at = after(act, row.status), now()
    _note(uow, row, act, comment.strip()[:LONGEST_COMMENT], {"status": row.status, **(values or {})})
    return row


def _note(uow: UnitOfWork, row: FormSet, act: FormAct, comment: str, values: Mapping[str, Any]) -> None:
    """Add a step to the history of every form of the set, and once to the audit chain."""
    audit.record(
        uow, f"form_set.{act.value}", "form_set", row.form_set_id,
        after={"status": row.status.value, "n_forms": row.n_forms}, reason=comment or None,
    )  # fmt: skip
    decision = {
        "act": act, "comment": comment, "decided_by": uow.actor.user_id, "decided_by_name": uow.actor.name[:100],
        "decided_at": now(),
    }  # fmt: skip
    stored.step_members(uow.session, row.form_set_id, {**values, "updated_at": now()}, decision)
