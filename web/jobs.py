"""Jobs that touch several components: here, and only here, a lower component's message reaches a higher one."""

from __future__ import annotations

import uuid
from dataclasses import replace

from certification import public as certification
from exam_delivery import public as exam_delivery
from kernel.identity.actor import system_actor
from kernel.jobs import JobContext, handler


@handler("results.released")
def hand_over_results(context: JobContext) -> None:
    """Bring released scores to certification, exactly once.

    The officer who released holds no permission in certification, so the hand-over acts as the system, inside the walls of
    the officer's organisation; the release itself is in the audit under the officer's name.
    """
    inside = replace(context, actor=system_actor(context.actor.organisation_id, name="results.released"))
    release_id = uuid.UUID(context.payload["release_id"])
    with inside.finish({"release_id": str(release_id)}) as uow:
        package = exam_delivery.get_result_package(uow.session, release_id)
        people = [result.candidate_id for result in package.results]
        photos = exam_delivery.read_photos(uow.session, inside.actor, people)
        certification.receive_results(uow, package, photos=photos)
