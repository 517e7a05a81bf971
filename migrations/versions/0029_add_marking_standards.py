"""Add answers with an agreed mark, what markers gave to them, and paused queues."""

import sqlalchemy as sa
from alembic import op

revision = "0029_add_marking_standards"
down_revision = "0028_add_accommodations"
branch_labels = None
depends_on = None

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


def kind(comment=None):
    """Return a column with what an agreed mark is for."""
    values = sa.Enum("training", "check", name="standardkind", native_enum=False, create_constraint=True, length=32)
    return sa.Column("kind", values, nullable=False, comment=comment)


def refers(table, column, target):
    """Return a foreign key with the name that the models give."""
    return sa.ForeignKeyConstraint([column], [f"{target}.{column}"], name=op.f(f"fk_{table}_{column}_{target}"))


def upgrade():
    op.create_table(
        "marking_standards",
        sa.Column("marking_standard_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        kind(),
        sa.Column("score", sa.Numeric(7, 3), nullable=False),
        sa.Column("max_score", sa.Numeric(7, 3), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False, comment="why this mark; shown after training"),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        refers("marking_standards", "attempt_id", "attempts"),
        refers("marking_standards", "exam_session_id", "exam_sessions"),
        refers("marking_standards", "organisation_id", "organisations"),
        sa.PrimaryKeyConstraint("marking_standard_id", name=op.f("pk_marking_standards")),
        sa.UniqueConstraint("attempt_id", "slot", name=op.f("uq_marking_standards_attempt_id_slot")),
    )
    op.create_index("ix_marking_standards_exam_session_id", "marking_standards", ["exam_session_id"])
    op.create_table(
        "marking_trials",
        sa.Column("marking_trial_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("marking_standard_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Numeric(7, 3), nullable=False),
        sa.Column("is_hit", sa.Boolean(), nullable=False),
        sa.Column("marked_by", sa.Uuid(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        refers("marking_trials", "marking_standard_id", "marking_standards"),
        refers("marking_trials", "organisation_id", "organisations"),
        sa.PrimaryKeyConstraint("marking_trial_id", name=op.f("pk_marking_trials")),
        sa.UniqueConstraint(
            "marking_standard_id", "marked_by", name=op.f("uq_marking_trials_marking_standard_id_marked_by")
        ),
    )
    make_append_only("marking_trials")
    op.create_table(
        "marking_pauses",
        sa.Column("marking_pause_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("marked_by", sa.Uuid(), nullable=False),
        kind("training: not passed; check: drifted from the agreed marks"),
        sa.Column("n_hits", sa.Integer(), nullable=False),
        sa.Column("n_tried", sa.Integer(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        refers("marking_pauses", "exam_session_id", "exam_sessions"),
        refers("marking_pauses", "organisation_id", "organisations"),
        sa.PrimaryKeyConstraint("marking_pause_id", name=op.f("pk_marking_pauses")),
    )
    op.create_index("ix_marking_pauses_exam_session_id", "marking_pauses", ["exam_session_id"])


def downgrade():
    for table in ("marking_pauses", "marking_trials", "marking_standards"):
        op.drop_table(table)
