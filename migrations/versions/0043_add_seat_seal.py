"""Keep who sits where sealed until shortly before a session, with what proves the draw."""

import sqlalchemy as sa
from alembic import op

revision = "0043_add_seat_seal"
down_revision = "0042_add_sending_systems"
branch_labels = None
depends_on = None


def upgrade():
    salt = sa.Column("seat_salt", sa.String(length=32), server_default="", nullable=False)
    digest = sa.Column(
        "seat_digest",
        sa.String(length=64),
        server_default="",
        nullable=False,
        comment="proves the draw: seed, salt and seats",
    )
    until = sa.Column(
        "seats_sealed_until",
        sa.DateTime(timezone=True),
        nullable=True,
        comment="nobody is told who sits where before",
    )
    for column in (salt, digest, until):
        op.add_column("exam_sessions", column)


def downgrade():
    for name in ("seats_sealed_until", "seat_digest", "seat_salt"):
        op.drop_column("exam_sessions", name)
