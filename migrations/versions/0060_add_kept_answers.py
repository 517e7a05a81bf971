"""Keep the answers to requests that name an idempotency key for a day."""

import sqlalchemy as sa
from alembic import op

revision = "0060_add_kept_answers"
down_revision = "0059_add_late_decisions"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "kept_answers",
        sa.Column("key_digest", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint", sa.String(length=120), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False, comment="headers, body and messages, encrypted"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_digest", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_created_at"), "kept_answers", ["created_at"])


def downgrade():
    op.drop_index(op.f("ix_kept_answers_created_at"), "kept_answers")
    op.drop_table("kept_answers")
