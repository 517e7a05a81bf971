"""What a key-change case would do: everybody whose score or decision changes, and who holds a certificate already."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy.orm import Session

from exam_delivery.models import KeyChange, ScoreRecord, ScoreStatus
from exam_delivery.repository import key_changes as repository
from exam_delivery.repository import scores as scores_repository
from exam_delivery.repository.key_changes import Sitting
from exam_delivery.repository.marking_results import counted_marks
from exam_delivery.rules.amendments import PENDING
from exam_delivery.rules.scoring import AttemptResult, ScoringKey
from exam_delivery.services import consequences, forms, scoring_keys
from exam_delivery.services.consequences import HeldCertificate
from exam_delivery.services.scoring import Answers, score_answers
from item_templates.rounding import decimal_text
from kernel import audit
from kernel.canonical import digest
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.spreadsheets import TableSheet, write_table
from kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Effect:
    """One candidate's score before and after; None where marks by a person are missing."""

    sitting: Sitting
    before: Decimal | None
    after: Decimal | None
    is_touched: bool
    passed_before: bool | None
    passed_after: bool | None
    certificate: HeldCertificate | None = None
    outcomes: tuple[str, str] | None = None

    @property
    def outcome_turn(self) -> tuple[str, str] | None:
        """The decision on the whole evaluation before and after, where there is one and it changes."""
        return self.outcomes if self.outcomes and self.outcomes[0] != self.outcomes[1] else None

    @property
    def is_changed(self) -> bool:
        """Whether the total changes."""
        return self.before != self.after

    @property
    def turns(self) -> str:
        """How the pass decision of theory turns: ``gained``, ``lost`` or empty."""
        if self.passed_before is None or self.passed_before == self.passed_after:
            return ""
        return "gained" if self.passed_after else "lost"


@dataclass(frozen=True, slots=True)
class Effects:
    """The dry run of a case; `digest` is what the second person confirms."""

    rows: tuple[Effect, ...]
    digest: str

    @property
    def changed(self) -> list[Effect]:
        """Those whose total changes."""
        return [row for row in self.rows if row.is_changed]

    @property
    def touched(self) -> list[uuid.UUID]:
        """Attempts that get a new score version: any slot differs."""
        return [row.sitting.attempt.attempt_id for row in self.rows if row.is_touched]

    @property
    def exam_session_ids(self) -> set[uuid.UUID]:
        """Sessions with a touched attempt."""
        return {row.sitting.attempt.exam_session_id for row in self.rows if row.is_touched}

    @property
    def counts(self) -> dict[str, int]:
        """How many sat, how many scores rise and fall, how many decisions turn, how many of those hold a certificate."""
        return self._counted(self.rows)

    def counts_of(self, form_id: uuid.UUID) -> dict[str, int]:
        """Return the counts among those who sat one of the forms."""
        return self._counted([row for row in self.rows if row.sitting.attempt.form_id == form_id])

    @staticmethod
    def _counted(rows: Sequence[Effect]) -> dict[str, int]:
        changed = [row for row in rows if row.is_changed]
        raised = sum(1 for row in changed if (row.after or Decimal(0)) > (row.before or Decimal(0)))
        return {
            "sat": len(rows),
            "raised": raised,
            "lowered": len(changed) - raised,
            "gained": sum(row.turns == "gained" for row in changed),
            "lost": sum(row.turns == "lost" for row in changed),
            "decisions": sum(row.outcome_turn is not None for row in changed),
            "certificates": sum(row.certificate is not None for row in changed),
        }


def find_effects(session: Session, actor: Actor, change: KeyChange) -> Effects:
    """Score everybody who sat the forms of a case by the present keys and by the proposed ones; nothing is stored."""
    require(actor, Permission.SCORE_RELEASE)
    members = {one.form_id: one for one in repository.case_of(session, change)}
    sittings = repository.sittings(session, list(members), actor=actor)
    ids = [one.attempt.attempt_id for one in sittings]
    answers = _answers(session, ids)
    records = scores_repository.newest_records(session, ids)
    shared = _pass_rule(session, actor, change), consequences.certificates(session, actor, ids)
    sat = {one.attempt.form_id for one in sittings}
    trials = {form_id: _Trial(*_keys(session, actor, members[form_id]), *shared) for form_id in sat}
    rows = tuple(
        _effect(trials[one.attempt.form_id], one, answers[key], records.get(key))
        for key, one in zip(ids, sittings, strict=True)
    )
    return Effects(_with_outcomes(session, actor, rows), _digest(change, rows))


def _with_outcomes(session: Session, actor: Actor, rows: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """Add how the decisions on the whole evaluation turn; the other components count too."""
    renewed = {row.sitting.attempt.attempt_id: row.after for row in rows if row.is_changed and row.after is not None}
    found = consequences.outcomes(session, actor, renewed)
    return tuple(replace(row, outcomes=found.get(row.sitting.attempt.attempt_id)) for row in rows)


def _keys(session: Session, actor: Actor, change: KeyChange) -> tuple[ScoringKey, ScoringKey]:
    """Return the key of a form as it is and as a case would make it."""
    present = scoring_keys.load_key(session, actor.organisation, change.form_id)
    is_pending = change.state in PENDING
    return present, present.amended(scoring_keys.amendment_of(change)) if is_pending else present


def _answers(session: Session, ids: list[uuid.UUID]) -> dict[uuid.UUID, Answers]:
    responses = scores_repository.load_responses(session, ids)
    marks = counted_marks(session, ids)
    places = scores_repository.load_places(session, ids)
    return {key: Answers(responses[key], marks[key], places[key]) for key in ids}


def _pass_rule(session: Session, actor: Actor, change: KeyChange) -> Callable[[Decimal], bool] | None:
    form = forms.titles(session, actor.organisation).get(change.form_id)
    return consequences.passes(session, actor.organisation, form.level_code) if form else None


@dataclass(frozen=True, slots=True)
class _Trial:
    """What all candidates of a dry run share."""

    present: ScoringKey
    proposed: ScoringKey
    passes: Callable[[Decimal], bool] | None
    held: Mapping[uuid.UUID, HeldCertificate]


def _effect(trial: _Trial, sitting: Sitting, answers: Answers, record: ScoreRecord | None) -> Effect:
    former, renewed = score_answers(trial.present, answers), score_answers(trial.proposed, answers)
    is_complete = record is not None and record.status is ScoreStatus.COMPLETE
    before = record.score if record is not None and is_complete else former.score
    return Effect(
        sitting, before, renewed.score, _differs(former, renewed), _passed(before, trial.passes),
        _passed(renewed.score, trial.passes), trial.held.get(sitting.attempt.attempt_id),
    )  # fmt: skip


def _differs(former: AttemptResult, renewed: AttemptResult) -> bool:
    return [(one.score, one.max_score, one.outcome) for one in former.slots] != [
        (one.score, one.max_score, one.outcome) for one in renewed.slots
    ]


def _passed(score: Decimal | None, passes: Callable[[Decimal], bool] | None) -> bool | None:
    return None if score is None or passes is None else passes(score)


def _digest(change: KeyChange, rows: tuple[Effect, ...]) -> str:
    said = [[str(row.sitting.attempt.attempt_id), _text(row.before), _text(row.after)] for row in rows]
    return digest({"change": str(change.key_change_id), "version": change.version, "rows": said})


def _text(score: Decimal | None) -> str:
    return "" if score is None else decimal_text(score)


# --- the Excel file --------------------------------------------------------------------------------------------------

HEADINGS = ("准考证号", "姓名", "场次", "原成绩", "新成绩", "理论合格变化", "评价结论变化", "证书编号", "证书状态")
TURN_WORDS = {"gained": "不合格→合格", "lost": "合格→不合格", "": ""}


def export_effects(uow: UnitOfWork, change: KeyChange) -> bytes:
    """Return everybody whose score a case changes as Excel; the export is audited."""
    rows = [_export_row(row) for row in find_effects(uow.session, uow.actor, change).changed]
    audit.record(uow, "key_change.export", "key_change", change.key_change_id, after={"rows": len(rows)})
    return write_table([TableSheet("影响", HEADINGS, rows)])


def _export_row(row: Effect) -> tuple[str | Decimal | None, ...]:
    sitting, held = row.sitting, row.certificate
    return (
        sitting.registration.admission_number or "", sitting.candidate.name, sitting.exam_session.name, row.before,
        row.after, TURN_WORDS[row.turns], "→".join(row.outcome_turn or ()), held.number if held else "", held.state if held else "",
    )  # fmt: skip
