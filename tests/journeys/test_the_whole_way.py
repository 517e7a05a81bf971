"""From an empty installation to a certificate that the public can look up, walked by the people whose work it is."""

from __future__ import annotations

import pytest

from tests.journeys import bank_steps, certificate_steps, exam_steps
from tests.journeys.way import Journey

STEPS = [
    bank_steps.found_the_organisation,
    bank_steps.appoint_the_staff,
    bank_steps.write_the_standard,
    bank_steps.import_the_items,
    bank_steps.review_the_items,
    exam_steps.assemble_the_forms,
    exam_steps.plan_the_examination,
    exam_steps.sit_the_examination,
    exam_steps.score_and_release,
    certificate_steps.decide_and_publish,
    certificate_steps.report_and_issue,
    certificate_steps.look_up_and_revoke,
    certificate_steps.verify_the_record,
]


@pytest.mark.journey
@pytest.mark.slow
def test_the_whole_way_from_an_empty_installation_to_a_certificate(browser, fresh_installation):
    """Walk every step.

    All acts are those of people in a browser, with two exceptions: reviewing 496 items three times by hand is left to
    the service behind the review desk after a few have been decided there, and the days of publicity pass in the database.
    """
    journey = Journey(fresh_installation, browser, {"first-admin": fresh_installation.password})
    for step in STEPS:
        step(journey)
    journey.leave()
