"""Let who has begun begin anew on a standby form; keep the voided attempt with its answers apart from its candidate."""

import sqlalchemy as sa
from alembic import op

revision = "0052_restart_on_standby_forms"
down_revision = "0051_keep_assembly_pools"
branch_labels = None
depends_on = None

OWNER = "none once voided: whose it was then stands in voided_attempts, and nothing counts it any more"
FILLED, MAY_BE_NONE = "registration_id CHAR(32) NOT NULL", "registration_id CHAR(32)"

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


def let_owner_be_none(is_nullable):
    """Lift or set NOT NULL of an attempt's registration.

    SQLite can only write a table anew, and the answers refer to this one. Nothing on the disk depends on NOT NULL, so its
    definition is changed in place, the way SQLite's own manual gives for this case ("ALTER TABLE", section 7).
    """
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.alter_column("attempts", "registration_id", nullable=is_nullable, comment=OWNER if is_nullable else None)
        return
    before, after = (FILLED, MAY_BE_NONE) if is_nullable else (MAY_BE_NONE, FILLED)
    present = bind.scalar(sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'attempts'"))
    if present.count(before) != 1:
        raise RuntimeError("the table of attempts is not as earlier revisions left it")
    version = bind.scalar(sa.text("PRAGMA schema_version"))
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    bind.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = 'attempts'"),
        {"sql": present.replace(before, after)},
    )
    bind.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))


def add_voided_attempts():
    op.create_table(
        "voided_attempts",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("next_attempt_id", sa.Uuid(), nullable=False),
        sa.Column("form_switch_id", sa.Uuid(), nullable=False),
        sa.Column("had_handed_in", sa.Boolean(), nullable=False),
        sa.Column("voided_by", sa.Uuid(), nullable=True),
        sa.Column("voided_by_name", sa.String(length=100), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.attempt_id"], name=op.f("fk_voided_attempts_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["form_switch_id"], ["form_switches.form_switch_id"],
            name=op.f("fk_voided_attempts_form_switch_id_form_switches"),
        ),
        sa.ForeignKeyConstraint(
            ["next_attempt_id"], ["attempts.attempt_id"], name=op.f("fk_voided_attempts_next_attempt_id_attempts")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"],
            name=op.f("fk_voided_attempts_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.registration_id"],
            name=op.f("fk_voided_attempts_registration_id_registrations"),
        ),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_voided_attempts")),
        sa.UniqueConstraint("next_attempt_id", name=op.f("uq_voided_attempts_next_attempt_id")),
    )  # fmt: skip
    op.create_index(op.f("ix_voided_attempts_form_switch_id"), "voided_attempts", ["form_switch_id"])
    op.create_index(op.f("ix_voided_attempts_registration_id"), "voided_attempts", ["registration_id"])
    make_append_only("voided_attempts")


def upgrade():
    add_voided_attempts()
    let_owner_be_none(True)
    for column in (
        sa.Column("restarts", sa.Boolean(), server_default=sa.false(), nullable=False,
                  comment="who has begun gets a new attempt, the old one is voided"),
        sa.Column("includes_submitted", sa.Boolean(), server_default=sa.false(), nullable=False,
                  comment="who handed in begins anew too"),
        sa.Column("minutes", sa.Integer(), nullable=True,
                  comment="time of the new attempts before time factors; none: all of it"),
        sa.Column("n_restarted", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="begin anew"),
    ):  # fmt: skip
        op.add_column("form_switches", column)


def downgrade():
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM voided_attempts")):
        raise RuntimeError("voided attempts are evidence: the earlier schema has no place for them")
    for name in ("n_restarted", "minutes", "includes_submitted", "restarts"):
        op.drop_column("form_switches", name)
    let_owner_be_none(False)
    op.drop_table("voided_attempts")
