"""Add item disclosures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_add_item_disclosures"
down_revision = "0012_add_workflow_versions"
branch_labels = None
depends_on = None


APPEND_ONLY = ("item_disclosures",)
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
        "item_disclosures",
        sa.Column("item_disclosure_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column(
            "way", sa.String(length=20), nullable=False, comment="page, review, editor, difference, drawer or api"
        ),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.item_id"], name=op.f("fk_item_disclosures_item_id_items")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_item_disclosures_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("item_disclosure_id", name=op.f("pk_item_disclosures")),
        sa.UniqueConstraint(
            "user_id", "item_version_id", "seen_on", name=op.f("uq_item_disclosures_user_id_item_version_id_seen_on")
        ),
    )
    with op.batch_alter_table("item_disclosures", schema=None) as batch_op:
        batch_op.create_index("ix_item_disclosures_item_id_seen_at", ["item_id", "seen_at"], unique=False)
        batch_op.create_index(
            "ix_item_disclosures_organisation_id_seen_at", ["organisation_id", "seen_at"], unique=False
        )

    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    with op.batch_alter_table("item_disclosures", schema=None) as batch_op:
        batch_op.drop_index("ix_item_disclosures_organisation_id_seen_at")
        batch_op.drop_index("ix_item_disclosures_item_id_seen_at")

    op.drop_table("item_disclosures")
