"""Add consents of candidates, places in status lists, rosters given back as files, and secrets that sign for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0036_add_candidate_services"
down_revision = "0035_add_assessor_groups"
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


def upgrade():
    op.create_table(
        "candidate_consents",
        sa.Column("candidate_consent_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False, comment="the person of exam delivery"),
        sa.Column(
            "purpose",
            sa.Enum(
                "e_certificate",
                "credential_identity",
                name="consentpurpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "act",
            sa.Enum("given", "withdrawn", name="consentact", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("text_version", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="the words that the person had before them"),
        sa.Column("address", sa.String(length=64), nullable=False, comment="from where"),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_candidate_consents_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("candidate_consent_id", name=op.f("pk_candidate_consents")),
    )
    op.create_index(
        "ix_candidate_consents_organisation_id_candidate_id", "candidate_consents", ["organisation_id", "candidate_id"]
    )
    op.create_table(
        "credential_entries",
        sa.Column("credential_entry_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 0", name=op.f("ck_credential_entries_number_not_negative")),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.certificate_id"],
            name=op.f("fk_credential_entries_certificate_id_certificates"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_credential_entries_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("credential_entry_id", name=op.f("pk_credential_entries")),
        sa.UniqueConstraint("certificate_id", name=op.f("uq_credential_entries_certificate_id")),
        sa.UniqueConstraint("organisation_id", "number", name=op.f("uq_credential_entries_organisation_id_number")),
    )
    op.create_table(
        "roster_answer_files",
        sa.Column("roster_answer_file_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("roster_submission_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "previewed",
                "applied",
                "discarded",
                name="answerfilestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("n_returned", sa.Integer(), nullable=False, comment="fields that the file sends back"),
        sa.Column("n_differences", sa.Integer(), nullable=False, comment="cells that differ from what was sent"),
        sa.Column("uploaded_by", sa.String(length=100), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.String(length=100), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_roster_answer_files_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["roster_submission_id"],
            ["roster_submissions.roster_submission_id"],
            name=op.f("fk_roster_answer_files_roster_submission_id_roster_submissions"),
        ),
        sa.PrimaryKeyConstraint("roster_answer_file_id", name=op.f("pk_roster_answer_files")),
    )
    op.create_index(
        "ix_roster_answer_files_roster_submission_id_status", "roster_answer_files", ["roster_submission_id", "status"]
    )
    op.add_column(
        "webhook_endpoints",
        sa.Column("previous_secret_ciphertext", sa.LargeBinary(), nullable=True, comment="signs too until then"),
    )
    op.add_column("webhook_endpoints", sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True))
    for table in ("candidate_consents", "credential_entries"):
        make_append_only(table)


def downgrade():
    with op.batch_alter_table("webhook_endpoints") as batch_op:
        batch_op.drop_column("previous_until")
        batch_op.drop_column("previous_secret_ciphertext")
    op.drop_table("roster_answer_files")
    op.drop_table("credential_entries")
    op.drop_table("candidate_consents")
