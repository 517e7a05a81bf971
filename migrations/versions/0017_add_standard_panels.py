"""Add panels for standard setting."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_add_standard_panels"
down_revision = "0016_add_item_parameters"
branch_labels = None
depends_on = None


APPEND_ONLY = ("panel_items", "panel_rounds", "panel_judgements", "panel_submissions", "panel_outcomes", "panel_notes")
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
        "standard_panels",
        sa.Column("standard_panel_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_form_id", sa.Uuid(), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("form_title", sa.String(length=200), nullable=False),
        sa.Column("occupation_name", sa.String(length=60), nullable=False),
        sa.Column("level_name", sa.String(length=40), nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "angoff",
                "ebel",
                "nedelsky",
                "bookmark",
                name="panelmethod",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "asks_compromise",
            sa.Boolean(),
            nullable=False,
            comment="whether raters also give Beuk's and Hofstee's judgements",
        ),
        sa.Column("borderline", sa.Text(), nullable=False, comment="who is just qualified, in the panel's words"),
        sa.Column("total_score", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column("items_digest", sa.String(length=64), nullable=False, comment="of the form's items and marks"),
        sa.Column(
            "status",
            sa.Enum(
                "preparing",
                "rating",
                "feedback",
                "proposed",
                "concluded",
                "cancelled",
                name="panelstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="set by every step, so that the version counts them all",
        ),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("conclusion", sa.Text(), nullable=False, comment="what the panel recommends, in words"),
        sa.Column(
            "recommended", sa.Numeric(precision=7, scale=3), nullable=True, comment="the last round's cut, rounded"
        ),
        sa.Column(
            "rounding", sa.String(length=40), nullable=False, comment="unit and direction, as the rule profile had them"
        ),
        sa.Column(
            "fixed_mark",
            sa.Numeric(precision=7, scale=3),
            nullable=True,
            comment="pass mark in percent that the regulation sets",
        ),
        sa.Column("concluded_by", sa.Uuid(), nullable=True),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status = 'concluded') = (concluded_at IS NOT NULL)", name=op.f("ck_standard_panels_concluded_has_time")
        ),
        sa.CheckConstraint(
            "proposed_by IS NULL OR concluded_by IS NULL OR proposed_by <> concluded_by",
            name=op.f("ck_standard_panels_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["exam_form_id"], ["exam_forms.exam_form_id"], name=op.f("fk_standard_panels_exam_form_id_exam_forms")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_standard_panels_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("standard_panel_id", name=op.f("pk_standard_panels")),
    )
    with op.batch_alter_table("standard_panels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_standard_panels_exam_form_id"), ["exam_form_id"], unique=False)
        batch_op.create_index("ix_standard_panels_organisation_id_status", ["organisation_id", "status"], unique=False)

    op.create_table(
        "panel_items",
        sa.Column("panel_item_id", sa.Uuid(), nullable=False),
        sa.Column("standard_panel_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="in the booklet, from 1"),
        sa.Column("number", sa.Integer(), nullable=False, comment="in the form, from 1"),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("item_version_id", sa.Uuid(), nullable=False),
        sa.Column("item_code", sa.String(length=60), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("point", sa.String(length=60), nullable=False),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column(
            "judged",
            sa.Enum(
                "chance",
                "options",
                "cell",
                "place",
                name="judged",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "options",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="ids of the options, where they are judged",
        ),
        sa.Column("difficulty", sa.Integer(), nullable=True),
        sa.Column("proportion_correct", sa.Double(), nullable=True),
        sa.Column("n_observed", sa.Integer(), nullable=False),
        sa.Column("assumed", sa.Double(), nullable=False, comment="the facility that orders the booklet"),
        sa.CheckConstraint("place >= 1 AND number >= 1", name=op.f("ck_panel_items_from_one")),
        sa.ForeignKeyConstraint(
            ["standard_panel_id"],
            ["standard_panels.standard_panel_id"],
            name=op.f("fk_panel_items_standard_panel_id_standard_panels"),
        ),
        sa.PrimaryKeyConstraint("panel_item_id", name=op.f("pk_panel_items")),
        sa.UniqueConstraint("standard_panel_id", "number", name=op.f("uq_panel_items_standard_panel_id_number")),
        sa.UniqueConstraint("standard_panel_id", "place", name=op.f("uq_panel_items_standard_panel_id_place")),
    )
    op.create_table(
        "panel_members",
        sa.Column("panel_member_id", sa.Uuid(), nullable=False),
        sa.Column("standard_panel_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "warnings",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="ids of the rules of recusal that only warn",
        ),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_reason", sa.String(length=300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["standard_panel_id"],
            ["standard_panels.standard_panel_id"],
            name=op.f("fk_panel_members_standard_panel_id_standard_panels"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_panel_members_user_id_users")),
        sa.PrimaryKeyConstraint("panel_member_id", name=op.f("pk_panel_members")),
        sa.UniqueConstraint("standard_panel_id", "number", name=op.f("uq_panel_members_standard_panel_id_number")),
        sa.UniqueConstraint("standard_panel_id", "user_id", name=op.f("uq_panel_members_standard_panel_id_user_id")),
    )
    with op.batch_alter_table("panel_members", schema=None) as batch_op:
        batch_op.create_index("ix_panel_members_user_id", ["user_id"], unique=False)

    op.create_table(
        "panel_rounds",
        sa.Column("panel_round_id", sa.Uuid(), nullable=False),
        sa.Column("standard_panel_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["standard_panel_id"],
            ["standard_panels.standard_panel_id"],
            name=op.f("fk_panel_rounds_standard_panel_id_standard_panels"),
        ),
        sa.PrimaryKeyConstraint("panel_round_id", name=op.f("pk_panel_rounds")),
        sa.UniqueConstraint("standard_panel_id", "number", name=op.f("uq_panel_rounds_standard_panel_id_number")),
    )
    op.create_table(
        "panel_judgements",
        sa.Column("panel_judgement_id", sa.Uuid(), nullable=False),
        sa.Column("panel_round_id", sa.Uuid(), nullable=False),
        sa.Column("panel_member_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "judgement", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_panel_judgements_revision_from_one")),
        sa.ForeignKeyConstraint(
            ["panel_member_id"],
            ["panel_members.panel_member_id"],
            name=op.f("fk_panel_judgements_panel_member_id_panel_members"),
        ),
        sa.ForeignKeyConstraint(
            ["panel_round_id"],
            ["panel_rounds.panel_round_id"],
            name=op.f("fk_panel_judgements_panel_round_id_panel_rounds"),
        ),
        sa.PrimaryKeyConstraint("panel_judgement_id", name=op.f("pk_panel_judgements")),
        sa.UniqueConstraint(
            "panel_round_id", "panel_member_id", "subject", "revision", name="uq_panel_judgements_revision"
        ),
    )
    op.create_table(
        "panel_notes",
        sa.Column("panel_note_id", sa.Uuid(), nullable=False),
        sa.Column("panel_round_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("member_number", sa.Integer(), nullable=False, comment="0 for who leads the panel"),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["panel_round_id"], ["panel_rounds.panel_round_id"], name=op.f("fk_panel_notes_panel_round_id_panel_rounds")
        ),
        sa.PrimaryKeyConstraint("panel_note_id", name=op.f("pk_panel_notes")),
    )
    with op.batch_alter_table("panel_notes", schema=None) as batch_op:
        batch_op.create_index(
            "ix_panel_notes_panel_round_id_written_at", ["panel_round_id", "written_at"], unique=False
        )

    op.create_table(
        "panel_outcomes",
        sa.Column("panel_outcome_id", sa.Uuid(), nullable=False),
        sa.Column("panel_round_id", sa.Uuid(), nullable=False),
        sa.Column("n_judgements", sa.Integer(), nullable=False),
        sa.Column("judgements_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "result", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["panel_round_id"],
            ["panel_rounds.panel_round_id"],
            name=op.f("fk_panel_outcomes_panel_round_id_panel_rounds"),
        ),
        sa.PrimaryKeyConstraint("panel_outcome_id", name=op.f("pk_panel_outcomes")),
        sa.UniqueConstraint("panel_round_id", name=op.f("uq_panel_outcomes_panel_round_id")),
    )
    op.create_table(
        "panel_submissions",
        sa.Column("panel_submission_id", sa.Uuid(), nullable=False),
        sa.Column("panel_round_id", sa.Uuid(), nullable=False),
        sa.Column("panel_member_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["panel_member_id"],
            ["panel_members.panel_member_id"],
            name=op.f("fk_panel_submissions_panel_member_id_panel_members"),
        ),
        sa.ForeignKeyConstraint(
            ["panel_round_id"],
            ["panel_rounds.panel_round_id"],
            name=op.f("fk_panel_submissions_panel_round_id_panel_rounds"),
        ),
        sa.PrimaryKeyConstraint("panel_submission_id", name=op.f("pk_panel_submissions")),
        sa.UniqueConstraint(
            "panel_round_id", "panel_member_id", name=op.f("uq_panel_submissions_panel_round_id_panel_member_id")
        ),
    )
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    op.drop_table("panel_submissions")
    op.drop_table("panel_outcomes")
    with op.batch_alter_table("panel_notes", schema=None) as batch_op:
        batch_op.drop_index("ix_panel_notes_panel_round_id_written_at")

    op.drop_table("panel_notes")
    op.drop_table("panel_judgements")
    op.drop_table("panel_rounds")
    with op.batch_alter_table("panel_members", schema=None) as batch_op:
        batch_op.drop_index("ix_panel_members_user_id")

    op.drop_table("panel_members")
    op.drop_table("panel_items")
    with op.batch_alter_table("standard_panels", schema=None) as batch_op:
        batch_op.drop_index("ix_standard_panels_organisation_id_status")
        batch_op.drop_index(batch_op.f("ix_standard_panels_exam_form_id"))

    op.drop_table("standard_panels")
