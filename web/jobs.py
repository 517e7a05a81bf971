"""Jobs that touch several components: here, and only here, a lower component's message reaches a higher one."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import current_app

from certification import public as certification
from exam_delivery import public as exam_delivery
from kernel.clock import today
from kernel.db import db
from kernel.idempotency import forget_old_answers
from kernel.identity.actor import system_actor
from kernel.jobs import JobContext, every, handler
from kernel.profiles import values
from kernel.uow import unit_of_work
from qbank import public as qbank
from qbank.public_changes import report_by_statistics
from qbank.public_statistics import forget_other_figures
from web.analysis.bounds import bounds_of
from web.analysis.form_sets import units
from web.analysis.leads import find_gains, find_leads
from web.analysis.levels import update_level
from web.analysis.sessions import CASE_MINIMUM, alarm_reports, analyse_form, statistics_rows
from web.load_trial import local_sender, run_trial

HOUR_SECONDS = 3600.0


@every(HOUR_SECONDS, "web.forget_answers")
def forget_answers() -> None:
    """Delete the answers kept under idempotency keys whose day is over."""
    with unit_of_work(system_actor(name="web.forget_answers")) as uow:
        forget_old_answers(uow)


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


@handler(exam_delivery.ANALYSE_JOB)
def analyse_session(context: JobContext) -> None:
    """Compute item and test figures of a scored session; keep them with the session and beside the items."""
    exam_session_id = uuid.UUID(context.payload["exam_session_id"])
    inside = replace(context, actor=system_actor(context.actor.organisation_id, name=exam_delivery.ANALYSE_JOB))
    tables = exam_delivery.load_form_tables(db.session(), inside.actor, exam_session_id)
    rules = values(db.session(), inside.actor.organisation)
    sets = exam_delivery.load_form_sets(db.session(), inside.actor, [table.form_id for table in tables])
    together = units(tables, sets)
    reports, leads = {}, {}
    for number, unit in enumerate(together):
        table = unit.table
        context.progress(100 * number // len(together), table.title)
        groups = exam_delivery.load_groups(db.session(), inside.actor, table.attempt_ids)
        reports[table.form_id] = analyse_form(table, groups, bounds_of(rules))
        traces = exam_delivery.load_traces(db.session(), inside.actor, unit.attempts)
        leads[table.form_id] = find_leads(table, unit.in_columns(traces))
    attempts = [key for table in tables for key in table.attempt_ids]
    earlier = exam_delivery.load_earlier_shares(db.session(), inside.actor, exam_session_id, attempts)
    gains = find_gains(tables, earlier)
    for unit in together:
        leads[unit.table.form_id] += [lead for one in unit.members for lead in gains.get(one.form_id, ())]
    with inside.finish({"forms": len(tables)}, result_url=f"/analyses/sessions/{exam_session_id}") as uow:
        exam_delivery.store_analyses(uow, exam_session_id, reports)
        sources, found = f"exam_session:{exam_session_id}:", []
        for form_id, report in reports.items():
            exam_delivery.store_leads(uow, exam_session_id, form_id, leads[form_id])
            found += statistics_rows(report, f"{sources}{form_id}", today())
            report_by_statistics(uow, alarm_reports(report, report["title"], rules[CASE_MINIMUM]))
        forget_other_figures(uow, sources, found)
        qbank.record_statistics(uow, found)
        uow.flush()  # what follows looks at the whole level, this session too
        update_level(uow, exam_session_id)


@handler(exam_delivery.TRIAL_JOB)
def try_load(context: JobContext) -> None:
    """Let made-up candidates sit a practice session and keep what it came to; a run that is begun again starts anew."""
    send = local_sender(current_app.config["KAOKU"])
    figures = run_trial(context.payload["n_candidates"], send, context.progress)
    address = f"/exam-sessions/{context.payload['exam_session_id']}/readiness"
    with context.finish(figures, result_url=address) as uow:
        exam_delivery.keep_trial(uow, uuid.UUID(context.payload["load_trial_id"]), figures)
