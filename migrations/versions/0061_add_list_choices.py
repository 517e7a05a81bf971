"""Keep views of every list, not of items alone, and each person's own columns of a list."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0061_add_list_choices"
down_revision = "0060_add_kept_answers"
branch_labels = None
depends_on = None

OLD_KEY = "uq_saved_views_organisation_id_owner_id_name"
NEW_KEY = "uq_saved_views_owner_id_list_key_name"


def upgrade():
    with op.batch_alter_table("saved_views") as batch:
        batch.add_column(sa.Column("list_key", sa.String(length=40), nullable=False, server_default="items"))
        batch.alter_column("organisation_id", existing_type=sa.Uuid(), nullable=True)
        batch.drop_constraint(op.f(OLD_KEY), type_="unique")
        batch.create_unique_constraint(op.f(NEW_KEY), ["owner_id", "list_key", "name"])
        batch.create_index("ix_saved_views_organisation_id_list_key", ["organisation_id", "list_key"])
    with op.batch_alter_table("saved_views") as batch:  # what was kept so far is of items; what comes says of which list
        batch.alter_column("list_key", existing_type=sa.String(length=40), server_default=None)
    op.create_table(
        "list_choices",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("list_key", sa.String(length=40), nullable=False),
        sa.Column(
            "columns", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True
        ),
        sa.Column("default_view_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["default_view_id"],
            ["saved_views.saved_view_id"],
            name=op.f("fk_list_choices_default_view_id_saved_views"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_list_choices_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "list_key", name=op.f("pk_list_choices")),
    )
    op.create_index(op.f("ix_list_choices_default_view_id"), "list_choices", ["default_view_id"])


def downgrade():
    op.drop_index(op.f("ix_list_choices_default_view_id"), "list_choices")
    op.drop_table("list_choices")
    op.execute("DELETE FROM saved_views WHERE list_key <> 'items' OR organisation_id IS NULL")
    with op.batch_alter_table("saved_views") as batch:
        batch.drop_index("ix_saved_views_organisation_id_list_key")
        batch.drop_constraint(op.f(NEW_KEY), type_="unique")
        batch.create_unique_constraint(op.f(OLD_KEY), ["organisation_id", "owner_id", "name"])
        batch.alter_column("organisation_id", existing_type=sa.Uuid(), nullable=False)
        batch.drop_column("list_key")
