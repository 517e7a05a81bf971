"""Create the tables of exam_delivery."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_create_exam_delivery"
down_revision = "0003_create_blueprints"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "score_releases",
    "deadline_changes",
    "incidents",
    "marks",
    "response_events",
    "score_records",
    "slot_scores",
)
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
        "sign_in_tries",
        sa.Column("sign_in_try_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sign_in_try_id", name=op.f("pk_sign_in_tries")),
    )
    op.create_index("ix_sign_in_tries_subject_tried_at", "sign_in_tries", ["subject", "tried_at"], unique=False)
    op.create_table(
        "candidates",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("id_kind", sa.String(length=40), nullable=False),
        sa.Column("id_number_ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_index", sa.String(length=64), nullable=False),
        sa.Column("id_number_mask", sa.String(length=40), nullable=False),
        sa.Column("sex", sa.String(length=8), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("employer", sa.String(length=200), nullable=False),
        sa.Column("photo_digest", sa.String(length=64), nullable=True),
        sa.Column(
            "extra", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_candidates_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_candidates")),
        sa.UniqueConstraint(
            "organisation_id", "id_number_index", name=op.f("uq_candidates_organisation_id_id_number_index")
        ),
    )
    op.create_table(
        "exam_batches",
        sa.Column("exam_batch_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("standard_level_id", sa.Uuid(), nullable=False),
        sa.Column("occupation_code", sa.String(length=20), nullable=False),
        sa.Column("occupation_name", sa.String(length=100), nullable=False),
        sa.Column("level_code", sa.String(length=20), nullable=False),
        sa.Column("level_name", sa.String(length=60), nullable=False),
        sa.Column(
            "status",
            sa.Enum("planned", "closed", name="batchstatus", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_exam_batches_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_batch_id", name=op.f("pk_exam_batches")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_exam_batches_organisation_id_code")),
    )
    op.create_table(
        "exam_rooms",
        sa.Column("exam_room_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_exam_rooms_capacity_positive")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_exam_rooms_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_room_id", name=op.f("pk_exam_rooms")),
        sa.UniqueConstraint("organisation_id", "site", "name", name=op.f("uq_exam_rooms_organisation_id_site_name")),
    )
    op.create_table(
        "candidate_photos",
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.candidate_id"], name=op.f("fk_candidate_photos_candidate_id_candidates")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_candidate_photos_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_candidate_photos")),
    )
    op.create_table(
        "exam_sessions",
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_batch_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "form_ids", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False, comment="sign-in is possible from here on"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "ends_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="nobody without a recorded extension answers after this",
        ),
        sa.Column("duration_seconds", sa.Integer(), nullable=False),
        sa.Column("late_cutoff_minutes", sa.Integer(), nullable=False),
        sa.Column("earliest_submit_minutes", sa.Integer(), nullable=False),
        sa.Column("leave_limit", sa.Integer(), nullable=False),
        sa.Column("per_page", sa.String(length=8), nullable=False),
        sa.Column("shuffle_items", sa.Boolean(), nullable=False),
        sa.Column("shuffle_choices", sa.Boolean(), nullable=False),
        sa.Column("seat_seed", sa.Integer(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "prepared",
                "open",
                "closed",
                "scored",
                "released",
                name="sessionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("duration_seconds > 0", name=op.f("ck_exam_sessions_duration_positive")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_exam_sessions_starts_before_end")),
        sa.ForeignKeyConstraint(
            ["exam_batch_id"], ["exam_batches.exam_batch_id"], name=op.f("fk_exam_sessions_exam_batch_id_exam_batches")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_exam_sessions_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_session_id", name=op.f("pk_exam_sessions")),
    )
    op.create_index(op.f("ix_exam_sessions_exam_batch_id"), "exam_sessions", ["exam_batch_id"], unique=False)
    op.create_index(
        "ix_exam_sessions_organisation_id_starts_at", "exam_sessions", ["organisation_id", "starts_at"], unique=False
    )
    op.create_table(
        "score_releases",
        sa.Column("score_release_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_batch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "exam_session_ids",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "results",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="[registration, outcome, score or null, score record or null]",
        ),
        sa.Column("package_digest", sa.String(length=64), nullable=False),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_batch_id"], ["exam_batches.exam_batch_id"], name=op.f("fk_score_releases_exam_batch_id_exam_batches")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_score_releases_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("score_release_id", name=op.f("pk_score_releases")),
        sa.UniqueConstraint("exam_batch_id", "number", name=op.f("uq_score_releases_exam_batch_id_number")),
    )
    op.create_table(
        "exam_documents",
        sa.Column("exam_document_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("n_people", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_exam_documents_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_exam_documents_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_document_id", name=op.f("pk_exam_documents")),
    )
    op.create_index(op.f("ix_exam_documents_exam_session_id"), "exam_documents", ["exam_session_id"], unique=False)
    op.create_table(
        "registrations",
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_batch_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=True),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("admission_number", sa.String(length=40), nullable=True),
        sa.Column(
            "sign_in_index",
            sa.String(length=64),
            nullable=True,
            comment="blind index of admission number and identity number",
        ),
        sa.Column("exam_room_id", sa.Uuid(), nullable=True),
        sa.Column("seat_number", sa.Integer(), nullable=True),
        sa.Column("time_factor", sa.Numeric(precision=4, scale=2), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "admitted",
                "absent",
                "void",
                name="registrationstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("void_reason", sa.String(length=300), nullable=False),
        sa.CheckConstraint("time_factor >= 1", name=op.f("ck_registrations_time_factor_never_shortens")),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.candidate_id"], name=op.f("fk_registrations_candidate_id_candidates")
        ),
        sa.ForeignKeyConstraint(
            ["exam_batch_id"], ["exam_batches.exam_batch_id"], name=op.f("fk_registrations_exam_batch_id_exam_batches")
        ),
        sa.ForeignKeyConstraint(
            ["exam_room_id"], ["exam_rooms.exam_room_id"], name=op.f("fk_registrations_exam_room_id_exam_rooms")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_registrations_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_registrations_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("admission_number", name=op.f("uq_registrations_admission_number")),
        sa.UniqueConstraint("exam_batch_id", "candidate_id", name=op.f("uq_registrations_exam_batch_id_candidate_id")),
        sa.UniqueConstraint(
            "exam_session_id",
            "exam_room_id",
            "seat_number",
            name=op.f("uq_registrations_exam_session_id_exam_room_id_seat_number"),
        ),
    )
    op.create_index(op.f("ix_registrations_candidate_id"), "registrations", ["candidate_id"], unique=False)
    op.create_index(op.f("ix_registrations_exam_session_id"), "registrations", ["exam_session_id"], unique=False)
    op.create_table(
        "roster_uploads",
        sa.Column("roster_upload_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_batch_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "previewed",
                "imported",
                "discarded",
                name="rosteruploadstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("n_imported", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_batch_id"], ["exam_batches.exam_batch_id"], name=op.f("fk_roster_uploads_exam_batch_id_exam_batches")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_roster_uploads_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_roster_uploads_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("roster_upload_id", name=op.f("pk_roster_uploads")),
    )
    op.create_index(op.f("ix_roster_uploads_exam_batch_id"), "roster_uploads", ["exam_batch_id"], unique=False)
    op.create_table(
        "session_rooms",
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("exam_room_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "invigilator_ids",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["exam_room_id"], ["exam_rooms.exam_room_id"], name=op.f("fk_session_rooms_exam_room_id_exam_rooms")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_session_rooms_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_session_rooms_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_session_id", "exam_room_id", name=op.f("pk_session_rooms")),
    )
    op.create_table(
        "attempts",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column(
            "layout",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            comment="order of slots and of choices, replayable from the seed",
        ),
        sa.Column("n_slots", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "in_progress",
                "submitted",
                name="attemptstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latest_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_seconds", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("earliest_submit_seconds", sa.Integer(), nullable=False),
        sa.Column(
            "grace_seconds",
            sa.Integer(),
            nullable=False,
            comment="how much later than the deadline an answer still counts",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "submit_kind",
            sa.Enum(
                "candidate",
                "forced",
                "timeout",
                name="submitkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("receipt", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("holder_generation", sa.Integer(), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("n_answered", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "(status = 'submitted') = (submitted_at IS NOT NULL)", name=op.f("ck_attempts_submitted_has_time")
        ),
        sa.CheckConstraint(
            "(status = 'waiting') = (started_at IS NULL)", name=op.f("ck_attempts_started_unless_waiting")
        ),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_attempts_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_attempts_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registrations.registration_id"],
            name=op.f("fk_attempts_registration_id_registrations"),
        ),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_attempts_registration_id")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_attempts_exam_session_id"), "attempts", ["exam_session_id"], unique=False)
    op.create_index("ix_attempts_status_deadline_at", "attempts", ["status", "deadline_at"], unique=False)
    op.create_table(
        "deadline_changes",
        sa.Column("deadline_change_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("minutes", sa.Numeric(precision=6, scale=2), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_deadline_changes_never_shortens")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_deadline_changes_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_deadline_changes_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("deadline_change_id", name=op.f("pk_deadline_changes")),
    )
    op.create_index(op.f("ix_deadline_changes_attempt_id"), "deadline_changes", ["attempt_id"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_session_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("noted_by", sa.Uuid(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_incidents_attempt_id_attempts")),
        sa.ForeignKeyConstraint(
            ["exam_session_id"],
            ["exam_sessions.exam_session_id"],
            name=op.f("fk_incidents_exam_session_id_exam_sessions"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_incidents_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_exam_session_id"), "incidents", ["exam_session_id"], unique=False)
    op.create_table(
        "marks",
        sa.Column("mark_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column("max_score", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column("comment", sa.String(length=500), nullable=False),
        sa.Column("marked_by", sa.Uuid(), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("score >= 0", name=op.f("ck_marks_score_not_negative")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_marks_attempt_id_attempts")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"], name=op.f("fk_marks_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("mark_id", name=op.f("pk_marks")),
        sa.UniqueConstraint("attempt_id", "slot", "number", name=op.f("uq_marks_attempt_id_slot_number")),
    )
    op.create_table(
        "rendered_forms",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_rendered_forms_attempt_id_attempts")
        ),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_rendered_forms")),
    )
    op.create_table(
        "response_events",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("response", sa.Text(), nullable=False, comment="JSON as sent"),
        sa.Column("client_time", sa.String(length=40), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_response_events_attempt_id_attempts")
        ),
        sa.PrimaryKeyConstraint("attempt_id", "slot", "seq", name=op.f("pk_response_events")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "response_states",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_response_states_attempt_id_attempts")
        ),
        sa.PrimaryKeyConstraint("attempt_id", "slot", name=op.f("pk_response_states")),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "score_records",
        sa.Column("score_record_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("max_score", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "complete",
                "needs_marking",
                "blocked",
                name="scorestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("responses_digest", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True, comment="the scoring run; one version an attempt and run"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_score_records_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_score_records_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("score_record_id", name=op.f("pk_score_records")),
        sa.UniqueConstraint("attempt_id", "number", name=op.f("uq_score_records_attempt_id_number")),
        sa.UniqueConstraint("attempt_id", "run_id", name=op.f("uq_score_records_attempt_id_run_id")),
    )
    op.create_index(op.f("ix_score_records_attempt_id"), "score_records", ["attempt_id"], unique=False)
    op.create_table(
        "slot_scores",
        sa.Column("score_record_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("max_score", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column(
            "source",
            sa.Enum("auto", "human", name="scoresource", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["score_record_id"],
            ["score_records.score_record_id"],
            name=op.f("fk_slot_scores_score_record_id_score_records"),
        ),
        sa.PrimaryKeyConstraint("score_record_id", "slot", name=op.f("pk_slot_scores")),
    )
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    op.drop_table("slot_scores")
    op.drop_index(op.f("ix_score_records_attempt_id"), table_name="score_records")
    op.drop_table("score_records")
    op.drop_table("response_states")
    op.drop_table("response_events")
    op.drop_table("rendered_forms")
    op.drop_table("marks")
    op.drop_index(op.f("ix_incidents_exam_session_id"), table_name="incidents")
    op.drop_table("incidents")
    op.drop_index(op.f("ix_deadline_changes_attempt_id"), table_name="deadline_changes")
    op.drop_table("deadline_changes")
    op.drop_index("ix_attempts_status_deadline_at", table_name="attempts")
    op.drop_index(op.f("ix_attempts_exam_session_id"), table_name="attempts")
    op.drop_table("attempts")
    op.drop_table("session_rooms")
    op.drop_index(op.f("ix_roster_uploads_exam_batch_id"), table_name="roster_uploads")
    op.drop_table("roster_uploads")
    op.drop_index(op.f("ix_registrations_exam_session_id"), table_name="registrations")
    op.drop_index(op.f("ix_registrations_candidate_id"), table_name="registrations")
    op.drop_table("registrations")
    op.drop_index(op.f("ix_exam_documents_exam_session_id"), table_name="exam_documents")
    op.drop_table("exam_documents")
    op.drop_table("score_releases")
    op.drop_index("ix_exam_sessions_organisation_id_starts_at", table_name="exam_sessions")
    op.drop_index(op.f("ix_exam_sessions_exam_batch_id"), table_name="exam_sessions")
    op.drop_table("exam_sessions")
    op.drop_table("candidate_photos")
    op.drop_table("exam_rooms")
    op.drop_table("exam_batches")
    op.drop_table("candidates")
    op.drop_index("ix_sign_in_tries_subject_tried_at", table_name="sign_in_tries")
    op.drop_table("sign_in_tries")
