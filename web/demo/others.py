"""What the demonstration has to do with others: an offer to share the bank, and results that another system has sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid

from certification.repository.batches import list_records
from certification.rules.pass_decision import AssessmentMode
from certification.services import early_batches, inbound, senders
from certification.services.inbound import Parcel
from kernel.clock import shifted, today
from kernel.db import db
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import OrganisationKind
from kernel.identity.permissions import Permission, Role
from kernel.identity.services import create_organisation
from kernel.uow import unit_of_work
from qbank.services import sharing
from qbank.services.sharing import Offer
from web.demo.people import Staff

PARTNER_CODE, PARTNER = "DEMO-PARTNER", "演示合作院校"
SENDER, MESSAGE = "演示实训平台", "演示送达 001"
OPENED = dt.timedelta(days=-26)
"""Before theory was released anywhere: skill comes first where a batch is opened early."""
SENT_SCORES = ("88", "76.5", "缺考")


def load_others(staff: Staff, level_id: uuid.UUID, exam_batch_id: uuid.UUID) -> None:
    """Offer the bank to another organisation, and let a system send skill scores that wait for somebody's look."""
    offer_bank(staff, level_id)
    send_scores(staff, exam_batch_id)


def offer_bank(staff: Staff, level_id: uuid.UUID) -> None:
    """Offer the bank of a level to a partner, who has not answered yet."""
    with unit_of_work(system_actor(name="kaoku demo")) as uow:
        create_organisation(uow, code=PARTNER_CODE, name=PARTNER, kind=OrganisationKind.SCHOOL)
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        until = today() + dt.timedelta(days=365)
        sharing.offer_share(uow, Offer(level_id, PARTNER_CODE, "联合命题，共用理论题库（演示）", today(), until))


def send_scores(staff: Staff, exam_batch_id: uuid.UUID) -> None:
    """Open a batch before its theory is released and let a system send the first skill scores."""
    with shifted(OPENED), unit_of_work(staff.actor(Role.CERTIFICATION_OFFICER)) as uow:
        batch_id = early_batches.open_early(uow, exam_batch_id)
    with unit_of_work(staff.actor(Role.ORGANISATION_ADMIN)) as uow:
        system, _secret = senders.add_system(uow, name=SENDER)
    people = list_records(db.session(), batch_id)
    rows = [
        [one.admission_number, AssessmentMode.SKILLS.value, text]
        for one, text in zip(people, SENT_SCORES, strict=False)
    ]
    sender = Actor(
        user_id=None, organisation_id=staff.organisation.organisation_id, name=SENDER,
        permissions=frozenset({Permission.SKILL_SCORE_WRITE}),
    )  # fmt: skip
    with unit_of_work(sender) as uow:
        digest = hashlib.sha256(MESSAGE.encode()).hexdigest()
        inbound.receive(uow, system.sending_system_id, Parcel("demo-001", digest, batch_id, rows))
