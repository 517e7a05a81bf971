"""Add marking plans, markers' desks, flags to the leader, and what a mark says about itself."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025_add_marking_plans"
down_revision = "0024_add_appeals_and_rulings"
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


def json_type():
    """Return the type of a JSON document on either engine."""
    return sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def enum(name, *values):
    """Return an enumeration as a checked text."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade():
    create_plans()
    create_desks()
    create_flags()
    # added without rebuilding the tables, so that their append-only triggers stay
    op.add_column(
        "marks",
        sa.Column(
            "criteria", json_type(), nullable=False, server_default="[]",
            comment="marks of each scoring point as text; empty: only a total was given",
        ),
    )  # fmt: skip
    op.add_column(
        "marks",
        sa.Column(
            "is_final", sa.Boolean(), nullable=False, server_default=sa.false(),
            comment="the decision of a third person or of the leader",
        ),
    )  # fmt: skip
    op.add_column(
        "marks", sa.Column("seconds", sa.Integer(), nullable=True, comment="from taking the answer to marking it")
    )
    op.add_column(
        "slot_scores",
        sa.Column("mark_ids", sa.JSON(), nullable=True, comment="the marks that count; null where the machine scored"),
    )


def create_plans():
    """Create how each item is marked."""
    op.create_table(
        "marking_plans",
        sa.Column("marking_plan_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("method", enum("markingmethod", "single", "double"), nullable=False),
        sa.Column("tolerance", sa.Numeric(7, 3), nullable=False, comment="points by which two marks may differ"),
        sa.Column("final_rule", enum("finalrule", "mean", "higher"), nullable=False),
        sa.Column("dispute_rule", enum("disputerule", "third", "closest"), nullable=False),
        sa.Column("leader_id", sa.Uuid(), nullable=True, comment="who decides; nobody: any third marker"),
        sa.Column(
            "markers", json_type(), nullable=False,
            comment="[user, quota or null]; empty: every marker of the organisation",
        ),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("tolerance >= 0", name=op.f("ck_marking_plans_tolerance_not_negative")),
        sa.ForeignKeyConstraint(
            ["exam_session_id"], ["exam_sessions.exam_session_id"],
            name=op.f("fk_marking_plans_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"],
            name=op.f("fk_marking_plans_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("marking_plan_id", name=op.f("pk_marking_plans")),
        sa.UniqueConstraint("exam_session_id", "form_id", "slot", name=op.f("uq_marking_plans_exam_session_id_form_id_slot")),
    )  # fmt: skip


def create_desks():
    """Create what markers have taken and typed."""
    op.create_table(
        "marking_desks",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("marked_by", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "draft", json_type(), nullable=False, comment="score, comment and criteria as typed; empty: nothing yet"
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_marking_desks_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"],
            name=op.f("fk_marking_desks_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("attempt_id", "slot", "marked_by", name=op.f("pk_marking_desks")),
    )  # fmt: skip
    op.create_index("ix_marking_desks_marked_by", "marking_desks", ["marked_by"])


def create_flags():
    """Create what was handed to the leader."""
    op.create_table(
        "marking_flags",
        sa.Column("marking_flag_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("kind", enum("flagkind", "unreadable", "rubric", "suspicious", "other"), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("flagged_by", sa.Uuid(), nullable=True),
        sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_marking_flags_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"],
            name=op.f("fk_marking_flags_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("marking_flag_id", name=op.f("pk_marking_flags")),
    )  # fmt: skip
    op.create_index("ix_marking_flags_attempt_id_slot", "marking_flags", ["attempt_id", "slot"])
    make_append_only("marking_flags")


def downgrade():
    op.execute("ALTER TABLE slot_scores DROP COLUMN mark_ids")
    for column in ("seconds", "is_final", "criteria"):
        op.execute(f"ALTER TABLE marks DROP COLUMN {column}")
    for table in ("marking_flags", "marking_desks", "marking_plans"):
        op.drop_table(table)
