"""What an assembler should know of the bank behind a blueprint or form: replaced edition, approval, items in quarantine."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import ExamForm
from blueprints.services.held import find_held
from kernel.clock import today
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.uow import UnitOfWork
from qbank.public_changes import edition_state, unapproved_policy
from qbank.public_pairs import check_state

SHOWN_CODES = 10


class Place(enum.StrEnum):
    """Where in the bank something is done about a notice."""

    APPROVAL = "approval"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class BankNotice:
    """A message with its values; `kind` is that of a notice on a page, `place` says where it is mended."""

    kind: str
    template: str
    values: dict[str, Any]
    place: Place | None = None


def bank_notices(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> list[BankNotice]:
    """Return what stands against new forms of a level, or deserves a look before."""
    return [
        *_edition(session, actor, standard_level_id),
        *_approval(session, actor, standard_level_id),
        *_check(session, actor, standard_level_id),
        *_quarantine(session, actor, standard_level_id),
    ]


def _edition(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Iterator[BankNotice]:
    state = edition_state(session, actor, standard_level_id, on=today())
    if state is not None and state.policy != "allow":
        kind = "danger" if state.policy == "refuse" else "warning"
        template = N_("该等级的标准已换版，新版自 %(day)s 起施行；请使用新版的蓝图")
        yield BankNotice(kind, template, {"day": state.effective_on.isoformat()})


def _approval(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Iterator[BankNotice]:
    policy = unapproved_policy(session, actor, standard_level_id)
    if policy == "refuse":
        template = N_("题库还没有批准启用，不能组卷；请题库管理员在“题库评估”中申请启用，由另一人批准")
        yield BankNotice("danger", template, {}, Place.APPROVAL)
    elif policy == "warn":
        template = N_("题库还没有批准启用，组成的试卷请慎重使用；请题库管理员在“题库评估”中申请启用，由另一人批准")
        yield BankNotice("warning", template, {}, Place.APPROVAL)


def _check(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Iterator[BankNotice]:
    """Say that nobody looked for near-copies: a draw keeps apart what it meets, and where too many are alike it cannot."""
    state = check_state(session, actor, standard_level_id)
    if state.checked_at is None and state.n_since:
        template = N_("这个等级还没有查重：相近的题要到组卷时才发现；请题库管理员先在“查重”中检查并逐对判定")
        yield BankNotice("warning", template, {}, Place.CHECK)
    elif state.n_since:
        template = N_("上次查重以后新增或修改了 %(n)s 题，还没有检查是否相近；请题库管理员在“查重”中重新检查")
        yield BankNotice("info", template, {"n": state.n_since}, Place.CHECK)


def _quarantine(session: Session, actor: Actor, standard_level_id: uuid.UUID) -> Iterator[BankNotice]:
    held = find_held(session, actor)
    for form, codes in repository.unsealed_forms_with(session, list(held), standard_level_id, actor=actor):
        template = N_("未封存的试卷“%(form)s”含有暂停使用的试题 %(codes)s，请替换")
        words = "、".join(codes[:SHOWN_CODES])
        yield BankNotice("danger", template, {"form": f"{form.name} {form.label}".strip(), "codes": words})


def held_codes(session: Session, actor: Actor, form: ExamForm) -> list[str]:
    """Return the codes of items of a form, whose slots are loaded, that are in quarantine."""
    held = find_held(session, actor, [slot.item_id for slot in form.slots])
    return sorted(one.code for one in held.values())


def refuse_held(uow: UnitOfWork, form: ExamForm) -> None:
    """Refuse a form that holds items in quarantine; raises ConflictError."""
    codes: Sequence[str] = held_codes(uow.session, uow.actor, form)
    if codes:
        raise ConflictError(
            N_("试卷中的 %(codes)s 正在更正，暂停使用；请替换后再封存"), codes="、".join(codes[:SHOWN_CODES])
        )
