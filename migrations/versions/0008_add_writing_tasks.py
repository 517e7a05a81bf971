"""Add writing tasks."""

import sqlalchemy as sa
from alembic import op


revision = "0008_add_writing_tasks"
down_revision = "0007_add_curation"
branch_labels = None
depends_on = None


APPEND_ONLY = ("writing_task_events",)
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


def upgrade():
    op.create_table(
        "writing_targets",
        sa.Column("assessment_point_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("n_wanted", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_writing_targets_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_writing_targets_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("assessment_point_id", "type", name=op.f("pk_writing_targets")),
    )
    with op.batch_alter_table("writing_targets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_writing_targets_standard_level_id"), ["standard_level_id"], unique=False)

    op.create_table(
        "writing_tasks",
        sa.Column("writing_task_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "open",
                "delivered",
                "accepted",
                "cancelled",
                name="taskstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "source", sa.String(length=120), nullable=False, comment="what asked for it, such as assembly_run:<id>"
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('planned', 'cancelled') OR (expert_id IS NOT NULL AND due_on IS NOT NULL)",
            name=op.f("ck_writing_tasks_issued_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_writing_tasks_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_writing_tasks_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("writing_task_id", name=op.f("pk_writing_tasks")),
    )
    with op.batch_alter_table("writing_tasks", schema=None) as batch_op:
        batch_op.create_index("ix_writing_tasks_expert_id_status", ["expert_id", "status"], unique=False)
        batch_op.create_index(
            "ix_writing_tasks_organisation_id_status", ["organisation_id", "status", "due_on"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_writing_tasks_standard_level_id"), ["standard_level_id"], unique=False)

    op.create_table(
        "writing_task_events",
        sa.Column("writing_task_event_id", sa.Uuid(), nullable=False),
        sa.Column("writing_task_id", sa.Uuid(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "plan",
                "issue",
                "extend",
                "deliver",
                "return",
                "accept",
                "cancel",
                name="taskact",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("acted_by", sa.Uuid(), nullable=True),
        sa.Column("acted_by_name", sa.String(length=100), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["writing_task_id"],
            ["writing_tasks.writing_task_id"],
            name=op.f("fk_writing_task_events_writing_task_id_writing_tasks"),
        ),
        sa.PrimaryKeyConstraint("writing_task_event_id", name=op.f("pk_writing_task_events")),
    )
    with op.batch_alter_table("writing_task_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_writing_task_events_writing_task_id"), ["writing_task_id"], unique=False)

    op.create_table(
        "writing_task_lines",
        sa.Column("writing_task_line_id", sa.Uuid(), nullable=False),
        sa.Column("writing_task_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "assessment_point_id",
            sa.Uuid(),
            nullable=True,
            comment="no key: none for a point that the outline still lacks",
        ),
        sa.Column("point_code", sa.String(length=60), nullable=False),
        sa.Column("point_name", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("difficulty", sa.Integer(), nullable=True),
        sa.Column("n_wanted", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "difficulty IS NULL OR difficulty BETWEEN 1 AND 5", name=op.f("ck_writing_task_lines_difficulty_range")
        ),
        sa.CheckConstraint("n_wanted > 0", name=op.f("ck_writing_task_lines_wanted_positive")),
        sa.ForeignKeyConstraint(
            ["writing_task_id"],
            ["writing_tasks.writing_task_id"],
            name=op.f("fk_writing_task_lines_writing_task_id_writing_tasks"),
        ),
        sa.PrimaryKeyConstraint("writing_task_line_id", name=op.f("pk_writing_task_lines")),
    )
    with op.batch_alter_table("writing_task_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_writing_task_lines_writing_task_id"), ["writing_task_id"], unique=False)

    op.create_table(
        "writing_task_items",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("writing_task_line_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_writing_task_items_item_id_items")),
        sa.ForeignKeyConstraint(
            ["writing_task_line_id"],
            ["writing_task_lines.writing_task_line_id"],
            name=op.f("fk_writing_task_items_writing_task_line_id_writing_task_lines"),
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_writing_task_items")),
    )
    with op.batch_alter_table("writing_task_items", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_writing_task_items_writing_task_line_id"), ["writing_task_line_id"], unique=False
        )

    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    with op.batch_alter_table("writing_task_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_writing_task_items_writing_task_line_id"))

    op.drop_table("writing_task_items")
    with op.batch_alter_table("writing_task_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_writing_task_lines_writing_task_id"))

    op.drop_table("writing_task_lines")
    with op.batch_alter_table("writing_task_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_writing_task_events_writing_task_id"))

    op.drop_table("writing_task_events")
    with op.batch_alter_table("writing_tasks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_writing_tasks_standard_level_id"))
        batch_op.drop_index("ix_writing_tasks_organisation_id_status")
        batch_op.drop_index("ix_writing_tasks_expert_id_status")

    op.drop_table("writing_tasks")
    with op.batch_alter_table("writing_targets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_writing_targets_standard_level_id"))

    op.drop_table("writing_targets")
