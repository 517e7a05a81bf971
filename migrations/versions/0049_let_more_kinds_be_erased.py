"""Let orders erase proofs, applications of seniors, and what exam delivery keeps of people."""

import sqlalchemy as sa
from alembic import op

revision = "0049_let_more_kinds_be_erased"
down_revision = "0048_add_score_review_files"
branch_labels = None
depends_on = None

OLD_KINDS = ("people", "photos", "documents", "packs")
NEW_KINDS = (*OLD_KINDS, "proofs", "seniors", "candidates", "exam_photos", "exam_documents")
STATES = ("proposed", "done", "rejected")
KINDS_CHECK = "ck_erasure_orders_retentionkind"


def one_of(column, values):
    """Return the condition that a column is one of some words."""
    return "{} IN ({})".format(column, ", ".join(f"'{value}'" for value in values))


def orders_table(kinds):
    """Return the whole table of orders with the kinds that it may hold, for SQLite, which must write it anew."""
    return sa.Table(
        "erasure_orders",
        sa.MetaData(),
        sa.Column("erasure_order_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=False),
        sa.Column("n_records", sa.Integer(), nullable=False),
        sa.Column("records_digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_by_name", sa.String(length=100), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(length=300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(one_of("kind", kinds), name=op.f(KINDS_CHECK)),
        sa.CheckConstraint(one_of("state", STATES), name=op.f("ck_erasure_orders_erasurestate")),
        sa.CheckConstraint("n_records > 0", name=op.f("ck_erasure_orders_n_records")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_erasure_orders_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("erasure_order_id", name=op.f("pk_erasure_orders")),
        sa.Index("ix_erasure_orders_organisation_id_proposed_at", "organisation_id", "proposed_at"),
    )


def let_kinds_be(kinds):
    """Put another list of kinds in the place of the one that the table checks."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(KINDS_CHECK), "erasure_orders", type_="check")
        op.create_check_constraint(op.f(KINDS_CHECK), "erasure_orders", one_of("kind", kinds))
        return
    with op.batch_alter_table("erasure_orders", copy_from=orders_table(kinds), recreate="always"):
        pass


def upgrade():
    let_kinds_be(NEW_KINDS)


def downgrade():
    op.execute("DELETE FROM erasure_orders WHERE " + "NOT " + one_of("kind", OLD_KINDS))
    let_kinds_be(OLD_KINDS)
