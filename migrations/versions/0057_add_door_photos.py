"""Add photos taken at the door, and whether a session wants them."""

import sqlalchemy as sa
from alembic import op

revision = "0057_add_door_photos"
down_revision = "0056_add_exam_plans"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "door_photos",
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the re-encoded picture"),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        sa.Column("taken_by_name", sa.String(length=100), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_door_photos_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_door_photos_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.registration_id"],
            name=op.f("fk_door_photos_registration_id_registrations"),
        ),
        sa.PrimaryKeyConstraint("registration_id", "exam_session_id", name=op.f("pk_door_photos")),
    )
    op.create_index("ix_door_photos_exam_session_id", "door_photos", ["exam_session_id"])
    column = sa.Column(
        "door_photo",
        sa.String(length=8),
        server_default="off",
        nullable=False,
        comment="a photo at the door: off, optional or required",
    )
    op.add_column("exam_sessions", column)


def downgrade():
    op.drop_column("exam_sessions", "door_photo")
    op.drop_table("door_photos")
