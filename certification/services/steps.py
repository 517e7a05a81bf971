"""Steps of a batch: judged by the state machine and by what blocks them, kept with who, when and why."""

from __future__ import annotations

from certification.models import BatchStep, CertificationBatch
from certification.repository import batches as repository
from certification.rules.batch_states import BatchState, require_transition
from certification.rules.webhooks import EventType
from certification.services import webhooks
from kernel import audit
from kernel.clock import now
from kernel.uow import UnitOfWork


def note_step(
    uow: UnitOfWork, batch: CertificationBatch, before: BatchState | None, after: BatchState, *, reason: str = ""
) -> None:
    """Keep a step in the batch's own history."""
    n_steps = len(repository.list_steps(uow.session, batch.certification_batch_id))
    uow.add(
        BatchStep(
            organisation_id=batch.organisation_id,
            certification_batch_id=batch.certification_batch_id,
            number=n_steps + 1,
            before=before,
            after=after,
            actor_id=uow.actor.user_id,
            actor_name=uow.actor.name[:100],
            reason=reason[:300],
            at=now(),
        )
    )
    uow.flush()  # the next step of the same transaction counts this one
    facts = {"code": batch.code, "name": batch.name, "n_registered": batch.n_registered}
    states = {"before": before.value if before else None, "after": after.value}
    webhooks.announce(uow, batch.organisation_id, EventType.BATCH_STEP, {**facts, **states})


def move(uow: UnitOfWork, batch: CertificationBatch, new: BatchState, *, reason: str = "") -> None:
    """Take a step that the state machine has; the caller has checked what blocks it."""
    require_transition(batch.state, new)
    before, batch.state, batch.state_since = batch.state, new, now()
    note_step(uow, batch, before, new, reason=reason)
    audit.record(
        uow, "certification.step", "certification_batch", batch.certification_batch_id,
        before={"state": before.value}, after={"state": new.value}, reason=reason or None,
    )  # fmt: skip
