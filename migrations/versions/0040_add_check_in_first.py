"""Let a session admit only those whose identity was checked at the door."""

import sqlalchemy as sa
from alembic import op

revision = "0040_add_check_in_first"
down_revision = "0039_add_erasure_orders"
branch_labels = None
depends_on = None


def upgrade():
    column = sa.Column(
        "checks_in_first",
        sa.Boolean(),
        server_default=sa.false(),
        nullable=False,
        comment="nobody signs in whose identity was not checked at the door",
    )
    op.add_column("exam_sessions", column)


def downgrade():
    op.drop_column("exam_sessions", "checks_in_first")
