"""Add examination plans with their lines and amendments; a batch may be given to a plan."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0056_add_exam_plans"
down_revision = "0055_add_incident_rooms"
branch_labels = None
depends_on = None
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
BATCH_KEY = "fk_exam_batches_exam_plan_id_exam_plans"


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


def words(name, *values):
    """Return the type of a column that holds one of some words."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def owner(table):
    """Return the key of the organisation that owns the rows."""
    return sa.ForeignKeyConstraint(
        ["organisation_id"], ["organisations.organisation_id"], name=op.f(f"fk_{table}_organisation_id_organisations")
    )


def plan_of(table):
    """Return the key of the plan that the rows belong to."""
    return sa.ForeignKeyConstraint(
        ["exam_plan_id"], ["exam_plans.exam_plan_id"], name=op.f(f"fk_{table}_exam_plan_id_exam_plans")
    )


def create_plans():
    """Create the heads of the plans."""
    op.create_table(
        "exam_plans",
        sa.Column("exam_plan_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("filing_number", sa.String(length=80), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("status", words("planstatus", "draft", "filed", "closed"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_exam_plans_starts_before_end")),
        owner("exam_plans"),
        sa.PrimaryKeyConstraint("exam_plan_id", name=op.f("pk_exam_plans")),
        sa.UniqueConstraint("organisation_id", "title", name=op.f("uq_exam_plans_organisation_id_title")),
    )
    op.create_index("ix_exam_plans_organisation_id_starts_on", "exam_plans", ["organisation_id", "starts_on"])


def create_lines():
    """Create the lines of the plans."""
    op.create_table(
        "exam_plan_lines",
        sa.Column("exam_plan_line_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_plan_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("occupation_code", sa.String(length=20), nullable=False),
        sa.Column("occupation_name", sa.String(length=100), nullable=False),
        sa.Column("level_code", sa.String(length=20), nullable=False),
        sa.Column("level_name", sa.String(length=60), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("n_planned", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("n_planned > 0", name=op.f("ck_exam_plan_lines_n_planned_positive")),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_exam_plan_lines_starts_before_end")),
        plan_of("exam_plan_lines"),
        owner("exam_plan_lines"),
        sa.PrimaryKeyConstraint("exam_plan_line_id", name=op.f("pk_exam_plan_lines")),
    )
    op.create_index(op.f("ix_exam_plan_lines_exam_plan_id"), "exam_plan_lines", ["exam_plan_id"])


def create_amendments():
    """Create what filed plans were changed by; nobody changes it."""
    kinds = words("amendmentkind", "add", "change", "remove", "filing", "reopen")
    op.create_table(
        "exam_plan_amendments",
        sa.Column("exam_plan_amendment_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_plan_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", kinds, nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("amended_by", sa.Uuid(), nullable=True),
        sa.Column("amended_by_name", sa.String(length=100), nullable=False),
        sa.Column("amended_at", sa.DateTime(timezone=True), nullable=False),
        plan_of("exam_plan_amendments"),
        owner("exam_plan_amendments"),
        sa.PrimaryKeyConstraint("exam_plan_amendment_id", name=op.f("pk_exam_plan_amendments")),
        sa.UniqueConstraint("exam_plan_id", "number", name=op.f("uq_exam_plan_amendments_exam_plan_id_number")),
    )
    make_append_only("exam_plan_amendments")


def upgrade():
    create_plans()
    create_lines()
    create_amendments()
    with op.batch_alter_table("exam_batches") as batch:
        batch.add_column(sa.Column("exam_plan_id", sa.Uuid(), nullable=True, comment="the plan that it carries out"))
        batch.create_index(op.f("ix_exam_batches_exam_plan_id"), ["exam_plan_id"])
        batch.create_foreign_key(op.f(BATCH_KEY), "exam_plans", ["exam_plan_id"], ["exam_plan_id"])


def downgrade():
    with op.batch_alter_table("exam_batches") as batch:
        batch.drop_constraint(op.f(BATCH_KEY), type_="foreignkey")
        batch.drop_index(op.f("ix_exam_batches_exam_plan_id"))
        batch.drop_column("exam_plan_id")
    for table in ("exam_plan_amendments", "exam_plan_lines", "exam_plans"):
        op.drop_table(table)
