"""Keep what candidates add to their requests."""

import sqlalchemy as sa
from alembic import op

revision = "0048_add_score_review_files"
down_revision = "0047_add_room_devices"
branch_labels = None
depends_on = None


def foreign(column, target):
    name = op.f(f"fk_score_review_files_{column}_{target.partition('.')[0]}")
    return sa.ForeignKeyConstraint([column], [target], name=name)


def upgrade():
    op.create_table(
        "score_review_files",
        sa.Column("score_review_file_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the file as it is kept"),
        sa.Column("n_bytes", sa.Integer(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        foreign("organisation_id", "organisations.organisation_id"),
        foreign("request_id", "score_review_requests.score_review_request_id"),
        sa.PrimaryKeyConstraint("score_review_file_id", name=op.f("pk_score_review_files")),
        sa.UniqueConstraint("request_id", "number", name=op.f("uq_score_review_files_request_id_number")),
    )


def downgrade():
    op.drop_table("score_review_files")
