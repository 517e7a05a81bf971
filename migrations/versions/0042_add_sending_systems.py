"""Add systems that send results in, and what they sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042_add_sending_systems"
down_revision = "0041_add_certificate_blanks"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "sending_systems",
        sa.Column("sending_system_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("secret_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret_ciphertext", sa.LargeBinary(), nullable=True, comment="holds too until then"),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_sending_systems_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("sending_system_id", name=op.f("pk_sending_systems")),
    )
    with op.batch_alter_table("sending_systems", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sending_systems_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "score_deliveries",
        sa.Column("score_delivery_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sending_system_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.String(length=128), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "rows",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="[admission number, component, text]; no names, no identity numbers",
        ),
        sa.Column(
            "answer",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="what the sender was answered, and is answered again",
        ),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "accepted",
                "rejected",
                name="scoredeliverystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("n_saved", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.String(length=100), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_score_deliveries_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_score_deliveries_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["sending_system_id"],
            ["sending_systems.sending_system_id"],
            name=op.f("fk_score_deliveries_sending_system_id_sending_systems"),
        ),
        sa.PrimaryKeyConstraint("score_delivery_id", name=op.f("pk_score_deliveries")),
        sa.UniqueConstraint(
            "sending_system_id", "webhook_id", name=op.f("uq_score_deliveries_sending_system_id_webhook_id")
        ),
    )
    with op.batch_alter_table("score_deliveries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_score_deliveries_certification_batch_id"), ["certification_batch_id"], unique=False
        )
        batch_op.create_index(
            "ix_score_deliveries_organisation_id_received_at", ["organisation_id", "received_at"], unique=False
        )


def downgrade():
    with op.batch_alter_table("score_deliveries", schema=None) as batch_op:
        batch_op.drop_index("ix_score_deliveries_organisation_id_received_at")
        batch_op.drop_index(batch_op.f("ix_score_deliveries_certification_batch_id"))

    op.drop_table("score_deliveries")
    with op.batch_alter_table("sending_systems", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sending_systems_organisation_id"))

    op.drop_table("sending_systems")
