"""Add levels of enterprises, applications for 特级技师 and 首席技师, and the level of an enterprise to batches and certificates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038_add_senior_levels"
down_revision = "0037_add_bank_shares"
branch_labels = None
depends_on = None


REFUSE_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"""


def make_append_only(table):
    """Let the database itself refuse to change or delete rows."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(REFUSE_FUNCTION)
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def upgrade():
    op.create_table(
        "enterprise_levels",
        sa.Column("enterprise_level_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("maps_to", sa.String(length=12), nullable=False, comment="code of a level of the scale"),
        sa.Column("occupation_code", sa.String(length=32), nullable=False, comment="empty: for every occupation"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("filing_number", sa.String(length=80), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_kind", sa.String(length=10), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("file_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_enterprise_levels_period")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_enterprise_levels_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("enterprise_level_id", name=op.f("pk_enterprise_levels")),
        sa.UniqueConstraint(
            "organisation_id", "code", "occupation_code", "valid_from", name="uq_enterprise_levels_code"
        ),
    )
    op.create_table(
        "senior_applications",
        sa.Column("senior_application_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "review",
                "passed",
                "publicity",
                "appointed",
                "ended",
                "refused",
                "withdrawn",
                name="seniorstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("level_code", sa.String(length=12), nullable=False),
        sa.Column("level_name", sa.String(length=60), nullable=False),
        sa.Column("occupation_code", sa.String(length=32), nullable=False),
        sa.Column("occupation_name", sa.String(length=100), nullable=False),
        sa.Column("trade_name", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("id_kind", sa.String(length=32), nullable=False),
        sa.Column("id_number_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_index", sa.String(length=64), nullable=False),
        sa.Column("id_number_mask", sa.String(length=40), nullable=False),
        sa.Column("sex", sa.String(length=10), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("employer", sa.String(length=200), nullable=False),
        sa.Column("position", sa.String(length=100), nullable=False),
        sa.Column("current_level", sa.String(length=12), nullable=False, comment="code of the level held now"),
        sa.Column("current_since", sa.Date(), nullable=False),
        sa.Column("current_certificate", sa.String(length=40), nullable=False),
        sa.Column("years_in_occupation", sa.Integer(), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column("achievements", sa.String(length=4000), nullable=False),
        sa.Column("publicity_starts_on", sa.Date(), nullable=True),
        sa.Column("publicity_ends_on", sa.Date(), nullable=True),
        sa.Column("publicity_is_certain", sa.Boolean(), nullable=False),
        sa.Column("publicity_contact", sa.String(length=200), nullable=False),
        sa.Column("appointed_from", sa.Date(), nullable=True),
        sa.Column("appointed_until", sa.Date(), nullable=True),
        sa.Column("appointment_number", sa.String(length=80), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=True, comment="the batch that issues the certificate"),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(appointed_from IS NULL) = (appointed_until IS NULL)", name=op.f("ck_senior_applications_term")
        ),
        sa.CheckConstraint("appointed_until >= appointed_from", name=op.f("ck_senior_applications_term_order")),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"],
            ["certification_batches.certification_batch_id"],
            name=op.f("fk_senior_applications_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_senior_applications_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("senior_application_id", name=op.f("pk_senior_applications")),
        sa.UniqueConstraint("organisation_id", "number", name=op.f("uq_senior_applications_organisation_id_number")),
    )
    with op.batch_alter_table("senior_applications", schema=None) as batch_op:
        batch_op.create_index(
            "ix_senior_applications_organisation_id_id_number_index",
            ["organisation_id", "id_number_index"],
            unique=False,
        )
        batch_op.create_index(
            "ix_senior_applications_organisation_id_state", ["organisation_id", "state"], unique=False
        )

    op.create_table(
        "senior_events",
        sa.Column("senior_event_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("senior_application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "created",
                "changed",
                "submitted",
                "panel",
                "decided",
                "publicity",
                "appointed",
                "renewed",
                "ended",
                "refused",
                "withdrawn",
                "certified",
                name="senioract",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "facts", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_senior_events_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["senior_application_id"],
            ["senior_applications.senior_application_id"],
            name=op.f("fk_senior_events_senior_application_id_senior_applications"),
        ),
        sa.PrimaryKeyConstraint("senior_event_id", name=op.f("pk_senior_events")),
    )
    with op.batch_alter_table("senior_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_senior_events_senior_application_id"), ["senior_application_id"], unique=False
        )

    op.create_table(
        "senior_materials",
        sa.Column("senior_material_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("senior_application_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_kind", sa.String(length=10), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("file_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_senior_materials_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["senior_application_id"],
            ["senior_applications.senior_application_id"],
            name=op.f("fk_senior_materials_senior_application_id_senior_applications"),
        ),
        sa.PrimaryKeyConstraint("senior_material_id", name=op.f("pk_senior_materials")),
    )
    with op.batch_alter_table("senior_materials", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_senior_materials_senior_application_id"), ["senior_application_id"], unique=False
        )

    op.create_table(
        "senior_objections",
        sa.Column("senior_objection_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("senior_application_id", sa.Uuid(), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("raised_by", sa.String(length=100), nullable=False),
        sa.Column("content", sa.String(length=1000), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "upheld",
                "rejected",
                name="objectionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("answer", sa.String(length=1000), nullable=False),
        sa.Column("noted_by", sa.String(length=100), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.String(length=100), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_senior_objections_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["senior_application_id"],
            ["senior_applications.senior_application_id"],
            name=op.f("fk_senior_objections_senior_application_id_senior_applications"),
        ),
        sa.PrimaryKeyConstraint("senior_objection_id", name=op.f("pk_senior_objections")),
    )
    with op.batch_alter_table("senior_objections", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_senior_objections_senior_application_id"), ["senior_application_id"], unique=False
        )

    op.create_table(
        "senior_panel_members",
        sa.Column("senior_panel_member_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("senior_application_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("vote", sa.Boolean(), nullable=True),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("comment", sa.String(length=500), nullable=False),
        sa.Column("voted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(vote IS NULL) = (voted_at IS NULL)", name=op.f("ck_senior_panel_members_vote_has_time")),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("ck_senior_panel_members_score_range")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_senior_panel_members_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["senior_application_id"],
            ["senior_applications.senior_application_id"],
            name=op.f("fk_senior_panel_members_senior_application_id_senior_applications"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_senior_panel_members_user_id_users")),
        sa.PrimaryKeyConstraint("senior_panel_member_id", name=op.f("pk_senior_panel_members")),
        sa.UniqueConstraint(
            "senior_application_id", "user_id", name=op.f("uq_senior_panel_members_senior_application_id_user_id")
        ),
    )
    with op.batch_alter_table("senior_panel_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_senior_panel_members_user_id"), ["user_id"], unique=False)

    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "own_level_code", sa.String(length=32), server_default="", nullable=False, comment="of the enterprise"
            )
        )
        batch_op.add_column(sa.Column("own_level_name", sa.String(length=60), server_default="", nullable=False))

    with op.batch_alter_table("certification_batches", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "own_level_code", sa.String(length=32), server_default="", nullable=False, comment="of the enterprise"
            )
        )
        batch_op.add_column(sa.Column("own_level_name", sa.String(length=60), server_default="", nullable=False))

    make_append_only("senior_events")


def downgrade():
    with op.batch_alter_table("certification_batches", schema=None) as batch_op:
        batch_op.drop_column("own_level_name")
        batch_op.drop_column("own_level_code")

    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.drop_column("own_level_name")
        batch_op.drop_column("own_level_code")

    with op.batch_alter_table("senior_panel_members", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_senior_panel_members_user_id"))

    op.drop_table("senior_panel_members")
    with op.batch_alter_table("senior_objections", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_senior_objections_senior_application_id"))

    op.drop_table("senior_objections")
    with op.batch_alter_table("senior_materials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_senior_materials_senior_application_id"))

    op.drop_table("senior_materials")
    with op.batch_alter_table("senior_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_senior_events_senior_application_id"))

    op.drop_table("senior_events")
    with op.batch_alter_table("senior_applications", schema=None) as batch_op:
        batch_op.drop_index("ix_senior_applications_organisation_id_state")
        batch_op.drop_index("ix_senior_applications_organisation_id_id_number_index")

    op.drop_table("senior_applications")
    op.drop_table("enterprise_levels")
