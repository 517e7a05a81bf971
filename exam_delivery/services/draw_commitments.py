"""Publishing before a session what proves afterwards that its forms were drawn as they were; entries are only ever added."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from blueprints import public_draws as draws
from blueprints.public_draws import Commitment, Draw
from exam_delivery.models import ExamBatch, ExamSession
from exam_delivery.models.draw_commitments import DrawCommitment
from exam_delivery.repository import draw_commitments as repository
from exam_delivery.repository import planning
from exam_delivery.repository.draw_commitments import Entry
from exam_delivery.rules import draw_commitments as rules
from exam_delivery.rules.draw_commitments import EntryKind
from exam_delivery.services.draw_contents import entry_content
from kernel import audit, crypto, profiles
from kernel.canonical import digest
from kernel.clock import iso, now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

PURPOSE = "draw-nonces"


@dataclass(frozen=True, slots=True)
class Published:
    """What stands published of a session, and how many of its forms are not covered."""

    entries: Sequence[Entry]
    n_missing: int

    @property
    def is_whole(self) -> bool:
        """Whether something is published and every form of the session is covered."""
        return bool(self.entries) and not self.n_missing

    @property
    def is_early(self) -> bool:
        """Whether everything was published before the start."""
        return all(not entry.content["is_late"] for entry, _reveal in self.entries)

    @property
    def n_open(self) -> int:
        """How many seeds were promised and are not told yet."""
        return sum(entry.assembly_run_id is not None and reveal is None for entry, reveal in self.entries)


def policy_of(session: Session, row: ExamSession) -> str:
    """Return what the rule profile says about publishing draws."""
    return str(profiles.value(session, row.organisation_id, rules.PUBLISH_DRAW))


def published_of(session: Session, row: ExamSession) -> Published:
    """Return what stands published of a session."""
    entries = repository.entries_of_session(session, row.organisation_id, row.exam_session_id)
    return Published(entries, len(_missing(row, entries)))


def _missing(row: ExamSession, entries: Sequence[Entry]) -> list[str]:
    covered = {form_id for entry, _reveal in entries for form_id in entry.form_ids}
    return [form_id for form_id in (*row.form_ids, *row.standby_form_ids) if form_id not in covered]


def publish(uow: UnitOfWork, exam_session_id: uuid.UUID, *, reason: str = "") -> list[DrawCommitment]:
    """Publish the commitments to those draws of a session that are not published yet, one entry for each draw.

    Raises
    ------
    InvalidInputError
        If it is not the first publication, or the start is over, and no reason is given.
    ConflictError
        If everything is published already, a form is not sealed, or the session is cancelled.
    """
    require(uow.actor, Permission.SESSION_WRITE)
    row = planning.lock_session(uow.session, exam_session_id, actor=uow.actor)
    if row.cancelled_at:
        raise ConflictError(N_("场次已取消，不能公布抽题承诺"))
    entries = repository.entries_of_session(uow.session, row.organisation_id, exam_session_id)
    missing = _missing(row, entries)
    if not row.form_ids:
        raise ConflictError(N_("本场次还没有选择试卷，不能公布抽题承诺"))
    if not missing:
        raise ConflictError(N_("本场次没有还没公布的试卷"))
    text = " ".join(reason.split())[: rules.LONGEST_REASON]
    if (entries or rules.is_late(row.starts_at, now())) and len(text) < rules.SHORTEST_REASON:
        message = N_("已经公布过或已过开考时间，请写明补充公布的原因（至少 5 个字，会公开）")
        raise InvalidInputError(message, fields={"reason": [message]})
    kind = EntryKind.ADDED if entries else EntryKind.FIRST
    return _add(uow, row, missing, _Act(len(entries), kind, text, now()))


def publish_by_rule(uow: UnitOfWork, row: ExamSession) -> list[DrawCommitment]:
    """Publish by itself what is not published yet, where the rule profile says so: the forms of the session are fixed now."""
    if policy_of(uow.session, row) != rules.PUBLISH_AUTOMATIC or row.cancelled_at:
        return []
    entries = repository.entries_of_session(uow.session, row.organisation_id, row.exam_session_id)
    if not (missing := _missing(row, entries)):
        return []
    kind, reason = (EntryKind.ADDED, "试卷有更换") if entries else (EntryKind.FIRST, "")
    return _add(uow, row, missing, _Act(len(entries), kind, reason, now()))


def note_given(uow: UnitOfWork, row: ExamSession, form_id: str, reason: str) -> list[DrawCommitment]:
    """Add an entry for a standby form that is given to candidates, where anything was published of the session."""
    entries = repository.entries_of_session(uow.session, row.organisation_id, row.exam_session_id)
    given = {one for entry, _reveal in entries if entry.kind is EntryKind.GIVEN for one in entry.form_ids}
    if not entries or form_id in given:
        return []
    return _add(uow, row, [form_id], _Act(len(entries), EntryKind.GIVEN, reason, now()))


@dataclass(frozen=True, slots=True)
class _Act:
    """A publication: after how many entries, of which kind, why and when."""

    n_before: int
    kind: EntryKind
    reason: str
    at: datetime

    def head(self, row: ExamSession, number: int) -> dict[str, Any]:
        """Return how an entry of this act begins."""
        return {
            "number": number, "kind": self.kind.value, "reason": self.reason, "published_at": iso(self.at),
            "is_late": rules.is_late(row.starts_at, self.at),
        }  # fmt: skip


def _add(uow: UnitOfWork, row: ExamSession, form_ids: Sequence[str], act: _Act) -> list[DrawCommitment]:
    found = draws.draws_of_forms(uow.session, uow.actor, [uuid.UUID(one) for one in form_ids])
    if sum(len(draw.forms) for draw in found) != len(form_ids):
        raise ConflictError(N_("场次的试卷没有全部封存，不能公布抽题承诺"))
    return [_entry(uow, row, draw, act, number) for number, draw in enumerate(found, act.n_before + 1)]


def _entry(uow: UnitOfWork, row: ExamSession, draw: Draw, act: _Act, number: int) -> DrawCommitment:
    key, nonce = new_id(), secrets.token_hex(draws.NONCE_BYTES)
    batch = planning.get_batch(uow.session, row.exam_batch_id, actor=uow.actor)
    content = entry_content(
        _facts(row, batch), draw, seed_digest=draws.seed_digest(draw.seed, nonce),
        standby=[] if act.kind is EntryKind.GIVEN else row.standby_form_ids, entry=act.head(row, number),
    )  # fmt: skip
    made = DrawCommitment(
        draw_commitment_id=key, organisation_id=row.organisation_id, exam_session_id=row.exam_session_id,
        number=number, kind=act.kind, content=content, digest=digest(content),
        assembly_run_id=draw.run_id, form_ids=[str(one.form_id) for one in draw.forms],
        nonce_ciphertext=_sealed(key, nonce) if draw.run_id else None, published_by=uow.actor.user_id,
        published_at=act.at,
    )  # fmt: skip
    uow.add(made)
    after = {"number": number, "kind": act.kind.value, "digest": made.digest, "is_late": content["is_late"]}
    audit.record(
        uow, "draw_commitment.publish", "exam_session", row.exam_session_id, after=after, reason=act.reason or None
    )  # fmt: skip
    return made


def _facts(row: ExamSession, batch: ExamBatch) -> dict[str, str]:
    return {
        "batch": batch.name, "name": row.name, "occupation": batch.occupation_name, "level": batch.level_name,
        "starts_at": iso(row.starts_at),
    }  # fmt: skip


def _sealed(key: uuid.UUID, nonce: str) -> bytes:
    return crypto.encrypt(crypto.purpose_key(PURPOSE), nonce.encode("ascii"), bound_to=_place(key))


def nonce_of(entry: DrawCommitment) -> str:
    """Return the nonce that opens the commitment to a seed; secret until the seed is told."""
    if entry.nonce_ciphertext is None:
        return ""
    place = _place(entry.draw_commitment_id)
    return crypto.decrypt(crypto.purpose_key(PURPOSE), entry.nonce_ciphertext, bound_to=place).decode("ascii")


def _place(key: uuid.UUID) -> str:
    return f"draw_commitments|nonce|{key}"


def _commitments(session: Session, organisation_id: uuid.UUID, run_id: uuid.UUID) -> list[Commitment]:
    """Return what was published of a draw, for those who replay it."""
    seed = draws.seed_of(session, organisation_id, run_id)
    return [
        Commitment(
            entry.digest, entry.published_at, entry.content["draw"]["seed_digest"], entry.content["draw"]["pool_digest"],
            reveal.seed if reveal else seed, reveal.nonce if reveal else nonce_of(entry), reveal is not None,
        )
        for entry, reveal in repository.entries_of_run(session, organisation_id, run_id)
    ]  # fmt: skip


draws.register_commitments("exam_delivery", _commitments)


def get_published(session: Session, actor: Actor, exam_session_id: uuid.UUID) -> tuple[ExamSession, Published]:
    """Return a session of the actor's organisation with what stands published of it."""
    row = planning.get_session(session, exam_session_id, actor=actor)
    return row, published_of(session, row)
