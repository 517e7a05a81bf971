"""Packs of evidence: asked for, made in a job, kept encrypted, handed out with a note in the journal."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, EvidencePack, PackKind, ResultRecord
from certification.repository import batches as batch_repository
from certification.repository import evidence as repository
from certification.rules.evidence import SIGNATURE_TYPE, signed_digest, whole_pack
from certification.services import signing
from certification.services.evidence_entries import Collector, PackScope
from certification.services.evidence_people import (
    add_batch_course,
    add_certificates,
    add_decision,
    add_person,
)
from certification.services.personal import seal, unseal
from kernel import audit
from kernel.audit.repository import find_head
from kernel.canonical import digest_bytes
from kernel.clock import iso, now
from kernel.db import new_id
from kernel.errors import ConflictError, ForbiddenError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.jobs import enqueue
from kernel.jobs.models import Job
from kernel.uow import UnitOfWork

JOB = "certification.evidence"
TABLE = repository.TABLE
SUFFIX = "jsonl"
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class MadePack:
    """A finished pack."""

    content: bytes
    n_entries: int
    missing: tuple[str, ...]
    kid: str


def check_scope(actor: Actor, scope: PackScope) -> None:
    """Refuse somebody who may not see what would stand in a pack."""
    require(actor, Permission.EVIDENCE_MAKE)
    if scope.is_personal:
        require(actor, Permission.PERSONAL_DATA_REVEAL)
    if scope.has_content and not actor.may(Permission.FORM_READ):
        raise ForbiddenError(
            N_("证据包中放入试题和答案，须由有权查看试卷的人制作"), permission=Permission.FORM_READ.value
        )


def request_pack(uow: UnitOfWork, batch_id: uuid.UUID, record_id: uuid.UUID | None, scope: PackScope) -> Job:
    """Publish the job that makes the pack of a batch, or of one candidate of it.

    Raises
    ------
    ConflictError
        If the organisation has no signing key.
    """
    check_scope(uow.actor, scope)
    batch, record = _own(uow.session, uow.actor, batch_id, record_id)
    signing.require_key(uow.session, batch.organisation_id)
    payload = {
        "batch_id": str(batch_id), "record_id": str(record_id) if record_id else None,
        "is_personal": scope.is_personal, "has_content": scope.has_content,
    }  # fmt: skip
    what = record.admission_number if record else batch.name
    audit.record(
        uow, "evidence.request", "result_record" if record_id else "certification_batch", record_id or batch_id,
        after={"is_personal": scope.is_personal, "has_content": scope.has_content},
    )  # fmt: skip
    return enqueue(uow, JOB, payload, title=f"证据包：{what}")


def _own(
    session: Session, actor: Actor, batch_id: uuid.UUID, record_id: uuid.UUID | None
) -> tuple[CertificationBatch, ResultRecord | None]:
    batch = batch_repository.get_batch(session, batch_id, actor=actor)
    record = batch_repository.get_record(session, record_id, actor=actor) if record_id else None
    if batch.organisation_id != actor.organisation or (record and record.certification_batch_id != batch_id):
        raise ConflictError(N_("只能为本机构的批次制作证据包"))
    return batch, record


def build_pack(
    session: Session,
    actor: Actor,
    batch_id: uuid.UUID,
    record_id: uuid.UUID | None,
    scope: PackScope,
    *,
    progress: Progress = lambda _percent: None,
) -> MadePack:
    """Return the pack of a batch, or of one candidate of it, signed; nothing is stored."""
    check_scope(actor, scope)
    batch, record = _own(session, actor, batch_id, record_id)
    key = signing.require_key(session, batch.organisation_id)
    to = Collector(session, batch, scope)
    records = [record] if record else batch_repository.list_records(session, batch_id)
    root = _collect(to, records, is_whole=record is None, progress=progress)
    organisation = get_organisation(session, batch.organisation_id)
    manifest = to.pack.manifest(_facts(session, actor, batch, record, scope) | {
        "organisation": {"id": str(organisation.organisation_id), "name": organisation.name},
        "key": signing.public_jwk(key, organisation.name),
    }, root)  # fmt: skip
    signature = signing.sign(key, signed_digest(manifest), kind=SIGNATURE_TYPE)
    content = whole_pack(manifest, signature, to.pack.lines)
    return MadePack(content, len(to.pack.lines), tuple(to.pack.missing), key.kid)


def _facts(
    session: Session, actor: Actor, batch: CertificationBatch, record: ResultRecord | None, scope: PackScope
) -> dict[str, Any]:
    head = find_head(session)
    return {
        "scope": PackKind.CANDIDATE.value if record else PackKind.BATCH.value,
        "batch": {"id": str(batch.certification_batch_id), "code": batch.code, "name": batch.name},
        "admission_number": record.admission_number if record else None,
        "is_personal": scope.is_personal,
        "has_content": scope.has_content,
        "made_at": iso(now()),
        "made_by": actor.name,
        "checkpoint": {"seq": head.seq, "event_hash": head.event_hash} if head else None,
    }


def _collect(to: Collector, records: Sequence[ResultRecord], *, is_whole: bool, progress: Progress) -> str:
    """Write all entries in the order of the way; return the path of the one that everything hangs on."""
    to.standard()
    sittings: dict[uuid.UUID, list[str]] = {}
    for index, record in enumerate(records):
        progress(5 + 60 * index // len(records))
        if record.attempt_id:
            sittings[record.result_record_id] = to.sitting(record.attempt_id, record.admission_number)
    deliveries = batch_repository.list_deliveries(to.session, to.batch.certification_batch_id)
    found = [to.release(one.release_id, only_own=not is_whole) for one in deliveries]
    releases = [one for one in found if one]
    decisions = {record.result_record_id: add_decision(to, record, releases) for record in records}
    progress(70)
    course = add_batch_course(to, list(decisions.values()), records)
    people = []
    for record in records:
        key = record.result_record_id
        basis = [("roster", "roster"), ("steps", "steps"), ("decision", decisions[key])]
        links = [("score", one) for one in sittings.get(key, [])] + [("decision", decisions[key])]
        links += [("certificate", one) for one in add_certificates(to, record, basis)]
        people.append(add_person(to, record, links))
    progress(80)
    return _root(to, people, course)


def _root(to: Collector, people: Sequence[str], course: Sequence[str]) -> str:
    """Write the journal and, above it and everything else, the table of contents."""
    basis = [("candidate", one) for one in people] + [("course", one) for one in course]
    basis += [("standard", "standard"), ("audit", to.audit())]
    loose = [path for path in to.pack.digests if path.partition("/")[0] in {"sessions", "keys", "releases", "attempts"}]
    known = {path for _rel, path in basis}
    basis += [("part", path) for path in loose if path not in known]
    return to.pack.add("contents", "contents", {"n_candidates": len(people)}, basis)


def make_now(uow: UnitOfWork, batch_code: str, admission_number: str | None, scope: PackScope) -> MadePack:
    """Return the pack of a batch by its code, or of one of its candidates; the making is in the journal.

    Raises
    ------
    NotFoundError
        If there is no such batch or candidate.
    """
    batch = repository.get_batch_by_code(uow.session, batch_code, actor=uow.actor)
    key = batch.certification_batch_id
    record = repository.get_record_by_number(uow.session, key, admission_number) if admission_number else None
    made = build_pack(uow.session, uow.actor, key, record.result_record_id if record else None, scope)
    audit.record(
        uow, "evidence.make", "certification_batch", key,
        after={"digest": digest_bytes(made.content), "kid": made.kid, "is_personal": scope.is_personal, "has_content": scope.has_content},
    )  # fmt: skip
    return made


def keep_pack(
    uow: UnitOfWork,
    job_id: uuid.UUID,
    made: MadePack,
    scope: PackScope,
    *,
    batch_id: uuid.UUID,
    record_id: uuid.UUID | None,
) -> EvidencePack:
    """Keep a finished pack, compressed and encrypted, and note it in the journal."""
    batch, record = _own(uow.session, uow.actor, batch_id, record_id)
    key = new_id()
    name = f"证据包_{record.admission_number if record else batch.code}.{SUFFIX}"
    row = EvidencePack(
        evidence_pack_id=key, organisation_id=batch.organisation_id, certification_batch_id=batch_id,
        result_record_id=record_id, job_id=job_id, kind=PackKind.CANDIDATE if record else PackKind.BATCH,
        file_name=name, n_entries=made.n_entries, n_bytes=len(made.content), is_personal=scope.is_personal,
        has_content=scope.has_content, ciphertext=seal(zlib.compress(made.content), table=TABLE, column="ciphertext", row_id=key),
        content_digest=digest_bytes(made.content), created_by=uow.actor.name[:100], created_at=now(),
    )  # fmt: skip
    uow.add(row)
    audit.record(
        uow, "evidence.make", TABLE, key,
        after={"digest": row.content_digest, "kid": made.kid, "is_personal": scope.is_personal, "has_content": scope.has_content},
    )  # fmt: skip
    return row


def read_pack(uow: UnitOfWork, pack_id: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of a pack or an archive volume; the reading is in the journal."""
    require(uow.actor, Permission.EVIDENCE_MAKE)
    row = repository.get_pack(uow.session, pack_id, actor=uow.actor)
    check_scope(uow.actor, PackScope(row.is_personal, row.has_content))
    act = "personal_data.reveal" if row.is_personal else "evidence.read"
    audit.record(uow, act, TABLE, pack_id, after={"digest": row.content_digest})
    return row.file_name, zlib.decompress(unseal(row.ciphertext, table=TABLE, column="ciphertext", row_id=pack_id))
