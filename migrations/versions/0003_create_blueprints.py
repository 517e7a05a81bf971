"""Create the tables of blueprints."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_create_blueprints"
down_revision = "0002_create_qbank"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "form_decisions",
    "form_packages",
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
        "exam_blueprints",
        sa.Column("exam_blueprint_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("occupation_code", sa.String(length=16), nullable=False),
        sa.Column("occupation_name", sa.String(length=60), nullable=False),
        sa.Column("level_code", sa.String(length=12), nullable=False),
        sa.Column("level_name", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "spec", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column("total_score", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "published",
                "archived",
                name="blueprintstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("copied_from_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status = 'draft') = (published_at IS NULL)", name=op.f("ck_exam_blueprints_published_unless_draft")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_exam_blueprints_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_blueprint_id", name=op.f("pk_exam_blueprints")),
    )
    op.create_index(
        "ix_exam_blueprints_organisation_id_status", "exam_blueprints", ["organisation_id", "status"], unique=False
    )
    op.create_index(
        op.f("ix_exam_blueprints_standard_level_id"), "exam_blueprints", ["standard_level_id"], unique=False
    )
    op.create_table(
        "assembly_runs",
        sa.Column("assembly_run_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_blueprint_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("blueprint_name", sa.String(length=120), nullable=False),
        sa.Column(
            "spec",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="the blueprint as it was when the run began",
        ),
        sa.Column("n_forms", sa.Integer(), nullable=False),
        sa.Column("max_overlap", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("time_limit_seconds", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "optimal",
                "feasible",
                "infeasible",
                "time_limit",
                name="runstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("pool_digest", sa.String(length=64), nullable=False),
        sa.Column("n_pool", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("n_forms >= 1", name=op.f("ck_assembly_runs_n_forms_positive")),
        sa.ForeignKeyConstraint(
            ["exam_blueprint_id"],
            ["exam_blueprints.exam_blueprint_id"],
            name=op.f("fk_assembly_runs_exam_blueprint_id_exam_blueprints"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_assembly_runs_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("assembly_run_id", name=op.f("pk_assembly_runs")),
    )
    op.create_index(op.f("ix_assembly_runs_exam_blueprint_id"), "assembly_runs", ["exam_blueprint_id"], unique=False)
    op.create_index(
        "ix_assembly_runs_organisation_id_created_at", "assembly_runs", ["organisation_id", "created_at"], unique=False
    )
    op.create_table(
        "exam_forms",
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("assembly_run_id", sa.Uuid(), nullable=True),
        sa.Column("exam_blueprint_id", sa.Uuid(), nullable=True),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("occupation_code", sa.String(length=16), nullable=False),
        sa.Column("occupation_name", sa.String(length=60), nullable=False),
        sa.Column("level_code", sa.String(length=12), nullable=False),
        sa.Column("level_name", sa.String(length=40), nullable=False),
        sa.Column("edition_label", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("label", sa.String(length=8), nullable=False, comment="A, B … among parallel forms"),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("total_score", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column("n_slots", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "in_review",
                "approved",
                "sealed",
                "withdrawn",
                name="formstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="set by every step, so that the version counts swaps as well",
        ),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assembly_run_id"],
            ["assembly_runs.assembly_run_id"],
            name=op.f("fk_exam_forms_assembly_run_id_assembly_runs"),
        ),
        sa.ForeignKeyConstraint(
            ["exam_blueprint_id"],
            ["exam_blueprints.exam_blueprint_id"],
            name=op.f("fk_exam_forms_exam_blueprint_id_exam_blueprints"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_exam_forms_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_form_id", name=op.f("pk_exam_forms")),
        sa.UniqueConstraint("assembly_run_id", "label", name=op.f("uq_exam_forms_assembly_run_id_label")),
    )
    op.create_index(op.f("ix_exam_forms_assembly_run_id"), "exam_forms", ["assembly_run_id"], unique=False)
    op.create_index("ix_exam_forms_organisation_id_status", "exam_forms", ["organisation_id", "status"], unique=False)
    op.create_index(op.f("ix_exam_forms_standard_level_id"), "exam_forms", ["standard_level_id"], unique=False)
    op.create_table(
        "form_decisions",
        sa.Column("form_decision_id", sa.Uuid(), nullable=False),
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "accept",
                "swap",
                "submit",
                "return",
                "approve",
                "seal",
                "withdraw",
                name="formact",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_form_id"], ["exam_forms.exam_form_id"], name=op.f("fk_form_decisions_exam_form_id_exam_forms")
        ),
        sa.PrimaryKeyConstraint("form_decision_id", name=op.f("pk_form_decisions")),
    )
    op.create_index(op.f("ix_form_decisions_exam_form_id"), "form_decisions", ["exam_form_id"], unique=False)
    op.create_table(
        "form_packages",
        sa.Column("form_package_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("delivery_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column(
            "delivery_key", sa.LargeBinary(), nullable=False, comment="wrapped by the installation's delivery key"
        ),
        sa.Column("delivery_digest", sa.String(length=64), nullable=False),
        sa.Column("scoring_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("scoring_key", sa.LargeBinary(), nullable=False, comment="wrapped by the installation's scoring key"),
        sa.Column("scoring_digest", sa.String(length=64), nullable=False),
        sa.Column("sealed_by", sa.Uuid(), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_form_id"], ["exam_forms.exam_form_id"], name=op.f("fk_form_packages_exam_form_id_exam_forms")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_form_packages_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("form_package_id", name=op.f("pk_form_packages")),
        sa.UniqueConstraint("exam_form_id", name=op.f("uq_form_packages_exam_form_id")),
    )
    op.create_table(
        "form_reservations",
        sa.Column("form_reservation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column(
            "reference", sa.String(length=80), nullable=False, comment="who counts on it, such as exam_session:<id>"
        ),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_form_id"], ["exam_forms.exam_form_id"], name=op.f("fk_form_reservations_exam_form_id_exam_forms")
        ),
        sa.PrimaryKeyConstraint("form_reservation_id", name=op.f("pk_form_reservations")),
        sa.UniqueConstraint("exam_form_id", "reference", name=op.f("uq_form_reservations_exam_form_id_reference")),
    )
    op.create_index(op.f("ix_form_reservations_exam_form_id"), "form_reservations", ["exam_form_id"], unique=False)
    op.create_table(
        "form_slots",
        sa.Column("form_slot_id", sa.Uuid(), nullable=False),
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("section", sa.Integer(), nullable=False, comment="from 0, in the blueprint's order of types"),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column("item_code", sa.String(length=60), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("point", sa.String(length=60), nullable=False),
        sa.Column("importance", sa.String(length=1), nullable=False),
        sa.Column("difficulty", sa.Integer(), nullable=True),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.CheckConstraint("score >= 0", name=op.f("ck_form_slots_score_range")),
        sa.CheckConstraint("slot >= 1", name=op.f("ck_form_slots_slot_from_one")),
        sa.ForeignKeyConstraint(
            ["exam_form_id"], ["exam_forms.exam_form_id"], name=op.f("fk_form_slots_exam_form_id_exam_forms")
        ),
        sa.PrimaryKeyConstraint("form_slot_id", name=op.f("pk_form_slots")),
        sa.UniqueConstraint("exam_form_id", "item_id", name=op.f("uq_form_slots_exam_form_id_item_id")),
        sa.UniqueConstraint("exam_form_id", "slot", name=op.f("uq_form_slots_exam_form_id_slot")),
    )
    op.create_index(op.f("ix_form_slots_exam_form_id"), "form_slots", ["exam_form_id"], unique=False)
    op.create_index("ix_form_slots_item_id", "form_slots", ["item_id"], unique=False)
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    op.drop_index("ix_form_slots_item_id", table_name="form_slots")
    op.drop_index(op.f("ix_form_slots_exam_form_id"), table_name="form_slots")
    op.drop_table("form_slots")
    op.drop_index(op.f("ix_form_reservations_exam_form_id"), table_name="form_reservations")
    op.drop_table("form_reservations")
    op.drop_table("form_packages")
    op.drop_index(op.f("ix_form_decisions_exam_form_id"), table_name="form_decisions")
    op.drop_table("form_decisions")
    op.drop_index(op.f("ix_exam_forms_standard_level_id"), table_name="exam_forms")
    op.drop_index("ix_exam_forms_organisation_id_status", table_name="exam_forms")
    op.drop_index(op.f("ix_exam_forms_assembly_run_id"), table_name="exam_forms")
    op.drop_table("exam_forms")
    op.drop_index("ix_assembly_runs_organisation_id_created_at", table_name="assembly_runs")
    op.drop_index(op.f("ix_assembly_runs_exam_blueprint_id"), table_name="assembly_runs")
    op.drop_table("assembly_runs")
    op.drop_index(op.f("ix_exam_blueprints_standard_level_id"), table_name="exam_blueprints")
    op.drop_index("ix_exam_blueprints_organisation_id_status", table_name="exam_blueprints")
    op.drop_table("exam_blueprints")
