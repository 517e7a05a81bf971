"""Keep what two people decide about answers that arrived after the end, and find those answers without a scan."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0059_add_late_decisions"
down_revision = "0058_add_draw_commitments"
branch_labels = None
depends_on = None
TABLE = "late_decisions"
WAITS = sa.text("state = 'proposed'")


def upgrade():
    op.create_table(
        TABLE,
        sa.Column("late_decision_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column(
            "answers",
            sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
            nullable=False,
            comment="slot and sequence number of each answer",
        ),
        sa.Column("does_count", sa.Boolean(), nullable=False),
        sa.Column("reason_code", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "counted",
                "left_out",
                "declined",
                name="latestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_late_decisions_decided_has_time")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name=op.f("ck_late_decisions_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_late_decisions_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_late_decisions_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_late_decisions_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("late_decision_id", name=op.f("pk_late_decisions")),
    )
    op.create_index("ix_late_decisions_attempt_id", TABLE, ["attempt_id"])
    op.create_index(
        "ux_late_decisions_waiting", TABLE, ["attempt_id"], unique=True, sqlite_where=WAITS, postgresql_where=WAITS
    )
    op.create_index(
        "ix_response_events_late",
        "response_events",
        ["attempt_id"],
        sqlite_where=sa.text("is_late = 1"),
        postgresql_where=sa.text("is_late"),
    )


def downgrade():
    op.drop_index("ix_response_events_late", "response_events")
    op.drop_table(TABLE)
