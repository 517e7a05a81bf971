"""Let attempts be opened again after their session was closed."""

import sqlalchemy as sa
from alembic import op

revision = "0054_reopen_closed_sessions"
down_revision = "0053_equate_batches"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "session_reopenings",
        sa.Column("session_reopening_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("exam_room_id", sa.Uuid(), nullable=True),
        sa.Column("registration_id", sa.Uuid(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False, comment="a reason code of acts in a room"),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "done",
                "refused",
                "withdrawn",
                name="reopeningstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("n_reopened", sa.Integer(), nullable=False),
        sa.Column(
            "n_marked", sa.Integer(), nullable=False, comment="left closed, because a person has marked their answers"
        ),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_by_name", sa.String(length=100), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_session_reopenings_decided_has_time")
        ),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_session_reopenings_minutes_positive")),
        sa.CheckConstraint(
            "registration_id IS NULL OR exam_room_id IS NULL", name=op.f("ck_session_reopenings_at_most_one_scope")
        ),
        sa.ForeignKeyConstraint(
            ["exam_room_id"], ["exam_rooms.exam_room_id"], name=op.f("fk_session_reopenings_exam_room_id_exam_rooms")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_session_reopenings_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_session_reopenings_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.registration_id"],
            name=op.f("fk_session_reopenings_registration_id_registrations"),
        ),
        sa.PrimaryKeyConstraint("session_reopening_id", name=op.f("pk_session_reopenings")),
    )
    op.create_index("ix_session_reopenings_exam_session_id", "session_reopenings", ["exam_session_id"])


def downgrade():
    op.drop_table("session_reopenings")
