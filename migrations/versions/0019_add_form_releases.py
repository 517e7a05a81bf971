"""Add prints of forms, key custodians and releases of sealed parts."""

import sqlalchemy as sa
from alembic import op

revision = "0019_add_form_releases"
down_revision = "0018_add_blueprint_versions"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "key_custodians",
        sa.Column("key_custodian_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("appointed_by", sa.Uuid(), nullable=True),
        sa.Column("appointed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_key_custodians_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("key_custodian_id", name=op.f("pk_key_custodians")),
        sa.UniqueConstraint("organisation_id", "user_id", name=op.f("uq_key_custodians_organisation_id_user_id")),
    )
    op.create_table(
        "form_prints",
        sa.Column("form_print_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=20), nullable=False),
        sa.Column("file_format", sa.String(length=10), nullable=False),
        sa.Column("page_size", sa.String(length=8), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("mime", sa.String(length=100), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True, comment="empty once purged"),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("n_bytes", sa.Integer(), nullable=False),
        sa.Column("is_secret", sa.Boolean(), nullable=False, comment="made of a form that nobody may know yet"),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_by_name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purge_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("n_taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_form_id"], ["exam_forms.exam_form_id"], name=op.f("fk_form_prints_exam_form_id_exam_forms")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_form_prints_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("form_print_id", name=op.f("pk_form_prints")),
    )
    with op.batch_alter_table("form_prints", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_form_prints_exam_form_id"), ["exam_form_id"], unique=False)
        batch_op.create_index("ix_form_prints_purge_after", ["purge_after"], unique=False)

    op.create_table(
        "form_releases",
        sa.Column("form_release_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column(
            "part",
            sa.Enum("delivery", "scoring", name="releasepart", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_early", sa.Boolean(), nullable=False, comment="break-glass: the administrators are alarmed"),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "confirmed",
                "refused",
                "withdrawn",
                name="releasestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_by_name", sa.String(length=100), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "expires_at", sa.DateTime(timezone=True), nullable=False, comment="until when the second person may confirm"
        ),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "valid_until", sa.DateTime(timezone=True), nullable=True, comment="empty: as long as the form is in use"
        ),
        sa.Column("noted_by", sa.Uuid(), nullable=True, comment="the administrator who took note of an early opening"),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL)", name=op.f("ck_form_releases_decided_has_time")
        ),
        sa.CheckConstraint(
            "state <> 'confirmed' OR (decided_by IS NOT NULL AND decided_by <> requested_by)",
            name=op.f("ck_form_releases_two_persons"),
        ),
        sa.ForeignKeyConstraint(
            ["exam_form_id"], ["exam_forms.exam_form_id"], name=op.f("fk_form_releases_exam_form_id_exam_forms")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_form_releases_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("form_release_id", name=op.f("pk_form_releases")),
    )
    with op.batch_alter_table("form_releases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_form_releases_exam_form_id"), ["exam_form_id"], unique=False)
        batch_op.create_index(
            "ix_form_releases_organisation_id_requested_at", ["organisation_id", "requested_at"], unique=False
        )


def downgrade():
    with op.batch_alter_table("form_releases", schema=None) as batch_op:
        batch_op.drop_index("ix_form_releases_organisation_id_requested_at")
        batch_op.drop_index(batch_op.f("ix_form_releases_exam_form_id"))

    op.drop_table("form_releases")
    with op.batch_alter_table("form_prints", schema=None) as batch_op:
        batch_op.drop_index("ix_form_prints_purge_after")
        batch_op.drop_index(batch_op.f("ix_form_prints_exam_form_id"))

    op.drop_table("form_prints")
    op.drop_table("key_custodians")
