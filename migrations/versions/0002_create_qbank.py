"""Create the tables of qbank."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_create_qbank"
down_revision = "0001_create_kernel"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "item_versions",
    "item_points",
    "review_decisions",
)
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
        "occupations",
        sa.Column("occupation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("major_code", sa.String(length=4), nullable=False),
        sa.Column("mid_code", sa.String(length=8), nullable=False),
        sa.Column("mid_name", sa.String(length=60), nullable=False),
        sa.Column("minor_code", sa.String(length=12), nullable=False),
        sa.Column("minor_name", sa.String(length=60), nullable=False),
        sa.Column("is_digital", sa.Boolean(), nullable=False),
        sa.Column("is_green", sa.Boolean(), nullable=False),
        sa.Column("edition", sa.String(length=20), nullable=False),
        sa.Column("work_types", sa.String(length=200), nullable=False),
        sa.Column("source_check", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("occupation_id", name=op.f("pk_occupations")),
        sa.UniqueConstraint("code", name=op.f("uq_occupations_code")),
    )
    op.create_index(op.f("ix_occupations_major_code"), "occupations", ["major_code"], unique=False)
    op.create_index(op.f("ix_occupations_name"), "occupations", ["name"], unique=False)
    op.create_table(
        "item_counters",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.String(length=60), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_counters_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "prefix", name=op.f("pk_item_counters")),
    )
    op.create_table(
        "media",
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("mime", sa.String(length=40), nullable=False),
        sa.Column("n_bytes", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"], name=op.f("fk_media_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_media")),
        sa.UniqueConstraint("organisation_id", "digest", name=op.f("uq_media_organisation_id_digest")),
    )
    op.create_table(
        "occupational_standards",
        sa.Column("occupational_standard_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "national",
                "industry",
                "enterprise",
                "special_ability",
                name="standardkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("occupation_code", sa.String(length=16), nullable=False),
        sa.Column("occupation_name", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_occupational_standards_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("occupational_standard_id", name=op.f("pk_occupational_standards")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_occupational_standards_organisation_id_code")),
    )
    op.create_table(
        "workflow_stages",
        sa.Column("workflow_stage_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "platform_admin",
                "organisation_admin",
                "editor",
                "author",
                "reviewer",
                "assembler",
                "form_approver",
                "exam_officer",
                "invigilator",
                "chief_invigilator",
                "marker",
                "assessor",
                "certification_officer",
                "supervisor",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column(
            "is_active", sa.Boolean(), nullable=False, comment="a removed stage stays for the history that names it"
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("quorum BETWEEN 1 AND 9", name=op.f("ck_workflow_stages_quorum_range")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_workflow_stages_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("workflow_stage_id", name=op.f("pk_workflow_stages")),
    )
    op.create_index(
        "ix_workflow_stages_organisation_id_position", "workflow_stages", ["organisation_id", "position"], unique=False
    )
    op.create_table(
        "standard_editions",
        sa.Column("standard_edition_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("occupational_standard_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("current", "retired", name="editionstatus", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["occupational_standard_id"],
            ["occupational_standards.occupational_standard_id"],
            name=op.f("fk_standard_editions_occupational_standard_id_occupational_standards"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_standard_editions_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("standard_edition_id", name=op.f("pk_standard_editions")),
        sa.UniqueConstraint(
            "occupational_standard_id", "label", name=op.f("uq_standard_editions_occupational_standard_id_label")
        ),
    )
    op.create_table(
        "standard_levels",
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_edition_id", sa.Uuid(), nullable=False),
        sa.Column("level_code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("maps_to", sa.String(length=1), nullable=True, comment="national level of a custom one"),
        sa.Column("rank", sa.Integer(), nullable=False, comment="1 lowest to 5 highest"),
        sa.Column(
            "layout",
            sa.Enum("classic", "chapter", name="outlinelayout", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("draft", "published", name="outlinestatus", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_standard_levels_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_edition_id"],
            ["standard_editions.standard_edition_id"],
            name=op.f("fk_standard_levels_standard_edition_id_standard_editions"),
        ),
        sa.PrimaryKeyConstraint("standard_level_id", name=op.f("pk_standard_levels")),
        sa.UniqueConstraint(
            "standard_edition_id", "level_code", name=op.f("uq_standard_levels_standard_edition_id_level_code")
        ),
    )
    op.create_index(
        "ix_standard_levels_organisation_id_status", "standard_levels", ["organisation_id", "status"], unique=False
    )
    op.create_table(
        "assessment_scopes",
        sa.Column("assessment_scope_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("weight_percent", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(depth = 1) = (parent_id IS NULL)", name=op.f("ck_assessment_scopes_root_depth")),
        sa.CheckConstraint("depth >= 1 AND depth <= 3", name=op.f("ck_assessment_scopes_depth_range")),
        sa.CheckConstraint(
            "weight_percent >= 0 AND weight_percent <= 100", name=op.f("ck_assessment_scopes_weight_range")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_assessment_scopes_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["assessment_scopes.assessment_scope_id"],
            name=op.f("fk_assessment_scopes_parent_id_assessment_scopes"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_assessment_scopes_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("assessment_scope_id", name=op.f("pk_assessment_scopes")),
        sa.UniqueConstraint(
            "standard_level_id", "parent_id", "code", name=op.f("uq_assessment_scopes_standard_level_id_parent_id_code")
        ),
    )
    op.create_index(op.f("ix_assessment_scopes_parent_id"), "assessment_scopes", ["parent_id"], unique=False)
    op.create_index(
        op.f("ix_assessment_scopes_standard_level_id"), "assessment_scopes", ["standard_level_id"], unique=False
    )
    op.create_table(
        "weight_rows",
        sa.Column("weight_row_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("scope_code", sa.String(length=20), nullable=False),
        sa.Column(
            "function_name", sa.String(length=100), nullable=False, comment="职业功能, empty for a row of its own"
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("theory_percent", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("skill_percent", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.CheckConstraint("skill_percent >= 0 AND skill_percent <= 100", name=op.f("ck_weight_rows_skill_range")),
        sa.CheckConstraint("theory_percent >= 0 AND theory_percent <= 100", name=op.f("ck_weight_rows_theory_range")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_weight_rows_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_weight_rows_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("weight_row_id", name=op.f("pk_weight_rows")),
        sa.UniqueConstraint(
            "standard_level_id",
            "function_name",
            "name",
            name=op.f("uq_weight_rows_standard_level_id_function_name_name"),
        ),
    )
    op.create_table(
        "assessment_points",
        sa.Column("assessment_point_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_scope_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "importance",
            sa.Enum("X", "Y", "Z", name="importance", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "score",
            sa.Numeric(precision=7, scale=3),
            nullable=True,
            comment="marks of the point where the outline gives them",
        ),
        sa.Column("full_code", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("score >= 0", name=op.f("ck_assessment_points_score_range")),
        sa.ForeignKeyConstraint(
            ["assessment_scope_id"],
            ["assessment_scopes.assessment_scope_id"],
            name=op.f("fk_assessment_points_assessment_scope_id_assessment_scopes"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_assessment_points_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_assessment_points_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("assessment_point_id", name=op.f("pk_assessment_points")),
        sa.UniqueConstraint(
            "standard_level_id", "full_code", name=op.f("uq_assessment_points_standard_level_id_full_code")
        ),
    )
    op.create_index(
        op.f("ix_assessment_points_assessment_scope_id"), "assessment_points", ["assessment_scope_id"], unique=False
    )
    op.create_table(
        "import_runs",
        sa.Column("import_run_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=True),
        sa.Column("assessment_point_id", sa.Uuid(), nullable=True),
        sa.Column("default_difficulty", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column(
            "mapping", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True
        ),
        sa.Column(
            "duplicates",
            sa.Enum("skip", "import", name="duplicatepolicy", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "uploaded",
                "checked",
                "running",
                "done",
                "undone",
                "cancelled",
                name="importstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("n_found", sa.Integer(), nullable=False),
        sa.Column("n_imported", sa.Integer(), nullable=False),
        sa.Column("n_duplicates", sa.Integer(), nullable=False),
        sa.Column("n_skipped", sa.Integer(), nullable=False),
        sa.Column(
            "report", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True
        ),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "n_found = n_imported + n_duplicates + n_skipped OR state NOT IN ('done', 'undone')",
            name=op.f("ck_import_runs_balance"),
        ),
        sa.ForeignKeyConstraint(
            ["assessment_point_id"],
            ["assessment_points.assessment_point_id"],
            name=op.f("fk_import_runs_assessment_point_id_assessment_points"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_import_runs_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_import_runs_standard_level_id_standard_levels"),
        ),
        sa.PrimaryKeyConstraint("import_run_id", name=op.f("pk_import_runs")),
    )
    op.create_index(
        "ix_import_runs_organisation_id_created_at", "import_runs", ["organisation_id", "created_at"], unique=False
    )
    op.create_table(
        "items",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "in_review",
                "approved",
                "retired",
                name="itemstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "current_version_id",
            sa.Uuid(),
            nullable=False,
            comment="of item_versions; no key: the two tables are made at once",
        ),
        sa.Column("approved_version_id", sa.Uuid(), nullable=True),
        sa.Column("n_versions", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("difficulty", sa.Integer(), nullable=True),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True, comment="of users; none for items the system made"),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column(
            "origin_code", sa.String(length=120), nullable=False, comment="the item's name in the file it came from"
        ),
        sa.Column(
            "extra",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="what the file said beyond our fields",
        ),
        sa.Column("workflow_stage_id", sa.Uuid(), nullable=True),
        sa.Column("review_round", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "returned_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="set while a returned item waits for its author",
        ),
        sa.Column("retired_reason", sa.String(length=500), nullable=False),
        sa.Column("import_run_id", sa.Uuid(), nullable=True),
        sa.Column("n_used", sa.Integer(), nullable=False),
        sa.Column("last_used_on", sa.Date(), nullable=True),
        sa.Column(
            "removed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a draft that was thrown away; its versions remain",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status = 'in_review') = (workflow_stage_id IS NOT NULL)", name=op.f("ck_items_stage_in_review")
        ),
        sa.CheckConstraint(
            "status <> 'approved' OR approved_version_id IS NOT NULL", name=op.f("ck_items_approved_version")
        ),
        sa.CheckConstraint("difficulty IS NULL OR difficulty BETWEEN 1 AND 5", name=op.f("ck_items_difficulty_range")),
        sa.ForeignKeyConstraint(
            ["import_run_id"], ["import_runs.import_run_id"], name=op.f("fk_items_import_run_id_import_runs")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"], name=op.f("fk_items_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["standard_level_id"],
            ["standard_levels.standard_level_id"],
            name=op.f("fk_items_standard_level_id_standard_levels"),
        ),
        sa.ForeignKeyConstraint(
            ["workflow_stage_id"],
            ["workflow_stages.workflow_stage_id"],
            name=op.f("fk_items_workflow_stage_id_workflow_stages"),
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_items")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_items_organisation_id_code")),
    )
    op.create_index(op.f("ix_items_import_run_id"), "items", ["import_run_id"], unique=False)
    op.create_index("ix_items_organisation_id_author_id", "items", ["organisation_id", "author_id"], unique=False)
    op.create_index(
        "ix_items_organisation_id_level", "items", ["organisation_id", "standard_level_id", "status"], unique=False
    )
    op.create_index(
        "ix_items_organisation_id_status_submitted_at",
        "items",
        ["organisation_id", "status", "submitted_at"],
        unique=False,
    )
    op.create_index(op.f("ix_items_workflow_stage_id"), "items", ["workflow_stage_id"], unique=False)
    op.create_table(
        "item_versions",
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column(
            "content", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("difficulty", sa.Integer(), nullable=True),
        sa.Column(
            "change_kind",
            sa.Enum(
                "first",
                "wording",
                "substance",
                "description",
                name="changekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "difficulty IS NULL OR difficulty BETWEEN 1 AND 5", name=op.f("ck_item_versions_difficulty_range")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_item_versions_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_versions_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("item_version_id", name=op.f("pk_item_versions")),
        sa.UniqueConstraint("item_id", "number", name=op.f("uq_item_versions_item_id_number")),
    )
    op.create_index(
        "ix_item_versions_organisation_id_content_digest",
        "item_versions",
        ["organisation_id", "content_digest"],
        unique=False,
    )
    op.create_table(
        "item_points",
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column(
            "assessment_point_id",
            sa.Uuid(),
            nullable=False,
            comment="no key: a point that only old versions asked for may be deleted",
        ),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_item_points_item_id_items")),
        sa.ForeignKeyConstraint(
            ["item_version_id"],
            ["item_versions.item_version_id"],
            name=op.f("fk_item_points_item_version_id_item_versions"),
        ),
        sa.PrimaryKeyConstraint("item_version_id", "assessment_point_id", name=op.f("pk_item_points")),
    )
    op.create_index(op.f("ix_item_points_assessment_point_id"), "item_points", ["assessment_point_id"], unique=False)
    op.create_index(op.f("ix_item_points_item_id"), "item_points", ["item_id"], unique=False)
    op.create_table(
        "review_decisions",
        sa.Column("review_decision_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column("review_round", sa.Integer(), nullable=False),
        sa.Column("workflow_stage_id", sa.Uuid(), nullable=False),
        sa.Column("stage_name", sa.String(length=40), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "approve", "return", "reject", name="decision", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("comment", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_review_decisions_item_id_items")),
        sa.ForeignKeyConstraint(
            ["item_version_id"],
            ["item_versions.item_version_id"],
            name=op.f("fk_review_decisions_item_version_id_item_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_review_decisions_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["workflow_stage_id"],
            ["workflow_stages.workflow_stage_id"],
            name=op.f("fk_review_decisions_workflow_stage_id_workflow_stages"),
        ),
        sa.PrimaryKeyConstraint("review_decision_id", name=op.f("pk_review_decisions")),
        sa.UniqueConstraint(
            "item_version_id",
            "review_round",
            "workflow_stage_id",
            "reviewer_id",
            name=op.f("uq_review_decisions_item_version_id_review_round_workflow_stage_id_reviewer_id"),
        ),
    )
    op.create_index(
        "ix_review_decisions_item_id_created_at", "review_decisions", ["item_id", "created_at"], unique=False
    )
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    op.drop_index("ix_review_decisions_item_id_created_at", table_name="review_decisions")
    op.drop_table("review_decisions")
    op.drop_index(op.f("ix_item_points_item_id"), table_name="item_points")
    op.drop_index(op.f("ix_item_points_assessment_point_id"), table_name="item_points")
    op.drop_table("item_points")
    op.drop_index("ix_item_versions_organisation_id_content_digest", table_name="item_versions")
    op.drop_table("item_versions")
    op.drop_index(op.f("ix_items_workflow_stage_id"), table_name="items")
    op.drop_index("ix_items_organisation_id_status_submitted_at", table_name="items")
    op.drop_index("ix_items_organisation_id_level", table_name="items")
    op.drop_index("ix_items_organisation_id_author_id", table_name="items")
    op.drop_index(op.f("ix_items_import_run_id"), table_name="items")
    op.drop_table("items")
    op.drop_index("ix_import_runs_organisation_id_created_at", table_name="import_runs")
    op.drop_table("import_runs")
    op.drop_index(op.f("ix_assessment_points_assessment_scope_id"), table_name="assessment_points")
    op.drop_table("assessment_points")
    op.drop_table("weight_rows")
    op.drop_index(op.f("ix_assessment_scopes_standard_level_id"), table_name="assessment_scopes")
    op.drop_index(op.f("ix_assessment_scopes_parent_id"), table_name="assessment_scopes")
    op.drop_table("assessment_scopes")
    op.drop_index("ix_standard_levels_organisation_id_status", table_name="standard_levels")
    op.drop_table("standard_levels")
    op.drop_table("standard_editions")
    op.drop_index("ix_workflow_stages_organisation_id_position", table_name="workflow_stages")
    op.drop_table("workflow_stages")
    op.drop_table("occupational_standards")
    op.drop_table("media")
    op.drop_table("item_counters")
    op.drop_index(op.f("ix_occupations_name"), table_name="occupations")
    op.drop_index(op.f("ix_occupations_major_code"), table_name="occupations")
    op.drop_table("occupations")
