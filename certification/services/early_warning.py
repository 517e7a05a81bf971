"""Early warnings of a batch: its history gathered, and the rules asked."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from certification.models import CertificationBatch, ResultRecord
from certification.repository import batches as batch_repository
from certification.repository import history as repository
from certification.repository import surveys as survey_repository
from certification.rules import surveys as survey_rules
from certification.rules.batch_states import BatchState
from certification.rules.compliance import ComplianceFinding
from certification.rules.early_warning import (
    FORMER_PERIODS,
    RECENT_DAYS,
    History,
    Satisfaction,
    Sitting,
    find_warnings,
)
from certification.rules.pass_decision import PassOutcome
from certification.services import surveys
from exam_delivery.public_sittings import find_sittings
from kernel import profiles

RECENT = dt.timedelta(days=RECENT_DAYS)


def warnings_of(session: Session, batch: CertificationBatch) -> list[ComplianceFinding]:
    """Return the early warnings of a batch as it stands."""
    people = batch_repository.list_records(session, batch.certification_batch_id)
    passed_before, sat_before = repository.count_sat_before(session, batch)
    end, begin = batch.received_at, batch.received_at - RECENT
    history = History(
        limits=profiles.values(session, batch.organisation_id),
        n_passed=sum(one.outcome is PassOutcome.PASSED for one in people),
        n_sat=sum(one.outcome in repository.SAT for one in people), n_passed_before=passed_before,
        n_sat_before=sat_before, n_recent=repository.count_registered(session, batch, begin, end),
        n_year_before=repository.count_registered(session, batch, begin - FORMER_PERIODS * RECENT, begin),
        contacts=_contacts(people), sittings=_sittings(session, batch, people),
        satisfaction=_satisfaction(session, batch), lacks_survey=_lacks_survey(session, batch),
    )  # fmt: skip
    return find_warnings(history)


def survey_warnings(session: Session, batch: CertificationBatch) -> list[ComplianceFinding]:
    """Return what the survey of a batch warns of, for batches whose roster is settled."""
    history = History(
        profiles.values(session, batch.organisation_id), satisfaction=_satisfaction(session, batch),
        lacks_survey=_lacks_survey(session, batch),
    )  # fmt: skip
    return find_warnings(history)


def _satisfaction(session: Session, batch: CertificationBatch) -> Satisfaction | None:
    found = surveys.result_of(session, batch)
    if found is None or found.overall is None:
        return None
    target = found.survey.target
    return Satisfaction(found.overall.share, found.overall.meets(target), target)


def _lacks_survey(session: Session, batch: CertificationBatch) -> bool:
    """Say whether an archived batch never had a survey, where the rule profile asks for one."""
    if batch.state is not BatchState.ARCHIVED or not profiles.value(
        session, batch.organisation_id, survey_rules.TARGET
    ):
        return False
    return survey_repository.find_survey(session, batch.certification_batch_id) is None


def _contacts(people: Sequence[ResultRecord]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in people:
        for contact in (one.phone.strip(), one.email.strip().lower()):
            if contact:
                found[contact].append(str(one.result_record_id))
    return found


def _sittings(session: Session, batch: CertificationBatch, people: Sequence[ResultRecord]) -> list[Sitting]:
    everybody = [*people, *repository.same_people_elsewhere(session, batch, people)]
    keys = [one.attempt_id for one in everybody if one.attempt_id]
    known = find_sittings(session, batch.organisation_id, keys)
    return [
        Sitting(
            str(one.result_record_id), one.id_number_index, sat.address, sat.site, sat.started_at,
            sat.ended_at or sat.started_at, one.certification_batch_id == batch.certification_batch_id,
        )
        for one in everybody
        if one.attempt_id and (sat := known.get(one.attempt_id))
    ]  # fmt: skip
