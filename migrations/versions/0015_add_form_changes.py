"""Add changes of forms by hand, locked places, trials of ways out and forms that take another's place."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015_add_form_changes"
down_revision = "0014_add_forensic_leads"
branch_labels = None
depends_on = None

REFUSE_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"""


KINDS = ("swap", "add", "remove", "lock", "unlock", "quarantine", "undo")


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


def json_type():
    """Return the type of a JSON document on either engine."""
    return sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade():
    op.create_table(
        "form_changes",
        sa.Column("form_change_id", sa.Uuid(), nullable=False),
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1 in each form"),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="changekind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("before", json_type(), nullable=False),
        sa.Column("after", json_type(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True, comment="the number of the change that this one takes back"),
        sa.Column("form_version", sa.Integer(), nullable=False, comment="of the form that the change was made on"),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_by_name", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_form_id"], ["exam_forms.exam_form_id"], name=op.f("fk_form_changes_exam_form_id_exam_forms")
        ),
        sa.PrimaryKeyConstraint("form_change_id", name=op.f("pk_form_changes")),
        sa.UniqueConstraint("exam_form_id", "number", name=op.f("uq_form_changes_exam_form_id_number")),
    )
    op.add_column(
        "assembly_runs",
        sa.Column("trial_of_id", sa.Uuid(), nullable=True, comment="the refused run whose way out this one tries"),
    )
    op.add_column(
        "assembly_runs",
        sa.Column(
            "relaxation_index", sa.Integer(), nullable=True, comment="which of its ways out; the blueprint is as it was"
        ),
    )
    op.add_column(
        "exam_forms",
        sa.Column("replaces_form_id", sa.Uuid(), nullable=True, comment="the sealed form whose place this one takes"),
    )
    op.add_column(
        "form_slots",
        sa.Column(
            "is_locked",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="hand work and sweeps leave it",
        ),
    )
    make_append_only("form_changes")


def downgrade():
    with op.batch_alter_table("form_slots", schema=None) as batch_op:
        batch_op.drop_column("is_locked")
    with op.batch_alter_table("exam_forms", schema=None) as batch_op:
        batch_op.drop_column("replaces_form_id")
    with op.batch_alter_table("assembly_runs", schema=None) as batch_op:
        batch_op.drop_column("relaxation_index")
        batch_op.drop_column("trial_of_id")
    op.drop_table("form_changes")
