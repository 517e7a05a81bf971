"""Add rescue files, spans away from the exam page, and the tools a session offers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023_add_rescue_and_leaving"
down_revision = "0022_add_signed_certificates"
branch_labels = None
depends_on = None

APPEND_ONLY = ("leave_events",)
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


def add_rescue_files():
    op.create_table(
        "rescue_files",
        sa.Column("rescue_file_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the file as it came"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.String(length=40), nullable=False, comment="server clock as the page carried it"),
        sa.Column("n_events", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "uploaded", "imported", "held", "counted", "left_out",
                name="rescuestate", native_enum=False, create_constraint=True, length=32,
            ),
            nullable=False,
        ),
        sa.Column("outcome", JSON, nullable=False, comment="number of answers by verdict when it was imported"),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(state = 'uploaded') = (imported_at IS NULL)", name=op.f("ck_rescue_files_imported_has_time")
        ),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_rescue_files_attempt_id_attempts")),
        sa.ForeignKeyConstraint(
            ["exam_session_id"], ["exam_sessions.exam_session_id"],
            name=op.f("fk_rescue_files_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"],
            name=op.f("fk_rescue_files_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("rescue_file_id", name=op.f("pk_rescue_files")),
        sa.UniqueConstraint("attempt_id", "digest", name=op.f("uq_rescue_files_attempt_id_digest")),
    )  # fmt: skip
    with op.batch_alter_table("rescue_files", schema=None) as batch_op:
        batch_op.create_index("ix_rescue_files_exam_session_id_state", ["exam_session_id", "state"], unique=False)


def add_leave_events():
    op.create_table(
        "leave_events",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="hidden, blurred or not full screen"),
        sa.Column("seconds", sa.Integer(), nullable=False, comment="how long, as the page measured it"),
        sa.Column("client_time", sa.String(length=40), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_leave_events_attempt_id_attempts")
        ),
        sa.PrimaryKeyConstraint("attempt_id", "seq", name=op.f("pk_leave_events")),
        sqlite_with_rowid=False,
    )
    for table in APPEND_ONLY:
        make_append_only(table)


def upgrade():
    add_rescue_files()
    add_leave_events()
    op.add_column(
        "exam_sessions",
        sa.Column(
            "tools", JSON, server_default=sa.text("'[]'"), nullable=False,
            comment="what the exam page offers: calculator, scratch pad",
        ),
    )  # fmt: skip


def downgrade():
    op.drop_column("exam_sessions", "tools")
    op.drop_table("leave_events")
    op.drop_table("rescue_files")
