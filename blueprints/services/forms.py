"""The way of a form: review by a second person, approval, sealing, withdrawal."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import ExamForm, FormPackage
from blueprints.rules.states import FormAct, FormStatus, after, may
from blueprints.services import recusal, sealing
from blueprints.services.bank import authors_of
from blueprints.services.bench import load_bench
from blueprints.services.notices import refuse_held
from blueprints.services.quality import form_copies, refuse_copies
from blueprints.services.runs import note_decision
from blueprints.services.versions import refuse_unapproved_version
from kernel import audit
from kernel.clock import now
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank import public as qbank
from qbank.public_changes import find_outside_edition

LONGEST_COMMENT = 1000
GOING_OUT = frozenset({FormAct.SUBMIT, FormAct.APPROVE, FormAct.SEAL})
"""The acts that near-copies in a form stand against."""
SHOWN_RULES = 5


class OwnWorkError(ForbiddenError):
    """Nobody approves a form that they assembled, or whose items they wrote."""

    code = "own_work"


def submit_form(uow: UnitOfWork, form_id: uuid.UUID, *, comment: str = "") -> ExamForm:
    """Send a draft to review."""
    require(uow.actor, Permission.FORM_ASSEMBLE)
    _refuse_broken(uow, form_id)
    form = _step(uow, form_id, FormAct.SUBMIT, comment)
    refuse_copies(form_copies(uow.session, uow.actor, form))
    form.submitted_by = uow.actor.user_id
    return form


def _refuse_broken(uow: UnitOfWork, form_id: uuid.UUID) -> None:
    """Refuse a draft that hand work left at odds with its blueprint; one that no blueprint made has no rules."""
    form = repository.lock_form(uow.session, form_id, actor=uow.actor)
    if form.status is not FormStatus.DRAFT or not repository.last_change_number(uow.session, form_id):
        return
    waived = waived_rules(uow.session, uow.actor, form)
    broken = [check for check in load_bench(uow.session, uow.actor, form).broken() if check.constraint not in waived]
    if broken:
        rules = "；".join(str(check.text) for check in broken[:SHOWN_RULES])
        raise ConflictError(N_("试卷还不符合蓝图：%(rules)s。请在“手工调整”中补齐后再提交"), rules=rules)


def waived_rules(session: Session, actor: Actor, form: ExamForm) -> frozenset[str]:
    """Return the rules that a form made elsewhere was taken in without, as somebody gave reasons."""
    if form.assembly_run_id is None:
        return frozenset()
    run = repository.get_run(session, form.assembly_run_id, actor=actor)
    return frozenset(((run.result or {}).get("checked") or {}).get("waived") or ())


def return_form(uow: UnitOfWork, form_id: uuid.UUID, *, comment: str) -> ExamForm:
    """Send a form back to its assembler; the comment says what to mend."""
    require(uow.actor, Permission.FORM_APPROVE)
    return _step(uow, form_id, FormAct.RETURN, needed(comment, N_("请写明退回的原因，组卷员将据此修改")))


def approve_form(uow: UnitOfWork, form_id: uuid.UUID, *, comment: str = "") -> ExamForm:
    """Approve a form as a second person who wrote none of its items."""
    require(uow.actor, Permission.FORM_APPROVE)
    form = repository.lock_form(uow.session, form_id, actor=uow.actor)
    if found := refusal(uow.session, uow.actor, form):
        raise found
    form = _step(uow, form_id, FormAct.APPROVE, comment)
    refuse_copies(form_copies(uow.session, uow.actor, form))
    form.approved_by = uow.actor.user_id
    return form


def refusal(session: Session, actor: Actor, form: ExamForm) -> ForbiddenError | None:
    """Return why this person may not approve a form whose slots are loaded, or None."""
    makers, authors = _makers(session, form), authors_of(session, actor, form)
    if actor.user_id is not None and actor.user_id in makers:
        return OwnWorkError(N_("试卷须由第二人批准：您组成或提交了这份试卷，请由其他审卷人处理"))
    if actor.user_id in authors:
        return OwnWorkError(N_("您是这份试卷中试题的命题人，请由没有参与命题的审卷人处理"))
    return recusal.why_not_approve(session, actor, form, authors=authors, makers=makers - {None})


def _makers(session: Session, form: ExamForm) -> set[uuid.UUID | None]:
    """Return who assembled, changed or submitted a form."""
    steps = repository.list_decisions(session, form.exam_form_id)
    return {form.created_by, *(step.decided_by for step in steps if step.act in recusal.MAKING)}


def seal_form(uow: UnitOfWork, form_id: uuid.UUID) -> FormPackage:
    """Seal an approved form: build and encrypt both documents, count the use of its items; never to be changed again."""
    require(uow.actor, Permission.FORM_SEAL)
    recusal.check_opening(uow.session, uow.actor, form_id)
    form = _step(uow, form_id, FormAct.SEAL, "")
    check_one_edition(uow, form)
    refuse_unapproved_version(uow, form)
    refuse_held(uow, form)
    refuse_copies(form_copies(uow.session, uow.actor, form))
    package = sealing.package_of(uow, form)
    uow.add(package)
    uow.flush()  # the unique constraint must speak before the items count as used
    qbank.record_use(uow, [slot.item_id for slot in form.slots], used_at=now())
    audit.record(
        uow, "form_package.create", "form_package", package.form_package_id,
        after={"delivery_digest": package.delivery_digest, "scoring_digest": package.scoring_digest},
    )  # fmt: skip
    return package


def check_one_edition(uow: UnitOfWork, form: ExamForm) -> None:
    """Refuse a form that holds items of another edition than its own."""
    versions = [slot.item_version_id for slot in form.slots]
    if codes := find_outside_edition(uow.session, uow.actor, form.standard_level_id, versions):
        raise ConflictError(
            N_("试卷中的 %(codes)s 不属于本试卷所依据的标准版本，请替换后再封存"), codes="、".join(codes[:10])
        )


def withdraw_form(uow: UnitOfWork, form_id: uuid.UUID, *, reason: str) -> ExamForm:
    """Withdraw a form that no sitting counts on; the package stays as evidence, but can no longer be chosen."""
    form = repository.lock_form(uow.session, form_id, actor=uow.actor)
    is_sealed = form.status in (FormStatus.SEALED, FormStatus.APPROVED)
    require(uow.actor, Permission.FORM_SEAL if is_sealed else Permission.FORM_ASSEMBLE)
    used_by = repository.list_reservations(uow.session, form_id)
    if used_by:
        raise ConflictError(N_("试卷已被 %(n)s 个场次选用，不能撤回；请先在场次中改用其他试卷"), n=len(used_by))
    return _step(uow, form_id, FormAct.WITHDRAW, needed(reason, N_("请写明撤回的原因")))


def belongs_to_set(form: ExamForm) -> bool:
    """Say whether a form stands and falls with its set; one that takes a sealed form's place goes its own way."""
    return form.form_set_id is not None and form.replaces_form_id is None


def possible_acts(form: ExamForm, actor: Actor) -> set[FormAct]:
    """Return the acts that the form's state and the actor's permissions allow; none alone for a form of a set."""
    if belongs_to_set(form):
        return set()
    late = form.status in (FormStatus.SEALED, FormStatus.APPROVED)
    needed = {
        FormAct.SWAP: Permission.FORM_ASSEMBLE,
        FormAct.SUBMIT: Permission.FORM_ASSEMBLE,
        FormAct.RETURN: Permission.FORM_APPROVE,
        FormAct.APPROVE: Permission.FORM_APPROVE,
        FormAct.SEAL: Permission.FORM_SEAL,
        FormAct.WITHDRAW: Permission.FORM_SEAL if late else Permission.FORM_ASSEMBLE,
    }
    return {act for act, permission in needed.items() if may(act, form.status) and actor.may(permission)}


def _step(uow: UnitOfWork, form_id: uuid.UUID, act: FormAct, comment: str) -> ExamForm:
    form = repository.lock_form(uow.session, form_id, actor=uow.actor)
    if belongs_to_set(form):
        raise ConflictError(N_("这份试卷属于一人一卷的卷组，请在卷组页面上一并处理"))
    form.status = after(act, form.status)
    note_decision(uow, form, act, comment.strip()[:LONGEST_COMMENT])
    return form


def needed(text: str, message: str) -> str:
    """Return a text that must not be empty; `message` says what to write."""
    if not text.strip():
        raise InvalidInputError(message, fields={"comment": [message]})
    return text
