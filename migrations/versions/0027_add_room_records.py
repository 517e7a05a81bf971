"""Add evidence of incidents, misconduct cases with signatures, sign-offs of rooms, changes of sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027_add_room_records"
down_revision = "0026_add_lockdown"
branch_labels = None
depends_on = None

APPEND_ONLY = ("incident_people", "incident_evidence", "misconduct_signatures", "room_sign_offs", "session_changes")
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
        "room_sign_offs",
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("exam_room_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("remarks", sa.String(length=500), nullable=False),
        sa.Column(
            "figures",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="counts as they stood",
        ),
        sa.Column("checkpoint_seq", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_hash", sa.String(length=64), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_room_id"], ["exam_rooms.exam_room_id"], name=op.f("fk_room_sign_offs_exam_room_id_exam_rooms")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_room_sign_offs_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_room_sign_offs_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_session_id", "exam_room_id", "user_id", name=op.f("pk_room_sign_offs")),
    )
    op.create_table(
        "session_changes",
        sa.Column("session_change_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="postponed or cancelled"),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column(
            "before", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "after", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_by_name", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_session_changes_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_session_changes_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("session_change_id", name=op.f("pk_session_changes")),
    )
    with op.batch_alter_table("session_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_changes_exam_session_id"), ["exam_session_id"], unique=False)

    op.create_table(
        "incident_evidence",
        sa.Column("incident_evidence_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the re-encoded picture"),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_evidence_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_incident_evidence_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("incident_evidence_id", name=op.f("pk_incident_evidence")),
    )
    with op.batch_alter_table("incident_evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_evidence_incident_id"), ["incident_id"], unique=False)

    op.create_table(
        "incident_people",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_people_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.registration_id"],
            name=op.f("fk_incident_people_registration_id_registrations"),
        ),
        sa.PrimaryKeyConstraint("incident_id", "registration_id", name=op.f("pk_incident_people")),
    )
    with op.batch_alter_table("incident_people", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_people_registration_id"), ["registration_id"], unique=False)

    op.create_table(
        "misconduct_cases",
        sa.Column("misconduct_case_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("exam_room_id", sa.Uuid(), nullable=True),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column(
            "breach",
            sa.Enum(
                "forbidden_item",
                "phone",
                "copying",
                "passing",
                "talking",
                "seat",
                "impersonation",
                "leaving_page",
                "recording",
                "disorder",
                "other",
                name="breach",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False, comment="the candidate's own words"),
        sa.Column("is_statement_refused", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "confirmed",
                "decided",
                "dismissed",
                "withdrawn",
                name="casestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_by_name", sa.String(length=100), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'decided') = (tier IS NOT NULL)", name=op.f("ck_misconduct_cases_decided_has_tier")
        ),
        sa.ForeignKeyConstraint(
            ["exam_room_id"], ["exam_rooms.exam_room_id"], name=op.f("fk_misconduct_cases_exam_room_id_exam_rooms")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_misconduct_cases_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_misconduct_cases_incident_id_incidents")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_misconduct_cases_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.registration_id"],
            name=op.f("fk_misconduct_cases_registration_id_registrations"),
        ),
        sa.PrimaryKeyConstraint("misconduct_case_id", name=op.f("pk_misconduct_cases")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_misconduct_cases_organisation_id_code")),
    )
    with op.batch_alter_table("misconduct_cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_misconduct_cases_exam_session_id"), ["exam_session_id"], unique=False)
        batch_op.create_index("ix_misconduct_cases_organisation_id_state", ["organisation_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_misconduct_cases_registration_id"), ["registration_id"], unique=False)

    op.create_table(
        "misconduct_signatures",
        sa.Column("misconduct_case_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("facts_digest", sa.String(length=64), nullable=False, comment="of what was signed"),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["misconduct_case_id"],
            ["misconduct_cases.misconduct_case_id"],
            name=op.f("fk_misconduct_signatures_misconduct_case_id_misconduct_cases"),
        ),
        sa.PrimaryKeyConstraint("misconduct_case_id", "user_id", name=op.f("pk_misconduct_signatures")),
    )
    op.add_column(
        "exam_sessions",
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True, comment="nobody sits it any more"),
    )

    op.add_column(
        "incidents",
        sa.Column(
            "happened_at", sa.DateTime(timezone=True), nullable=True, comment="when it is not the time of the note"
        ),
    )

    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    op.drop_column("incidents", "happened_at")

    op.drop_column("exam_sessions", "cancelled_at")

    op.drop_table("misconduct_signatures")
    with op.batch_alter_table("misconduct_cases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_misconduct_cases_registration_id"))
        batch_op.drop_index("ix_misconduct_cases_organisation_id_state")
        batch_op.drop_index(batch_op.f("ix_misconduct_cases_exam_session_id"))

    op.drop_table("misconduct_cases")
    with op.batch_alter_table("incident_people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_people_registration_id"))

    op.drop_table("incident_people")
    with op.batch_alter_table("incident_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_evidence_incident_id"))

    op.drop_table("incident_evidence")
    with op.batch_alter_table("session_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_session_changes_exam_session_id"))

    op.drop_table("session_changes")
    op.drop_table("room_sign_offs")
