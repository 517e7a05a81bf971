"""Blueprints that were published before there were versions become version 1, in force as they were."""

from __future__ import annotations

import json
import uuid

import pytest
from alembic import command
from sqlalchemy import text

from kernel.db import db
from kernel.identity.actor import system_actor
from kernel.identity.models import OrganisationKind
from kernel.identity.services import create_organisation
from kernel.settings import Settings
from kernel.uow import unit_of_work
from web import database
from web.app import create_app

BEFORE, AFTER = "0017_add_standard_panels", "0018_add_blueprint_versions"
COLUMNS = (
    "exam_blueprint_id, organisation_id, standard_level_id, occupation_code, occupation_name, level_code, level_name, "
    "name, spec, n_items, total_score, duration_minutes, status, created_at, updated_at, published_at, version"
)


@pytest.fixture
def old(tmp_path, empty_database_url):
    """An installation at the schema before, with an organisation."""
    settings = Settings(instance_dir=tmp_path, database_url=empty_database_url, secret_key="m" * 40)
    app = create_app(settings)
    with app.app_context():
        command.upgrade(database.alembic_config(), BEFORE)
        with unit_of_work(system_actor()) as uow:
            row = create_organisation(uow, code="DEMO", name="演示机构", kind=OrganisationKind.SOCIAL)
        yield row.organisation_id
        db.session.remove()
        db.engine.dispose()


def insert(organisation_id, name, status, published_at):
    """Put a blueprint into the old table; return its key as the database keeps it."""
    is_sqlite = db.engine.dialect.name == "sqlite"
    key = uuid.uuid4()
    values = {
        "key": key.hex if is_sqlite else key, "org": organisation_id.hex if is_sqlite else organisation_id,
        "level": uuid.uuid4().hex if is_sqlite else uuid.uuid4(), "name": name, "status": status,
        "spec": json.dumps({"n_items": 1, "types": [{"type": "essay", "count": 1}]}), "at": published_at,
    }  # fmt: skip
    with db.engine.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO exam_blueprints ({COLUMNS}) VALUES (:key, :org, :level, '1', '电工', '4', '四级', :name, "  # noqa: S608 - our own names
                ":spec, 1, 10, 90, :status, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00', :at, 1)"
            ),
            values,
        )


def test_what_was_published_before_is_version_one_and_approved(old):
    insert(old, "已发布的", "published", "2026-01-02 00:00:00+00:00")
    insert(old, "草稿", "draft", None)
    command.upgrade(database.alembic_config(), AFTER)
    with db.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT name, version_number, approved_at IS NOT NULL FROM exam_blueprints ORDER BY version_number")
        ).all()
        versions = connection.execute(text("SELECT name, number, n_items FROM exam_blueprint_versions")).all()
        acts = connection.execute(text("SELECT act, number FROM exam_blueprint_decisions")).all()
    assert [tuple(row) for row in rows] == [("草稿", 0, False), ("已发布的", 1, True)]
    assert [tuple(row) for row in versions] == [("已发布的", 1, 1)]
    assert [tuple(row) for row in acts] == [("waive", 1)]
    command.downgrade(database.alembic_config(), BEFORE)
    command.upgrade(database.alembic_config(), AFTER)
