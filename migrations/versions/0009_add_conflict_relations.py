"""Add conflict relations."""

import sqlalchemy as sa
from alembic import op


revision = "0009_add_conflict_relations"
down_revision = "0008_add_writing_tasks"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "conflict_relations",
        sa.Column("conflict_relation_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "self",
                "kin",
                "teacher",
                "trainer",
                "employer",
                name="relationkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("other_user_id", sa.Uuid(), nullable=True),
        sa.Column("other_index", sa.String(length=64), nullable=False, comment="keyed index of an identity number"),
        sa.Column("other_mask", sa.String(length=40), nullable=False),
        sa.Column("other_name", sa.String(length=60), nullable=False),
        sa.Column("other_employer", sa.String(length=200), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "declared",
                "confirmed",
                "rejected",
                "withdrawn",
                name="relationstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("declared_by", sa.Uuid(), nullable=True),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(length=300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "other_user_id IS NOT NULL OR other_index <> '' OR other_employer <> ''",
            name=op.f("ck_conflict_relations_other_one_is_known"),
        ),
        sa.CheckConstraint(
            "since IS NULL OR until IS NULL OR since <= until", name=op.f("ck_conflict_relations_since_before_until")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_conflict_relations_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["other_user_id"], ["users.user_id"], name=op.f("fk_conflict_relations_other_user_id_users")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["users.user_id"], name=op.f("fk_conflict_relations_person_id_users")),
        sa.PrimaryKeyConstraint("conflict_relation_id", name=op.f("pk_conflict_relations")),
    )
    with op.batch_alter_table("conflict_relations", schema=None) as batch_op:
        batch_op.create_index(
            "ix_conflict_relations_organisation_id_other_user_id", ["organisation_id", "other_user_id"], unique=False
        )
        batch_op.create_index(
            "ix_conflict_relations_organisation_id_person_id", ["organisation_id", "person_id"], unique=False
        )


def downgrade():
    with op.batch_alter_table("conflict_relations", schema=None) as batch_op:
        batch_op.drop_index("ix_conflict_relations_organisation_id_person_id")
        batch_op.drop_index("ix_conflict_relations_organisation_id_other_user_id")

    op.drop_table("conflict_relations")
