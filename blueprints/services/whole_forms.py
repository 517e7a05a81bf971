"""Whole forms made elsewhere (套题): held against a blueprint as one form, and taken in as a draft would be."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.assembly.blueprint import Blueprint
from blueprints.assembly.papers import RELATIONS, check_whole_form
from blueprints.assembly.pool import PoolItem
from blueprints.assembly.result import AssemblyResult, Check, FormResult
from blueprints.assembly.text import Text
from blueprints.assembly.verify import check_together
from blueprints.assembly.verify_further import anchor_ids, split_form
from blueprints.models import AssemblyRun, ExamBlueprint, ExamForm, FormSlot
from blueprints.rules.outcomes import KnownItem, outcome_to_json
from blueprints.rules.profile import WAIVER, WAIVER_REFUSED
from blueprints.rules.specs import blueprint_of
from blueprints.rules.states import BlueprintStatus, RunStatus
from blueprints.services.bank import Pool, load_pool
from blueprints.services.ledger import capped_items
from blueprints.services.runs import accept_run, slot_values
from blueprints.services.versions import drawn_spec
from kernel import audit, profiles
from kernel.clock import now, today
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.public_changes import refuse_old_edition, refuse_unapproved
from qbank.public_imports import states_of_codes

MOST_CODES = 1000
LARGEST_FILE = 200_000
LONGEST_REASON = 500
LONGEST_COMMENT = 1000
CAPPED = "capped_items"
NEVER_WAIVED = frozenset(RELATIONS) | {CAPPED}
"""What no reason excuses: such items may stand in no form."""
NO_CODES = N_("请选择一次导入，或填写试题编号，每行一个")
_SEPARATORS = re.compile(r"[\s,，、;；]+")


@dataclass(frozen=True)
class WholeForm:
    """A form made elsewhere, held against a blueprint; `run` and `form` are as keeping them would write them.

    `unusable` are the codes that no form may take, with the state of the item where the bank has it.
    """

    blueprint: ExamBlueprint
    codes: tuple[str, ...]
    checks: tuple[Check, ...]
    run: AssemblyRun
    form: ExamForm
    unusable: dict[str, str]
    repeated: list[str]
    enemies: list[tuple[str, str]]
    capped: list[str]

    @property
    def broken(self) -> list[Check]:
        """The rules that it breaks."""
        return [check for check in self.checks if not check.met]

    @property
    def is_barred(self) -> bool:
        """Say whether it breaks something that no reason excuses."""
        return any(check.constraint in NEVER_WAIVED for check in self.broken)


def read_codes(text: str) -> list[str]:
    r"""Return the item codes of a text: one a line, or with commas or spaces between.

    Examples
    --------
    >>> read_codes("T-1\nT-2，T-3\n")
    ['T-1', 'T-2', 'T-3']
    """
    return [code for code in _SEPARATORS.split(text.lstrip("\ufeff")) if code]


def read_code_file(data: bytes) -> list[str]:
    """Return the item codes of a text file."""
    if len(data) > LARGEST_FILE:
        raise InvalidInputError(N_("文件太大：编号文件每行一个试题编号，请核对是否选错了文件"))
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return read_codes(text)
    raise InvalidInputError(N_("这不是文本文件：请另存为文本（每行一个试题编号）再上传"))


def check_form_by_codes(session: Session, actor: Actor, blueprint_id: uuid.UUID, codes: Sequence[str]) -> WholeForm:
    """Hold a form, given by the codes of its items in their order, against every rule of a blueprint; writes nothing."""
    require(actor, Permission.FORM_ASSEMBLE)
    row = repository.get_blueprint(session, blueprint_id, actor=actor)
    if not codes or len(codes) > MOST_CODES:
        message = N_("一份试卷最多 1000 题，请核对编号") if codes else NO_CODES
        raise InvalidInputError(message, fields={"codes": [message]})
    spec = drawn_spec(row.spec, max_overlap=int(row.spec.get("max_overlap", 0)), on=today())
    pool, blueprint = load_pool(session, actor, row.standard_level_id, spec), blueprint_of(spec)
    by_code = _by_code(pool)
    known = {item.id: item for item in pool.items}
    chosen = _in_order([known[by_code[code]] for code in dict.fromkeys(codes) if code in by_code], blueprint)
    over = capped_items(session, actor, row.standard_level_id)
    capped = [pool.entries[item.id].code for item in chosen if item.id in over]
    together = check_together([chosen], pool.items, blueprint) if _binds_one(blueprint) else ()
    alone = (*check_whole_form([by_code.get(code, code) for code in codes], pool.items, blueprint), _capped(capped))
    result = FormResult(
        tuple(item.id for item in chosen), alone, pretest=tuple(item.id for item in split_form(chosen, blueprint)[1]),
        anchors=tuple(item.id for item in chosen if item.id in anchor_ids(blueprint)),
    )  # fmt: skip
    run = _run(actor, row, spec, (pool, result, together))
    missing = [code for code in dict.fromkeys(codes) if code not in by_code]
    states = states_of_codes(session, actor, missing)
    return WholeForm(
        blueprint=row, codes=tuple(codes), checks=(*alone, *together), run=run, form=_form(run, row),
        unusable={code: states.get(code, "") for code in missing},
        repeated=[code for code, n in Counter(codes).items() if n > 1], enemies=_enemies(chosen, pool), capped=capped,
    )  # fmt: skip


def _by_code(pool: Pool) -> dict[str, str]:
    """Return item ids by code; where another organisation's item bears the same code, one's own counts."""
    shared_first = sorted(pool.entries, key=lambda item_id: item_id not in pool.owners)
    return {pool.entries[item_id].code: item_id for item_id in shared_first}


def _in_order(items: Sequence[PoolItem], blueprint: Blueprint) -> list[PoolItem]:
    """Return items grouped by type as the blueprint orders types, within a type as they came."""
    order = {rule.type: number for number, rule in enumerate(blueprint.types)}
    seen = {name: len(order) + number for number, name in enumerate(dict.fromkeys(item.type for item in items))}
    return sorted(items, key=lambda item: order.get(item.type, seen[item.type]))


def _binds_one(blueprint: Blueprint) -> bool:
    limits = blueprint.limits
    return bool(limits.include or limits.include_sets or limits.coverage)


def _capped(codes: Sequence[str]) -> Check:
    none = (Decimal(0), Decimal(0))
    return Check(CAPPED, none, Decimal(len(codes)), not codes, Text(N_("达到使用上限的题数")))


def _enemies(items: Sequence[PoolItem], pool: Pool) -> list[tuple[str, str]]:
    ids = {item.id for item in items}
    pairs = {tuple(sorted((item.id, enemy))) for item in items for enemy in item.enemies if enemy in ids}
    return sorted((pool.entries[first].code, pool.entries[second].code) for first, second in pairs)


def _run(
    actor: Actor, row: ExamBlueprint, spec: dict[str, Any], found: tuple[Pool, FormResult, tuple[Check, ...]]
) -> AssemblyRun:
    """Return what keeps the form's origin: a draw whose only form was given; nothing of it is stored yet."""
    pool, form, together = found
    result = AssemblyResult(
        status="feasible", forms=(form,), objective=None, gap=None, seconds=0.0, conflict=None, seed=0,
        pool=pool.items, together=together,
    )  # fmt: skip
    known = {
        item_id: KnownItem(str(entry.item_version_id), entry.code, entry.point)
        for item_id, entry in pool.entries.items()
    }
    return AssemblyRun(
        assembly_run_id=new_id(), organisation_id=actor.organisation, exam_blueprint_id=row.exam_blueprint_id,
        standard_level_id=row.standard_level_id, blueprint_name=row.name, spec=spec, n_forms=1,
        max_overlap=spec["max_overlap"], seed=0, time_limit_seconds=1, status=RunStatus.FEASIBLE,
        pool_digest=result.pool_digest, n_pool=len(pool.items), created_by=actor.user_id, created_at=now(),
        finished_at=now(), is_on_the_fly=False,
        result=outcome_to_json(result, blueprint_of(spec), known) | {"n_held_back": 0},
    )  # fmt: skip


def _form(run: AssemblyRun, row: ExamBlueprint) -> ExamForm:
    """Return a form that is looked at only."""
    slots = [FormSlot(**values) for values in slot_values((run.result or {})["forms"][0]["items"])]
    return ExamForm(
        exam_form_id=new_id(), organisation_id=run.organisation_id, standard_level_id=run.standard_level_id,
        duration_minutes=row.duration_minutes, slots=slots, n_slots=len(slots),
        total_score=sum((slot.score for slot in slots), Decimal(0)),
    )  # fmt: skip


def take_in(
    uow: UnitOfWork,
    blueprint_id: uuid.UUID,
    codes: Sequence[str],
    *,
    source: str = "",
    name: str = "",
    reason: str = "",
) -> ExamForm:
    """Turn a form made elsewhere into a draft; rules that it breaks need a reason from who may change the blueprint.

    From there it goes the way of any drawn form: hand work, review by a second person, sealing.
    """
    found = check_form_by_codes(uow.session, uow.actor, blueprint_id, codes)
    refuse_old_edition(uow.session, uow.actor, found.run.standard_level_id, on=today())
    refuse_unapproved(uow.session, uow.actor, found.run.standard_level_id)
    if found.blueprint.status is not BlueprintStatus.PUBLISHED:
        raise ConflictError(N_("蓝图“%(name)s”还没有发布（或已归档），请先发布再收为试卷"), name=found.blueprint.name)
    if found.is_barred:
        raise ConflictError(
            N_("套题含有不可用、重复、互斥或达到使用上限的试题，不能收为试卷；请按核对结果更换后再核对")
        )
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if found.broken:
        _require_waiver(uow, reason)
    waived = [check.constraint for check in found.broken]
    reason = reason if waived else ""
    checked = {"source": source[:200], "waived": waived, "reason": reason}
    found.run.result = {**(found.run.result or {}), "checked": checked}
    uow.add(found.run)
    uow.flush()  # the form names its run by the key
    audit.record(
        uow, "assembly.take_in", "assembly_run", found.run.assembly_run_id,
        after={"blueprint": str(blueprint_id), "n_items": len(found.codes), "source": source[:200], "waived": waived},
        reason=reason or None,
    )  # fmt: skip
    (form,) = accept_run(uow, found.run.assembly_run_id, name=name, comment=_comment(found, source, reason))
    return form


def _require_waiver(uow: UnitOfWork, reason: str) -> None:
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    if profiles.value(uow.session, uow.actor.organisation, WAIVER.name) == WAIVER_REFUSED:
        raise ConflictError(N_("本机构的规则方案不收不符合蓝图的套题，请更换试题，或先修订蓝图"))
    if not reason:
        message = N_("套题有要求不符合，请写明收为试卷的原因，审卷人将据此审核")
        raise InvalidInputError(message, fields={"reason": [message]})


def _comment(found: WholeForm, source: str, reason: str) -> str:
    words = [f"收入套题：{source}" if source else "收入套题"]
    if found.broken:
        rules = "；".join(str(check.text) for check in found.broken)
        words += [f"原因：{reason}", f"不符合的要求：{rules}"]
    return "。".join(words)[:LONGEST_COMMENT]
