"""Let sessions keep forms in reserve, and record every switch to one of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045_add_form_switches"
down_revision = "0044_add_result_files"
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


def add_switches():
    op.create_table(
        "form_switches",
        sa.Column("form_switch_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("exam_room_id", sa.Uuid(), nullable=True),
        sa.Column("registration_id", sa.Uuid(), nullable=True),
        sa.Column("form_id", sa.Uuid(), nullable=False, comment="the standby form"),
        sa.Column(
            "reason", sa.Enum("leak", "misprint", "damaged", "other", name="switchreason", native_enum=False,
            create_constraint=True, length=32), nullable=False,
        ),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column(
            "state", sa.Enum("proposed", "done", "refused", "withdrawn", name="switchstate", native_enum=False,
            create_constraint=True, length=32), nullable=False,
        ),
        sa.Column("n_switched", sa.Integer(), nullable=False),
        sa.Column("n_kept", sa.Integer(), nullable=False, comment="had begun and kept their form"),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_by_name", sa.String(length=100), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_form_switches_decided_has_time")),
        sa.CheckConstraint(
            "registration_id IS NULL OR exam_room_id IS NULL", name=op.f("ck_form_switches_at_most_one_scope")
        ),
        sa.ForeignKeyConstraint(
            ["exam_room_id"], ["exam_rooms.exam_room_id"], name=op.f("fk_form_switches_exam_room_id_exam_rooms")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"], ["exam_sessions.exam_session_id"],
            name=op.f("fk_form_switches_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"],
            name=op.f("fk_form_switches_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.registration_id"],
            name=op.f("fk_form_switches_registration_id_registrations"),
        ),
        sa.PrimaryKeyConstraint("form_switch_id", name=op.f("pk_form_switches")),
    )  # fmt: skip
    op.create_index("ix_form_switches_exam_session_id", "form_switches", ["exam_session_id"])


def upgrade():
    add_switches()
    op.create_table(
        "switched_forms",
        sa.Column("form_switch_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("previous_form_id", sa.Uuid(), nullable=False),
        sa.Column("previous_seed", sa.BigInteger(), nullable=False),
        sa.Column("previous_digest", sa.String(length=64), nullable=False, comment="of the form as it was rendered"),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_switched_forms_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["form_switch_id"], ["form_switches.form_switch_id"],
            name=op.f("fk_switched_forms_form_switch_id_form_switches"),
        ),
        sa.PrimaryKeyConstraint("form_switch_id", "attempt_id", name=op.f("pk_switched_forms")),
    )  # fmt: skip
    op.create_index(op.f("ix_switched_forms_attempt_id"), "switched_forms", ["attempt_id"])
    make_append_only("switched_forms")
    column = sa.Column(
        "standby_form_ids", JSON, server_default=sa.text("'[]'"), nullable=False,
        comment="in reserve: given only by a switch of two persons",
    )  # fmt: skip
    op.add_column("exam_sessions", column)


def downgrade():
    op.drop_column("exam_sessions", "standby_form_ids")
    op.drop_table("switched_forms")
    op.drop_table("form_switches")
