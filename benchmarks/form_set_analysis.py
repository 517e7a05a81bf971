"""Time the analysis of a session in which every candidate sat a form of their own.

    .venv/bin/python -m benchmarks.form_set_analysis [--forms 300] [--items 100] [--copies 17]

The bank has 24 times as many items with options as `copies`; forms are drawn from it by chance. The job is the product's, from
loading the answers to the last row in the bank, on SQLite; the sealed part of the forms stands in, so that opening packages is
not in the time. Statements are those of the job.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from types import ModuleType

from sqlalchemy import event

from exam_delivery import public
from exam_delivery.services import form_sets
from exam_delivery.services import forms as session_forms
from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import OrganisationKind
from kernel.identity.services import create_organisation
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.blueprints.bank_cases import fill_bank
from tests.exam_delivery import world as world_cases
from tests.exam_delivery.world import fake_blueprints
from tests.web.own_forms import OwnForms, own_forms_world
from web import database
from web.app import create_app


def prepare(n_forms: int, n_items: int, copies: int) -> OwnForms:
    """Fill a fresh database with a bank and a scored session on own forms."""
    database.upgrade()
    with unit_of_work(system_actor()) as uow:
        organisation = create_organisation(uow, code="BENCH", name="测量机构", kind=OrganisationKind.SOCIAL)
    bank = fill_bank(organisation.organisation_id, copies=copies)
    forms = OwnForms(bank, n_forms=n_forms, length=n_items)
    stands_in(session_forms, blueprints=fake_blueprints(forms))
    stands_in(form_sets, sets=forms.as_sets())
    stands_in(world_cases, LEVEL=bank.standard_level_id)
    own_forms_world(system_actor(organisation.organisation_id), forms)
    return forms


def stands_in(module: ModuleType, **names: object) -> None:
    """Let something stand in for what a module uses, as long as the program runs."""
    vars(module).update(names)


def main() -> None:
    """Prepare, run the job and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forms", type=int, default=300)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--copies", type=int, default=17)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        settings = Settings(database_url=address, instance_dir=Path(folder), secret_key="b" * 40)
        with create_app(settings).app_context():
            forms = prepare(wanted.forms, wanted.items, wanted.copies)
            job = db.session.query(Job).filter_by(name=public.ANALYSE_JOB).one()
            statements: list[str] = []
            event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
            wall, processor = time.perf_counter(), time.process_time()
            outcome = run_job(job.job_id)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            db.session.remove()
            db.engine.dispose()
    selects = sum(one.startswith("SELECT") for one in statements)
    print(
        f"{outcome}: {wanted.forms} forms of {wanted.items} items, {len(forms.pool)} items in all: "
        f"{wall:.1f} s, {processor:.1f} s of processor time, {len(statements)} statements, {selects} of them queries"
    )


if __name__ == "__main__":
    main()
