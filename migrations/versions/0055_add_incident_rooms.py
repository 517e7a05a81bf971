"""Say which rooms an incident without candidates belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0055_add_incident_rooms"
down_revision = "0054_reopen_closed_sessions"
branch_labels = None
depends_on = None
TABLE = "incident_rooms"


def make_append_only(table):
    """Let the database itself refuse to change or delete rows."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def upgrade():
    op.create_table(
        TABLE,
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("exam_room_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_room_id"], ["exam_rooms.exam_room_id"], name=op.f("fk_incident_rooms_exam_room_id_exam_rooms")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_rooms_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("incident_id", "exam_room_id", name=op.f("pk_incident_rooms")),
    )
    op.create_index(op.f("ix_incident_rooms_exam_room_id"), TABLE, ["exam_room_id"])
    make_append_only(TABLE)


def downgrade():
    op.drop_table(TABLE)
