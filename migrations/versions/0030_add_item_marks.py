"""add item marks."""

import sqlalchemy as sa
from alembic import op

revision = '0030_add_item_marks'
down_revision = '0029_add_marking_standards'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        'items',
        sa.Column(
            'cognitive', sa.String(length=20), server_default='', nullable=False,
            comment='认知层次, of the list in the rule profile',
        ),
    )
    op.add_column(
        'items',
        sa.Column(
            'is_trial', sa.Boolean(), server_default=sa.false(), nullable=False,
            comment='试测: stands in forms without marks until it has proved itself',
        ),
    )


def downgrade():
    op.drop_column('items', 'is_trial')
    op.drop_column('items', 'cognitive')
