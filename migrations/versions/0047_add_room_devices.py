"""Know the machines of a room: where each stands, its newest check, and when it was carried elsewhere."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047_add_room_devices"
down_revision = "0046_add_key_changes_over_forms"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
REFUSE_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"""


def make_append_only(table):
    """Let the database itself refuse to change or delete rows."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(REFUSE_FUNCTION)
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


def foreign(table, column, target):
    name = op.f(f"fk_{table}_{column}_{target.partition('.')[0]}")
    return sa.ForeignKeyConstraint([column], [target], name=name)


def upgrade():
    op.create_table(
        "room_devices",
        sa.Column("room_device_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_room_id", sa.Uuid(), nullable=False),
        sa.Column("seat_number", sa.Integer(), nullable=True, comment="none: in store, or retired"),
        sa.Column("code", sa.String(length=40), nullable=False, comment="the number on the machine"),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False, comment="what its browser called itself"),
        sa.Column("findings", JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("is_ready", sa.Boolean(), nullable=True, comment="of the newest check at its present seat"),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        foreign("room_devices", "exam_room_id", "exam_rooms.exam_room_id"),
        foreign("room_devices", "organisation_id", "organisations.organisation_id"),
        sa.PrimaryKeyConstraint("room_device_id", name=op.f("pk_room_devices")),
        sa.UniqueConstraint("exam_room_id", "seat_number", name=op.f("uq_room_devices_exam_room_id_seat_number")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_room_devices_organisation_id_code")),
    )
    op.create_table(
        "device_moves",
        sa.Column("device_move_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("room_device_id", sa.Uuid(), nullable=False),
        sa.Column("from_room_id", sa.Uuid(), nullable=False),
        sa.Column("from_seat", sa.Integer(), nullable=True),
        sa.Column("to_room_id", sa.Uuid(), nullable=False),
        sa.Column("to_seat", sa.Integer(), nullable=True),
        sa.Column("moved_by", sa.Uuid(), nullable=True, comment="none: found by a check of the seat"),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        foreign("device_moves", "from_room_id", "exam_rooms.exam_room_id"),
        foreign("device_moves", "organisation_id", "organisations.organisation_id"),
        foreign("device_moves", "room_device_id", "room_devices.room_device_id"),
        foreign("device_moves", "to_room_id", "exam_rooms.exam_room_id"),
        sa.PrimaryKeyConstraint("device_move_id", name=op.f("pk_device_moves")),
    )
    op.create_index(op.f("ix_device_moves_room_device_id"), "device_moves", ["room_device_id"])
    make_append_only("device_moves")


def downgrade():
    op.drop_table("device_moves")
    op.drop_table("room_devices")
