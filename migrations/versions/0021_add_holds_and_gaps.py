"""Add pauses and locks of attempts, spans without contact, and the check at the door."""

import sqlalchemy as sa
from alembic import op

revision = "0021_add_holds_and_gaps"
down_revision = "0020_add_key_changes"
branch_labels = None
depends_on = None

APPEND_ONLY = ("contact_gaps",)
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


def moment(name, comment):
    """Return a column for a moment that may never come."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True, comment=comment)


def upgrade():
    op.add_column("attempts", moment("paused_at", "the clock stands still since then"))
    op.add_column("attempts", moment("locked_at", "read-only since then; the clock goes on"))
    op.add_column(
        "attempts",
        sa.Column(
            "hold_reason",
            sa.String(length=200),
            nullable=False,
            server_default="",
            comment="what the candidate reads meanwhile",
        ),
    )
    op.add_column("registrations", moment("checked_in_at", "identity checked at the door"))
    op.add_column("registrations", moment("refused_at", "turned away at the door; cannot sign in"))
    op.add_column("deadline_changes", sa.Column("is_pause", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "contact_gaps",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_contact_gaps_attempt_id_attempts")
        ),
        sa.PrimaryKeyConstraint("attempt_id", "started_at", name=op.f("pk_contact_gaps")),
        sqlite_with_rowid=False,
    )
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    op.drop_table("contact_gaps")
    op.drop_column("deadline_changes", "is_pause")
    for table, columns in (
        ("registrations", ("refused_at", "checked_in_at")),
        ("attempts", ("hold_reason", "locked_at", "paused_at")),
    ):
        for column in columns:
            op.drop_column(table, column)
