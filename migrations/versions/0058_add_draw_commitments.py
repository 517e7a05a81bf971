"""Add what is published of the draws of sessions before they begin, and the seeds told afterwards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058_add_draw_commitments"
down_revision = "0057_add_door_photos"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
COMMITMENTS, REVEALS = "draw_commitments", "draw_reveals"


def make_append_only(table):
    """Let the database itself refuse to change or delete rows."""
    if op.get_bind().dialect.name == "postgresql":
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


def organisation_key(table):
    name = op.f(f"fk_{table}_organisation_id_organisations")
    return sa.ForeignKeyConstraint(["organisation_id"], ["organisations.organisation_id"], name=name)


def add_commitments():
    op.create_table(
        COMMITMENTS,
        sa.Column("draw_commitment_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "exam_session_id",
            sa.Uuid(),
            nullable=False,
            comment="no foreign key: what was published outlives a session",
        ),
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1 in each session"),
        sa.Column(
            "kind",
            sa.Enum("first", "added", "given", name="entrykind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("content", JSON, nullable=False, comment="exactly what was published"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the content"),
        sa.Column("assembly_run_id", sa.Uuid(), nullable=True, comment="none for forms taken in whole"),
        sa.Column("form_ids", JSON, nullable=False),
        sa.Column("nonce_ciphertext", sa.LargeBinary(), nullable=True, comment="opens the commitment to the seed"),
        sa.Column("published_by", sa.Uuid(), nullable=True, comment="none: by itself, as the rule profile says"),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(assembly_run_id IS NULL) = (nonce_ciphertext IS NULL)", name=op.f("ck_draw_commitments_nonce_of_a_draw")
        ),
        organisation_key(COMMITMENTS),
        sa.PrimaryKeyConstraint("draw_commitment_id", name=op.f("pk_draw_commitments")),
        sa.UniqueConstraint("exam_session_id", "number", name=op.f("uq_draw_commitments_exam_session_id_number")),
    )
    op.create_index(op.f("ix_draw_commitments_assembly_run_id"), COMMITMENTS, ["assembly_run_id"])
    op.create_index(
        "ix_draw_commitments_organisation_id_published_at", COMMITMENTS, ["organisation_id", "published_at"]
    )


def add_reveals():
    op.create_table(
        REVEALS,
        sa.Column("draw_commitment_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("form_ids", JSON, nullable=False, comment="every form that the seed tells; none is sat any more"),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("revealed_by", sa.Uuid(), nullable=True),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["draw_commitment_id"],
            ["draw_commitments.draw_commitment_id"],
            name=op.f("fk_draw_reveals_draw_commitment_id_draw_commitments"),
        ),
        organisation_key(REVEALS),
        sa.PrimaryKeyConstraint("draw_commitment_id", name=op.f("pk_draw_reveals")),
    )
    op.create_index(op.f("ix_draw_reveals_organisation_id"), REVEALS, ["organisation_id"])


def upgrade():
    add_commitments()
    add_reveals()
    for table in (COMMITMENTS, REVEALS):
        make_append_only(table)


def downgrade():
    for table in (REVEALS, COMMITMENTS):
        op.drop_table(table)
