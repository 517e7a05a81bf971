"""Add the figures of sessions, form by form."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010_add_session_analyses"
down_revision = "0009_add_conflict_relations"
branch_labels = None
depends_on = None


APPEND_ONLY = ("session_analyses",)
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
        "session_analyses",
        sa.Column("session_analysis_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("n_candidates", sa.Integer(), nullable=False),
        sa.Column(
            "report",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="figures without personal data, as kaoku analyse writes them",
        ),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("n_candidates >= 0", name=op.f("ck_session_analyses_n_candidates_not_negative")),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_session_analyses_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_session_analyses_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("session_analysis_id", name=op.f("pk_session_analyses")),
        sa.UniqueConstraint(
            "exam_session_id", "form_id", "number", name=op.f("uq_session_analyses_exam_session_id_form_id_number")
        ),
    )
    with op.batch_alter_table("session_analyses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_analyses_organisation_id"), ["organisation_id"], unique=False)
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    with op.batch_alter_table("session_analyses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_analyses_organisation_id"))

    op.drop_table("session_analyses")
