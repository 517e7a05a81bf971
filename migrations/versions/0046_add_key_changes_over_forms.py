"""Let a key-change case be about several forms of the same sessions at once."""

import sqlalchemy as sa
from alembic import op

revision = "0046_add_key_changes_over_forms"
down_revision = "0045_add_form_switches"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("key_changes", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "lead_id",
                sa.Uuid(),
                nullable=True,
                comment="the row that leads a case over several forms; empty for itself",
            )
        )
        batch_op.create_index("ix_key_changes_lead_id", ["lead_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_key_changes_lead_id_key_changes"), "key_changes", ["lead_id"], ["key_change_id"]
        )


def downgrade():
    with op.batch_alter_table("key_changes", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_key_changes_lead_id_key_changes"), type_="foreignkey")
        batch_op.drop_index("ix_key_changes_lead_id")
        batch_op.drop_column("lead_id")
