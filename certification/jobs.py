"""Jobs of certification: printing, and issuing what could be printed."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import current_app

from certification.adapters import webhook_sender
from certification.models import MessageState, WebhookMessage
from certification.repository import webhooks as webhook_repository
from certification.services import archive, blanks, evidence, printing, webhooks
from certification.services import certificates as services
from certification.services.evidence_entries import PackScope
from kernel.clock import now
from kernel.db import db
from kernel.i18n import N_
from kernel.identity.actor import system_actor
from kernel.jobs import JobContext, every, handler
from kernel.uow import unit_of_work

SEND_SECONDS = 2
STOPPED = "推送地址已停用"


@handler(printing.JOB)
def run_print(context: JobContext) -> None:
    """Print the certificates of a batch in parts; issue them first when asked, in the transaction that keeps the parts."""
    batch_id = uuid.UUID(context.payload["batch_id"])
    rows = services.printable(db.session(), batch_id, actor=context.actor)
    first = context.payload.get("first_serial", "")
    serials = blanks.free_serials(db.session(), context.actor.organisation, first, len(rows))
    parts = printing.make_parts(
        db.session(), rows, context.payload, serials,
        progress=lambda percent: context.progress(percent, N_("正在制作证书")),
    )  # fmt: skip
    address = f"/certification/batches/{batch_id}/certificates"
    with context.finish({"n_parts": len(parts)}, result_url=address) as uow:
        if context.payload["is_issue"]:
            services.issue_batch(uow, batch_id)
            uow.flush()  # the parts are noted with issued certificates
        printing.keep_documents(uow, batch_id, context.job_id, parts, serials)


@handler(evidence.JOB)
def make_evidence(context: JobContext) -> None:
    """Make the pack of evidence of a batch, or of one candidate of it."""
    wanted = context.payload
    batch_id = uuid.UUID(wanted["batch_id"])
    record_id = uuid.UUID(wanted["record_id"]) if wanted["record_id"] else None
    scope = PackScope(wanted["is_personal"], wanted["has_content"])
    made = evidence.build_pack(
        db.session(), context.actor, batch_id, record_id, scope,
        progress=lambda percent: context.progress(percent, N_("正在收集证据")),
    )  # fmt: skip
    address = f"/certification/batches/{batch_id}/evidence" + (f"?record={record_id}" if record_id else "")
    with context.finish({"n_entries": made.n_entries}, result_url=address) as uow:
        evidence.keep_pack(uow, context.job_id, made, scope, batch_id=batch_id, record_id=record_id)


@handler(archive.JOB)
def make_archive(context: JobContext) -> None:
    """Put the archive volumes of a batch together."""
    batch_id = uuid.UUID(context.payload["batch_id"])
    made = archive.build_archive(
        db.session(), context.actor, batch_id, progress=lambda percent: context.progress(percent, N_("正在整理归档卷"))
    )
    result = {"n_files": len(made.files), "n_missing": len(made.missing)}
    with context.finish(result, result_url=f"/certification/batches/{batch_id}/evidence") as uow:
        archive.keep_archive(uow, context.job_id, made, batch_id)


@every(SEND_SECONDS, "certification.webhooks")
def publish_messages() -> None:
    """Publish a job for each message to another system whose time has come; a look that finds nothing writes nothing."""
    if webhook_repository.list_due(db.session(), now()):
        with unit_of_work(system_actor(name="certification.webhooks")) as uow:
            webhooks.publish_due(uow)


@handler(webhooks.JOB)
def send_message(context: JobContext) -> None:
    """Try to deliver one message; the outcome is kept with it, and a failure is no failure of the job."""
    actor = system_actor(uuid.UUID(context.payload["organisation_id"]), name=webhooks.JOB)
    inside = replace(context, actor=actor)
    message_id = uuid.UUID(context.payload["message_id"])
    message = db.session().get_one(WebhookMessage, message_id)
    parcel = webhooks.parcel_of(db.session(), message) if message.state is MessageState.WAITING else None
    may_be_private = bool(current_app.config["KAOKU"].webhook_private)
    answer = webhook_sender.Answer(None, STOPPED)
    if parcel is not None:
        answer = webhook_sender.send(parcel.url, parcel.body, parcel.headers, may_be_private=may_be_private)
    with inside.finish({"status": answer.status}) as uow:
        if message.state is MessageState.WAITING:
            webhooks.note_try(uow, message_id, status=answer.status, error=answer.error, is_ok=answer.is_ok)
