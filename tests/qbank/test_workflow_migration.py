"""Stages from before definitions had versions become the first version, with the usual transitions."""

from __future__ import annotations

import uuid

import pytest
from alembic import command
from sqlalchemy import text

from kernel.clock import now
from kernel.db import db
from kernel.settings import Settings
from web import database
from web.app import create_app


@pytest.fixture
def before(tmp_path, empty_database_url):
    settings = Settings(instance_dir=tmp_path, database_url=empty_database_url, secret_key="m" * 40)
    app = create_app(settings)
    with app.app_context():
        command.upgrade(database.alembic_config(), "0011_add_import_memory")
        yield app
        db.session.remove()
        db.engine.dispose()


def test_present_stages_become_the_first_version(before):
    organisation, stages = uuid.uuid4().hex, [uuid.uuid4().hex for _ in range(2)]
    with db.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO organisations (organisation_id, code, name, kind, is_active, created_at, version) "
                "VALUES (:id, 'DEMO', '演示机构', 'social', :yes, :at, 1)"
            ),
            {"id": organisation, "yes": True, "at": now()},
        )
        for position, stage in enumerate(stages, 1):
            connection.execute(
                text(
                    "INSERT INTO workflow_stages (workflow_stage_id, organisation_id, position, name, role, quorum, "
                    "is_active, version) VALUES (:id, :organisation, :position, :name, 'reviewer', 1, :yes, 1)"
                ),
                {
                    "id": stage,
                    "organisation": organisation,
                    "position": position,
                    "name": f"第{position}审",
                    "yes": True,
                },
            )
    database.upgrade()
    with db.engine.begin() as connection:
        rows = connection.execute(
            text(
                "SELECT s.name, t.decision, t.target, n.name FROM workflow_transitions t "
                "JOIN workflow_stages s ON s.workflow_stage_id = t.workflow_stage_id "
                "JOIN workflow_definitions d ON d.workflow_definition_id = s.workflow_definition_id AND d.is_current "
                "LEFT JOIN workflow_stages n ON n.workflow_stage_id = t.to_stage_id"
            )
        ).all()
    approvals = {row[0]: (row[2], row[3]) for row in rows if row[1] == "approve"}
    assert approvals == {"第1审": ("stage", "第2审"), "第2审": ("approved", None)}
    assert {(row[1], row[2]) for row in rows if row[1] != "approve"} == {("return", "draft"), ("reject", "retired")}
