"""Surveys of satisfaction for certification batches: who answered apart from what was answered, and counted paper forms."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0062_add_batch_surveys"
down_revision = "0061_add_list_choices"
branch_labels = None
depends_on = None


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
    add_surveys()
    add_answers()
    add_hand_counts()
    add_participations()
    for table in ("survey_answers", "survey_hand_counts", "survey_participations"):
        make_append_only(table)


def add_surveys():
    op.create_table(
        "batch_surveys",
        sa.Column("batch_survey_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("aspect_set", sa.String(length=20), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False, comment="per cent"),
        sa.Column("smallest", sa.Integer(), nullable=False, comment="fewer answers are not shown"),
        sa.Column("opened_by", sa.String(length=100), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.String(length=100), nullable=False),
        sa.Column(
            "closed_at", sa.DateTime(timezone=True), nullable=True, comment="when it was closed before its last day"
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("opens_on <= closes_on", name=op.f("ck_batch_surveys_days_in_order")),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_batch_surveys_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_batch_surveys_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("batch_survey_id", name=op.f("pk_batch_surveys")),
        sa.UniqueConstraint("certification_batch_id", name=op.f("uq_batch_surveys_certification_batch_id")),
    )


def add_answers():
    op.create_table(
        "survey_answers",
        sa.Column(
            "survey_answer_id", sa.Uuid(), nullable=False, comment="random, unlike other keys: it must not tell when"
        ),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("batch_survey_id", sa.Uuid(), nullable=False),
        sa.Column(
            "grades",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="question to grade, 5 the best",
        ),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_survey_id"],
            ["batch_surveys.batch_survey_id"],
            name=op.f("fk_survey_answers_batch_survey_id_batch_surveys"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_survey_answers_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("survey_answer_id", name=op.f("pk_survey_answers")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_survey_answers_batch_survey_id"), "survey_answers", ["batch_survey_id"])


def add_hand_counts():
    op.create_table(
        "survey_hand_counts",
        sa.Column("survey_hand_count_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("batch_survey_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("n_forms", sa.Integer(), nullable=False),
        sa.Column(
            "counts",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="question to counts, the best grade first",
        ),
        sa.Column("note", sa.String(length=200), nullable=False, comment="who counted, where the forms are kept"),
        sa.Column("entered_by", sa.String(length=100), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("n_forms > 0", name=op.f("ck_survey_hand_counts_n_forms_positive")),
        sa.ForeignKeyConstraint(
            ["batch_survey_id"],
            ["batch_surveys.batch_survey_id"],
            name=op.f("fk_survey_hand_counts_batch_survey_id_batch_surveys"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_survey_hand_counts_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("survey_hand_count_id", name=op.f("pk_survey_hand_counts")),
        sa.UniqueConstraint("batch_survey_id", "number", name=op.f("uq_survey_hand_counts_batch_survey_id_number")),
    )


def add_participations():
    op.create_table(
        "survey_participations",
        sa.Column("participant_digest", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("batch_survey_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_survey_id"],
            ["batch_surveys.batch_survey_id"],
            name=op.f("fk_survey_participations_batch_survey_id_batch_surveys"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_survey_participations_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("participant_digest", name=op.f("pk_survey_participations")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_survey_participations_batch_survey_id"), "survey_participations", ["batch_survey_id"])


def downgrade():
    op.drop_table("survey_participations")
    op.drop_table("survey_hand_counts")
    op.drop_table("survey_answers")
    op.drop_table("batch_surveys")
