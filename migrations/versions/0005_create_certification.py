"""Create the tables of certification."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_create_certification"
down_revision = "0004_create_exam_delivery"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "batch_steps",
    "component_scores",
    "pass_decisions",
    "roster_returns",
    "certificate_events",
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
        "certificate_lookups",
        sa.Column("certificate_lookup_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("certificate_lookup_id", name=op.f("pk_certificate_lookups")),
    )
    op.create_index("ix_certificate_lookups_subject_at", "certificate_lookups", ["subject", "at"], unique=False)
    op.create_table(
        "certificate_counters",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.String(length=13), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("level_code", sa.String(length=1), nullable=False, comment="position 16 of the number"),
        sa.Column("last_serial", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_serial BETWEEN 0 AND 999999", name=op.f("ck_certificate_counters_last_serial")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_certificate_counters_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "prefix", "year", "level_code", name=op.f("pk_certificate_counters")
        ),
    )
    op.create_table(
        "certification_batches",
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("source_batch_id", sa.Uuid(), nullable=False, comment="the batch of exam delivery"),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("occupation_code", sa.String(length=32), nullable=False),
        sa.Column("occupation_name", sa.String(length=100), nullable=False),
        sa.Column("trade_name", sa.String(length=100), nullable=False),
        sa.Column("level_code", sa.String(length=32), nullable=False),
        sa.Column("level_name", sa.String(length=60), nullable=False),
        sa.Column("n_registered", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "checked",
                "decided",
                "publicity",
                "roster_submitted",
                "returned",
                "resubmitted",
                "approved",
                "numbered",
                "issued",
                "archived",
                name="batchstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan_filed_on", sa.Date(), nullable=True),
        sa.Column("evaluation_starts_on", sa.Date(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("n_registered >= 0", name=op.f("ck_certification_batches_n_registered")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_certification_batches_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("certification_batch_id", name=op.f("pk_certification_batches")),
        sa.UniqueConstraint(
            "organisation_id", "source_batch_id", name=op.f("uq_certification_batches_organisation_id_source_batch_id")
        ),
    )
    op.create_index(
        "ix_certification_batches_organisation_id_state",
        "certification_batches",
        ["organisation_id", "state"],
        unique=False,
    )
    op.create_table(
        "filed_scopes",
        sa.Column("filed_scope_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("occupation_code", sa.String(length=32), nullable=False),
        sa.Column("occupation_name", sa.String(length=100), nullable=False),
        sa.Column("trade_name", sa.String(length=100), nullable=False),
        sa.Column("level_code", sa.String(length=32), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("filing_number", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_filed_scopes_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("filed_scope_id", name=op.f("pk_filed_scopes")),
        sa.UniqueConstraint(
            "organisation_id",
            "occupation_code",
            "trade_name",
            "level_code",
            name=op.f("uq_filed_scopes_organisation_id_occupation_code_trade_name_level_code"),
        ),
    )
    op.create_table(
        "batch_steps",
        sa.Column("batch_step_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "before",
            sa.Enum(
                "received",
                "checked",
                "decided",
                "publicity",
                "roster_submitted",
                "returned",
                "resubmitted",
                "approved",
                "numbered",
                "issued",
                "archived",
                name="batchstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "after",
            sa.Enum(
                "received",
                "checked",
                "decided",
                "publicity",
                "roster_submitted",
                "returned",
                "resubmitted",
                "approved",
                "numbered",
                "issued",
                "archived",
                name="batchstate_after",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_batch_steps_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_batch_steps_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("batch_step_id", name=op.f("pk_batch_steps")),
        sa.UniqueConstraint(
            "certification_batch_id", "number", name=op.f("uq_batch_steps_certification_batch_id_number")
        ),
    )
    op.create_index(
        op.f("ix_batch_steps_certification_batch_id"), "batch_steps", ["certification_batch_id"], unique=False
    )
    op.create_table(
        "certification_documents",
        sa.Column("certification_document_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("n_pages", sa.Integer(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_certification_documents_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_certification_documents_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("certification_document_id", name=op.f("pk_certification_documents")),
        sa.UniqueConstraint("job_id", "part", name=op.f("uq_certification_documents_job_id_part")),
    )
    op.create_index(
        op.f("ix_certification_documents_certification_batch_id"),
        "certification_documents",
        ["certification_batch_id"],
        unique=False,
    )
    op.create_table(
        "publicities",
        sa.Column("publicity_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("n_working_days", sa.Integer(), nullable=False),
        sa.Column(
            "is_certain",
            sa.Boolean(),
            nullable=False,
            comment="false while the official holidays of a year are unknown",
        ),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("published_by", sa.String(length=100), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_publicities_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_publicities_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("publicity_id", name=op.f("pk_publicities")),
        sa.UniqueConstraint(
            "certification_batch_id", "number", name=op.f("uq_publicities_certification_batch_id_number")
        ),
    )
    op.create_table(
        "result_deliveries",
        sa.Column("result_delivery_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("package_digest", sa.String(length=64), nullable=False),
        sa.Column("is_correction", sa.Boolean(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "accepted",
                "open",
                "applied",
                "dismissed",
                name="deliverystatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "differences",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="[result key, field, before, after]; no personal data",
        ),
        sa.Column("package_ciphertext", sa.LargeBinary(), nullable=True, comment="the results of an open correction"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_result_deliveries_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_result_deliveries_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("result_delivery_id", name=op.f("pk_result_deliveries")),
        sa.UniqueConstraint("release_id", name=op.f("uq_result_deliveries_release_id")),
    )
    op.create_index(
        op.f("ix_result_deliveries_certification_batch_id"),
        "result_deliveries",
        ["certification_batch_id"],
        unique=False,
    )
    op.create_table(
        "result_records",
        sa.Column("result_record_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("admission_number", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("id_kind", sa.String(length=32), nullable=False),
        sa.Column("id_number_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_index", sa.String(length=64), nullable=False),
        sa.Column("id_number_mask", sa.String(length=40), nullable=False),
        sa.Column("sex", sa.String(length=10), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=120), nullable=False),
        sa.Column("employer", sa.String(length=200), nullable=False),
        sa.Column("is_own_employee", sa.Boolean(), nullable=True),
        sa.Column("years_in_occupation", sa.String(length=40), nullable=False),
        sa.Column("position", sa.String(length=100), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column("photo_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("has_photo", sa.Boolean(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "passed",
                "failed",
                "absent",
                "void",
                "pending",
                name="passoutcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_result_records_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_result_records_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("result_record_id", name=op.f("pk_result_records")),
        sa.UniqueConstraint(
            "certification_batch_id",
            "admission_number",
            name=op.f("uq_result_records_certification_batch_id_admission_number"),
        ),
        sa.UniqueConstraint(
            "certification_batch_id", "candidate_id", name=op.f("uq_result_records_certification_batch_id_candidate_id")
        ),
    )
    op.create_index(
        op.f("ix_result_records_certification_batch_id"), "result_records", ["certification_batch_id"], unique=False
    )
    op.create_index(
        "ix_result_records_organisation_id_id_number_index",
        "result_records",
        ["organisation_id", "id_number_index"],
        unique=False,
    )
    op.create_table(
        "roster_submissions",
        sa.Column("roster_submission_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("n_warnings", sa.Integer(), nullable=False),
        sa.Column("workbook_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("workbook_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "submitted",
                "returned",
                "approved",
                name="rosterstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("submitted_by", sa.String(length=100), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.String(length=100), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.String(length=100), nullable=False, comment="number of the approval"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_roster_submissions_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_roster_submissions_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("roster_submission_id", name=op.f("pk_roster_submissions")),
        sa.UniqueConstraint(
            "certification_batch_id", "round", name=op.f("uq_roster_submissions_certification_batch_id_round")
        ),
    )
    op.create_table(
        "certificates",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("result_record_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("public_token", sa.String(length=32), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "valid",
                "held",
                "superseded",
                "revoked",
                name="certificatestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_reason", sa.String(length=300), nullable=False),
        sa.Column(
            "superseded_by", sa.String(length=32), nullable=True, comment="number of the certificate that replaces it"
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("id_kind", sa.String(length=32), nullable=False),
        sa.Column("id_number_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_index", sa.String(length=64), nullable=False),
        sa.Column("id_number_mask", sa.String(length=40), nullable=False),
        sa.Column("body_name", sa.String(length=200), nullable=False),
        sa.Column("occupation_code", sa.String(length=32), nullable=False),
        sa.Column("occupation_name", sa.String(length=100), nullable=False),
        sa.Column("trade_name", sa.String(length=100), nullable=False),
        sa.Column("level_code", sa.String(length=32), nullable=False),
        sa.Column("level_name", sa.String(length=60), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_certificates_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_certificates_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["result_record_id"],
            ["result_records.result_record_id"],
            name=op.f("fk_certificates_result_record_id_result_records"),
        ),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("number", name=op.f("uq_certificates_number")),
        sa.UniqueConstraint("public_token", name=op.f("uq_certificates_public_token")),
    )
    op.create_index(
        op.f("ix_certificates_certification_batch_id"), "certificates", ["certification_batch_id"], unique=False
    )
    op.create_index(
        "ix_certificates_organisation_id_id_number_index",
        "certificates",
        ["organisation_id", "id_number_index"],
        unique=False,
    )
    op.create_index(
        "ix_certificates_organisation_id_issued_on", "certificates", ["organisation_id", "issued_on"], unique=False
    )
    op.create_index(op.f("ix_certificates_result_record_id"), "certificates", ["result_record_id"], unique=False)
    op.create_table(
        "component_scores",
        sa.Column("component_score_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("result_record_id", sa.Uuid(), nullable=False),
        sa.Column(
            "mode",
            sa.Enum(
                "theory",
                "skills",
                "comprehensive_review",
                name="assessmentmode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "scored",
                "absent",
                "void",
                "pending",
                name="resultstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column(
            "origin",
            sa.Enum(
                "delivery",
                "correction",
                "typed",
                "imported",
                name="scoreorigin",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("entered_by", sa.String(length=100), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'scored') = (score IS NOT NULL)", name=op.f("ck_component_scores_score_stands")),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_component_scores_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_component_scores_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["result_record_id"],
            ["result_records.result_record_id"],
            name=op.f("fk_component_scores_result_record_id_result_records"),
        ),
        sa.PrimaryKeyConstraint("component_score_id", name=op.f("pk_component_scores")),
        sa.UniqueConstraint(
            "result_record_id", "mode", "number", name=op.f("uq_component_scores_result_record_id_mode_number")
        ),
    )
    op.create_index(
        op.f("ix_component_scores_certification_batch_id"), "component_scores", ["certification_batch_id"], unique=False
    )
    op.create_table(
        "objections",
        sa.Column("objection_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("result_record_id", sa.Uuid(), nullable=True),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("raised_by", sa.String(length=100), nullable=False),
        sa.Column("content", sa.String(length=1000), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "upheld",
                "rejected",
                name="objectionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("answer", sa.String(length=1000), nullable=False),
        sa.Column("noted_by", sa.String(length=100), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.String(length=100), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_objections_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_objections_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["result_record_id"],
            ["result_records.result_record_id"],
            name=op.f("fk_objections_result_record_id_result_records"),
        ),
        sa.PrimaryKeyConstraint("objection_id", name=op.f("pk_objections")),
    )
    op.create_index(
        op.f("ix_objections_certification_batch_id"), "objections", ["certification_batch_id"], unique=False
    )
    op.create_table(
        "pass_decisions",
        sa.Column("pass_decision_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("result_record_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "passed",
                "failed",
                "absent",
                "void",
                "pending",
                name="passoutcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "reasons",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="[mode, code, message, values]",
        ),
        sa.Column(
            "rule",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="the part of the rule profile that was applied",
        ),
        sa.Column("decided_by", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_pass_decisions_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_pass_decisions_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["result_record_id"],
            ["result_records.result_record_id"],
            name=op.f("fk_pass_decisions_result_record_id_result_records"),
        ),
        sa.PrimaryKeyConstraint("pass_decision_id", name=op.f("pk_pass_decisions")),
        sa.UniqueConstraint("result_record_id", "number", name=op.f("uq_pass_decisions_result_record_id_number")),
    )
    op.create_index(
        op.f("ix_pass_decisions_certification_batch_id"), "pass_decisions", ["certification_batch_id"], unique=False
    )
    op.create_table(
        "roster_returns",
        sa.Column("roster_return_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("roster_submission_id", sa.Uuid(), nullable=False),
        sa.Column("result_record_id", sa.Uuid(), nullable=True),
        sa.Column("field_name", sa.String(length=40), nullable=False),
        sa.Column("reason_code", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_roster_returns_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["result_record_id"],
            ["result_records.result_record_id"],
            name=op.f("fk_roster_returns_result_record_id_result_records"),
        ),
        sa.ForeignKeyConstraint(
            ["roster_submission_id"],
            ["roster_submissions.roster_submission_id"],
            name=op.f("fk_roster_returns_roster_submission_id_roster_submissions"),
        ),
        sa.PrimaryKeyConstraint("roster_return_id", name=op.f("pk_roster_returns")),
    )
    op.create_index(
        op.f("ix_roster_returns_roster_submission_id"), "roster_returns", ["roster_submission_id"], unique=False
    )
    op.create_table(
        "certificate_events",
        sa.Column("certificate_event_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "numbered",
                "issued",
                "printed",
                "held",
                "released",
                "superseded",
                "revoked",
                name="certificateact",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.certificate_id"],
            name=op.f("fk_certificate_events_certificate_id_certificates"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_certificate_events_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("certificate_event_id", name=op.f("pk_certificate_events")),
    )
    op.create_index(
        op.f("ix_certificate_events_certificate_id"), "certificate_events", ["certificate_id"], unique=False
    )
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    op.drop_index(op.f("ix_certificate_events_certificate_id"), table_name="certificate_events")
    op.drop_table("certificate_events")
    op.drop_index(op.f("ix_roster_returns_roster_submission_id"), table_name="roster_returns")
    op.drop_table("roster_returns")
    op.drop_index(op.f("ix_pass_decisions_certification_batch_id"), table_name="pass_decisions")
    op.drop_table("pass_decisions")
    op.drop_index(op.f("ix_objections_certification_batch_id"), table_name="objections")
    op.drop_table("objections")
    op.drop_index(op.f("ix_component_scores_certification_batch_id"), table_name="component_scores")
    op.drop_table("component_scores")
    op.drop_index(op.f("ix_certificates_result_record_id"), table_name="certificates")
    op.drop_index("ix_certificates_organisation_id_issued_on", table_name="certificates")
    op.drop_index("ix_certificates_organisation_id_id_number_index", table_name="certificates")
    op.drop_index(op.f("ix_certificates_certification_batch_id"), table_name="certificates")
    op.drop_table("certificates")
    op.drop_table("roster_submissions")
    op.drop_index("ix_result_records_organisation_id_id_number_index", table_name="result_records")
    op.drop_index(op.f("ix_result_records_certification_batch_id"), table_name="result_records")
    op.drop_table("result_records")
    op.drop_index(op.f("ix_result_deliveries_certification_batch_id"), table_name="result_deliveries")
    op.drop_table("result_deliveries")
    op.drop_table("publicities")
    op.drop_index(op.f("ix_certification_documents_certification_batch_id"), table_name="certification_documents")
    op.drop_table("certification_documents")
    op.drop_index(op.f("ix_batch_steps_certification_batch_id"), table_name="batch_steps")
    op.drop_table("batch_steps")
    op.drop_table("filed_scopes")
    op.drop_index("ix_certification_batches_organisation_id_state", table_name="certification_batches")
    op.drop_table("certification_batches")
    op.drop_table("certificate_counters")
    op.drop_index("ix_certificate_lookups_subject_at", table_name="certificate_lookups")
    op.drop_table("certificate_lookups")
