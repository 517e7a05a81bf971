"""Keep which file brought results from outside, who uploaded it, and which delivery each score came with."""

import sqlalchemy as sa
from alembic import op

revision = "0044_add_result_files"
down_revision = "0043_add_seat_seal"
branch_labels = None
depends_on = None


def upgrade():
    brought = sa.Column("score_delivery_id", sa.Uuid(), nullable=True, comment="the delivery from outside that brought it")
    op.add_column("component_scores", brought)
    file_name = sa.Column(
        "file_name",
        sa.String(length=200),
        server_default="",
        nullable=False,
        comment="of an uploaded file; empty for a signed message",
    )
    uploaded_by = sa.Column(
        "uploaded_by", sa.String(length=100), server_default="", nullable=False, comment="who uploaded the file"
    )
    uploader = sa.Column(
        "uploader_id", sa.Uuid(), nullable=True, comment="who uploaded the file; somebody else confirms"
    )
    correction = sa.Column(
        "is_correction",
        sa.Boolean(),
        server_default=sa.false(),
        nullable=False,
        comment="replaces what the same system sent before",
    )
    for column in (file_name, uploaded_by, uploader, correction):
        op.add_column("score_deliveries", column)


def downgrade():
    for name in ("is_correction", "uploader_id", "uploaded_by", "file_name"):
        op.drop_column("score_deliveries", name)
    op.drop_column("component_scores", "score_delivery_id")
