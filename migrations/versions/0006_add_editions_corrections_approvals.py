"""Add editions' migrations, correction cases and approvals of banks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_add_editions_corrections_approvals"
down_revision = "0005_create_certification"
branch_labels = None
depends_on = None

APPEND_ONLY = ("migration_steps", "correction_steps", "item_corrections")


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
        "public_reports",
        sa.Column("public_report_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("public_report_id", name=op.f("pk_public_reports")),
    )
    with op.batch_alter_table("public_reports", schema=None) as batch_op:
        batch_op.create_index("ix_public_reports_subject_at", ["subject", "at"], unique=False)
    op.create_table(
        "occupation_aliases",
        sa.Column("occupation_alias_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("occupation_code", sa.String(length=16), nullable=False),
        sa.Column("alias", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_occupation_aliases_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("occupation_alias_id", name=op.f("pk_occupation_aliases")),
        sa.UniqueConstraint("organisation_id", "alias", name=op.f("uq_occupation_aliases_organisation_id_alias")),
    )
    with op.batch_alter_table("occupation_aliases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_occupation_aliases_occupation_code"), ["occupation_code"], unique=False)
    op.create_table(
        "bank_approvals",
        sa.Column("bank_approval_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "approved",
                "returned",
                "withdrawn",
                name="approvalstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("report", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("report_digest", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.String(length=500), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True, comment="who took the bank out of use again"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name=op.f("ck_bank_approvals_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_bank_approvals_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_bank_approvals_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("bank_approval_id", name=op.f("pk_bank_approvals")),
    )
    with op.batch_alter_table("bank_approvals", schema=None) as batch_op:
        batch_op.create_index("ix_bank_approvals_organisation_id_state", ["organisation_id", "state"], unique=False)
        batch_op.create_index(
            "ix_bank_approvals_standard_level_id_proposed_at", ["standard_level_id", "proposed_at"], unique=False
        )
    op.create_table(
        "outline_migrations",
        sa.Column("outline_migration_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("old_level_id", sa.Uuid(), nullable=False),
        sa.Column("new_level_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "applying",
                "applied",
                name="migrationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("n_steps", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column(
            "outcome",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="counts of what applying did",
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_by", sa.Uuid(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state <> 'applied' OR effective_on IS NOT NULL", name=op.f("ck_outline_migrations_applied_has_date")
        ),
        sa.CheckConstraint("old_level_id <> new_level_id", name=op.f("ck_outline_migrations_two_levels")),
        sa.ForeignKeyConstraint(
            ["new_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_outline_migrations_new_level_id_standard_levels"),
        ),
        sa.ForeignKeyConstraint(
            ["old_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_outline_migrations_old_level_id_standard_levels"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_outline_migrations_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("outline_migration_id", name=op.f("pk_outline_migrations")),
        sa.UniqueConstraint(
            "old_level_id", "new_level_id", name=op.f("uq_outline_migrations_old_level_id_new_level_id")
        ),
    )
    with op.batch_alter_table("outline_migrations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outline_migrations_new_level_id"), ["new_level_id"], unique=False)
        batch_op.create_index("ix_outline_migrations_organisation_id_state", ["organisation_id", "state"], unique=False)
    op.create_table(
        "edition_tasks",
        sa.Column("edition_task_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("outline_migration_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "item_split",
                "item_orphaned",
                "point_missing",
                "blueprint",
                name="taskkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open", "done", "dismissed", name="taskstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "subject_id", sa.Uuid(), nullable=False, comment="item, point of the new edition, or draft of a blueprint"
        ),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column(
            "details",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="messages: template and values",
        ),
        sa.Column("resolution", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_edition_tasks_ended_unless_open")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_edition_tasks_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["outline_migration_id"],
            ["outline_migrations.outline_migration_id"],
            name=op.f("fk_edition_tasks_outline_migration_id_outline_migrations"),
        ),
        sa.PrimaryKeyConstraint("edition_task_id", name=op.f("pk_edition_tasks")),
    )
    with op.batch_alter_table("edition_tasks", schema=None) as batch_op:
        batch_op.create_index("ix_edition_tasks_organisation_id_state", ["organisation_id", "state"], unique=False)
        batch_op.create_index("ix_edition_tasks_outline_migration_id", ["outline_migration_id", "kind"], unique=False)
    op.create_table(
        "migration_steps",
        sa.Column("migration_step_id", sa.Uuid(), nullable=False),
        sa.Column("outline_migration_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "propose",
                "accept",
                "decide",
                "reopen",
                "undo",
                "apply",
                name="stepact",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "changes",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="old point, assignment before, assignment after",
        ),
        sa.Column("undoes", sa.Integer(), nullable=True, comment="number of the step that this one took back"),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_by_name", sa.String(length=100), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["outline_migration_id"],
            ["outline_migrations.outline_migration_id"],
            name=op.f("fk_migration_steps_outline_migration_id_outline_migrations"),
        ),
        sa.PrimaryKeyConstraint("migration_step_id", name=op.f("pk_migration_steps")),
        sa.UniqueConstraint(
            "outline_migration_id", "number", name=op.f("uq_migration_steps_outline_migration_id_number")
        ),
    )
    op.create_table(
        "point_assignments",
        sa.Column("outline_migration_id", sa.Uuid(), nullable=False),
        sa.Column("old_point_id", sa.Uuid(), nullable=False),
        sa.Column(
            "targets",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="ids of points of the new edition",
        ),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "same_place",
                "same_name",
                "same_code",
                "parts",
                "similar",
                "none",
                "by_hand",
                name="matchreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_decided", sa.Boolean(), nullable=False),
        sa.CheckConstraint("confidence BETWEEN 0 AND 100", name=op.f("ck_point_assignments_confidence_range")),
        sa.ForeignKeyConstraint(
            ["outline_migration_id"],
            ["outline_migrations.outline_migration_id"],
            name=op.f("fk_point_assignments_outline_migration_id_outline_migrations"),
        ),
        sa.PrimaryKeyConstraint("outline_migration_id", "old_point_id", name=op.f("pk_point_assignments")),
    )
    op.create_table(
        "correction_cases",
        sa.Column("correction_case_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "exam_room",
                "marker",
                "candidate",
                "staff",
                name="reportsource",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "reported",
                "triaged",
                "decided",
                "closed",
                name="casestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("item_version_id", sa.Uuid(), nullable=True, comment="the version that was reported"),
        sa.Column("place", sa.String(length=300), nullable=False, comment="session, form and slot in words"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("contact", sa.LargeBinary(), nullable=True, comment="how to reach a reporter, encrypted"),
        sa.Column("reported_by", sa.Uuid(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "new_version",
                "retirement",
                "rejection",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('decided', 'closed') OR outcome IS NOT NULL",
            name=op.f("ck_correction_cases_decided_has_outcome"),
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_correction_cases_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_correction_cases_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("correction_case_id", name=op.f("pk_correction_cases")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_correction_cases_organisation_id_code")),
    )
    with op.batch_alter_table("correction_cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correction_cases_assigned_to"), ["assigned_to"], unique=False)
        batch_op.create_index("ix_correction_cases_item_id", ["item_id"], unique=False)
        batch_op.create_index("ix_correction_cases_organisation_id_state", ["organisation_id", "state"], unique=False)
    op.create_table(
        "correction_steps",
        sa.Column("correction_step_id", sa.Uuid(), nullable=False),
        sa.Column("correction_case_id", sa.Uuid(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "report",
                "triage",
                "assign",
                "note",
                "quarantine",
                "release",
                "decide",
                "close",
                "reopen",
                name="caseact",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_by_name", sa.String(length=100), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_case_id"],
            ["correction_cases.correction_case_id"],
            name=op.f("fk_correction_steps_correction_case_id_correction_cases"),
        ),
        sa.PrimaryKeyConstraint("correction_step_id", name=op.f("pk_correction_steps")),
    )
    with op.batch_alter_table("correction_steps", schema=None) as batch_op:
        batch_op.create_index("ix_correction_steps_case", ["correction_case_id", "made_at"], unique=False)
    op.create_table(
        "item_corrections",
        sa.Column("item_correction_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("correction_case_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("old_version_id", sa.Uuid(), nullable=False),
        sa.Column("new_version_id", sa.Uuid(), nullable=True),
        sa.Column(
            "change", sa.String(length=20), nullable=False, comment="wording, substance, description, or retired"
        ),
        sa.Column(
            "details", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_case_id"],
            ["correction_cases.correction_case_id"],
            name=op.f("fk_item_corrections_correction_case_id_correction_cases"),
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_item_corrections_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_corrections_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("item_correction_id", name=op.f("pk_item_corrections")),
        sa.UniqueConstraint("correction_case_id", name=op.f("uq_item_corrections_correction_case_id")),
    )
    with op.batch_alter_table("item_corrections", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_corrections_item_id"), ["item_id"], unique=False)
        batch_op.create_index(
            "ix_item_corrections_organisation_id_corrected_at", ["organisation_id", "corrected_at"], unique=False
        )
    op.create_table(
        "item_quarantines",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("correction_case_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_case_id"],
            ["correction_cases.correction_case_id"],
            name=op.f("fk_item_quarantines_correction_case_id_correction_cases"),
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_item_quarantines_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_quarantines_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_quarantines")),
    )
    with op.batch_alter_table("item_quarantines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_quarantines_organisation_id"), ["organisation_id"], unique=False)
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    for table in (
        "item_quarantines",
        "item_corrections",
        "correction_steps",
        "correction_cases",
        "point_assignments",
        "migration_steps",
        "edition_tasks",
        "outline_migrations",
        "bank_approvals",
        "occupation_aliases",
        "public_reports",
    ):
        op.drop_table(table)
