"""Add workflow versions."""

import datetime
import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_add_workflow_versions"
down_revision = "0011_add_import_memory"
branch_labels = None
depends_on = None


def give_stages_a_definition():
    """Make the stages in force the first version of each organisation's workflow, with the usual transitions."""
    bind = op.get_bind()
    stages = sa.table(
        "workflow_stages",
        *(sa.column(c, sa.Uuid()) for c in ("workflow_stage_id", "organisation_id", "workflow_definition_id")),
        sa.column("position"),
        sa.column("is_active", sa.Boolean()),
    )
    definitions = sa.table(
        "workflow_definitions",
        *(sa.column(c, sa.Uuid()) for c in ("workflow_definition_id", "organisation_id", "created_by")),
        sa.column("number"),
        sa.column("is_current", sa.Boolean()),
        sa.column("note"),
        sa.column("created_at", sa.DateTime(timezone=True)),
    )
    transitions = sa.table(
        "workflow_transitions",
        sa.column("workflow_stage_id", sa.Uuid()),
        sa.column("decision"),
        sa.column("target"),
        sa.column("to_stage_id", sa.Uuid()),
    )
    query = sa.select(stages.c.organisation_id, stages.c.workflow_stage_id).where(stages.c.is_active)
    chains = {}
    for organisation_id, stage_id in bind.execute(query.order_by(stages.c.position)):
        chains.setdefault(organisation_id, []).append(stage_id)
    for organisation_id, chain in chains.items():
        key = uuid.uuid4()
        bind.execute(
            definitions.insert().values(
                workflow_definition_id=key,
                organisation_id=organisation_id,
                number=1,
                is_current=True,
                note="",
                created_at=datetime.datetime.now(datetime.UTC),
            )
        )
        bind.execute(stages.update().where(stages.c.workflow_stage_id.in_(chain)).values(workflow_definition_id=key))
        for stage_id, following in zip(chain, [*chain[1:], None]):
            onward = ("stage", following) if following else ("approved", None)
            ways = {"approve": onward, "return": ("draft", None), "reject": ("retired", None)}
            for decision, (target, there) in ways.items():
                row = {"workflow_stage_id": stage_id, "decision": decision, "target": target, "to_stage_id": there}
                bind.execute(transitions.insert().values(**row))
    items = sa.table("items", sa.column("status"), sa.column("stage_entered_at"), sa.column("submitted_at"))
    bind.execute(items.update().where(items.c.status == "in_review").values(stage_entered_at=items.c.submitted_at))


def upgrade():
    op.create_table(
        "reminders",
        sa.Column("reminder_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "subject", sa.String(length=160), nullable=False, comment="what it is about, so that it is said once"
        ),
        sa.Column("message", sa.String(length=200), nullable=False, comment="a marked message"),
        sa.Column(
            "context", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("href", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_reminders_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("reminder_id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("user_id", "subject", name=op.f("uq_reminders_user_id_subject")),
    )
    with op.batch_alter_table("reminders", schema=None) as batch_op:
        batch_op.create_index("ix_reminders_user_id_seen_at", ["user_id", "seen_at"], unique=False)

    op.create_table(
        "workflow_definitions",
        sa.Column("workflow_definition_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_workflow_definitions_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("workflow_definition_id", name=op.f("pk_workflow_definitions")),
        sa.UniqueConstraint("organisation_id", "number", name=op.f("uq_workflow_definitions_organisation_id_number")),
    )
    op.create_table(
        "workflow_transitions",
        sa.Column("workflow_stage_id", sa.Uuid(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "approve", "return", "reject", name="decision", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("target", sa.String(length=12), nullable=False, comment="stage, approved, draft or retired"),
        sa.Column("to_stage_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["to_stage_id"],
            ["workflow_stages.workflow_stage_id"],
            name=op.f("fk_workflow_transitions_to_stage_id_workflow_stages"),
        ),
        sa.ForeignKeyConstraint(
            ["workflow_stage_id"],
            ["workflow_stages.workflow_stage_id"],
            name=op.f("fk_workflow_transitions_workflow_stage_id_workflow_stages"),
        ),
        sa.PrimaryKeyConstraint("workflow_stage_id", "decision", name=op.f("pk_workflow_transitions")),
    )
    op.create_table(
        "review_assignments",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("workflow_stage_id", sa.Uuid(), nullable=False),
        sa.Column("review_round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("assigned_by", sa.Uuid(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_review_assignments_item_id_items")),
        sa.ForeignKeyConstraint(
            ["workflow_stage_id"],
            ["workflow_stages.workflow_stage_id"],
            name=op.f("fk_review_assignments_workflow_stage_id_workflow_stages"),
        ),
        sa.PrimaryKeyConstraint(
            "item_id", "workflow_stage_id", "review_round", "reviewer_id", name=op.f("pk_review_assignments")
        ),
    )
    with op.batch_alter_table("review_assignments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_review_assignments_reviewer_id"), ["reviewer_id"], unique=False)

    op.add_column(
        "items",
        sa.Column(
            "stage_entered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it came to the stage in which it stands",
        ),
    )
    op.add_column(
        "items",
        sa.Column(
            "superseded_version_id",
            sa.Uuid(),
            nullable=True,
            comment="in use until the approved version's day; none where nothing is in use before",
        ),
    )
    op.add_column(
        "items",
        sa.Column(
            "effective_on", sa.Date(), nullable=True, comment="the day from which the approved version is in use"
        ),
    )

    op.add_column(
        "workflow_stages",
        sa.Column(
            "workflow_definition_id",
            sa.Uuid(),
            nullable=True,
            comment="of workflow_definitions; none for stages removed before definitions had versions",
        ),
    )
    op.add_column(
        "workflow_stages",
        sa.Column(
            "options",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=True,
            comment="settings of the stage; none: the usual ones",
        ),
    )
    op.create_index(
        op.f("ix_workflow_stages_workflow_definition_id"), "workflow_stages", ["workflow_definition_id"], unique=False
    )
    give_stages_a_definition()


def downgrade():
    op.drop_index(op.f("ix_workflow_stages_workflow_definition_id"), table_name="workflow_stages")
    op.drop_column("workflow_stages", "options")
    op.drop_column("workflow_stages", "workflow_definition_id")

    op.drop_column("items", "effective_on")
    op.drop_column("items", "superseded_version_id")
    op.drop_column("items", "stage_entered_at")

    with op.batch_alter_table("review_assignments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_review_assignments_reviewer_id"))

    op.drop_table("review_assignments")
    op.drop_table("workflow_transitions")
    op.drop_table("workflow_definitions")
    with op.batch_alter_table("reminders", schema=None) as batch_op:
        batch_op.drop_index("ix_reminders_user_id_seen_at")

    op.drop_table("reminders")
