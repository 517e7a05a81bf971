"""Add numbered versions of blueprints, the steps of their approval, and the version that a run was drawn from."""

import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018_add_blueprint_versions"
down_revision = "0017_add_standard_panels"
branch_labels = None
depends_on = None

ACTS = ("submit", "return", "approve", "waive", "revise", "discard", "archive")
APPEND_ONLY = ("exam_blueprint_versions", "exam_blueprint_decisions")
BEFORE = "在蓝图须经批准之前发布"
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


def json_type():
    """Return the type of a JSON document on either engine."""
    return sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade():
    create_tables()
    with op.batch_alter_table("exam_blueprints", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "version_number",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="of the newest numbered version",
            )
        )
        batch_op.add_column(sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column(
                "editors",
                json_type(),
                nullable=False,
                server_default="[]",
                comment="who changed the draft since its last version",
            )
        )
    with op.batch_alter_table("assembly_runs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("blueprint_version", sa.Integer(), nullable=True, comment="none for a trial with a draft")
        )
    number_what_is_published()
    for table in APPEND_ONLY:
        make_append_only(table)


def create_tables():
    """Create both tables."""
    op.create_table(
        "exam_blueprint_versions",
        sa.Column("exam_blueprint_version_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("exam_blueprint_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("spec", json_type(), nullable=False),
        sa.Column("n_items", sa.Integer(), nullable=False),
        sa.Column("total_score", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_by_name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_exam_blueprint_versions_number_from_one")),
        sa.ForeignKeyConstraint(
            ["exam_blueprint_id"],
            ["exam_blueprints.exam_blueprint_id"],
            name=op.f("fk_exam_blueprint_versions_exam_blueprint_id_exam_blueprints"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.organisation_id"],
            name=op.f("fk_exam_blueprint_versions_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("exam_blueprint_version_id", name=op.f("pk_exam_blueprint_versions")),
        sa.UniqueConstraint(
            "exam_blueprint_id", "number", name=op.f("uq_exam_blueprint_versions_exam_blueprint_id_number")
        ),
    )
    op.create_table(
        "exam_blueprint_decisions",
        sa.Column("exam_blueprint_decision_id", sa.Uuid(), nullable=False),
        sa.Column("exam_blueprint_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of the version"),
        sa.Column(
            "act",
            sa.Enum(*ACTS, name="blueprintact", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_blueprint_id"],
            ["exam_blueprints.exam_blueprint_id"],
            name=op.f("fk_exam_blueprint_decisions_exam_blueprint_id_exam_blueprints"),
        ),
        sa.PrimaryKeyConstraint("exam_blueprint_decision_id", name=op.f("pk_exam_blueprint_decisions")),
    )
    with op.batch_alter_table("exam_blueprint_decisions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_exam_blueprint_decisions_exam_blueprint_id"), ["exam_blueprint_id"], unique=False
        )


def number_what_is_published():
    """Make what was published before version 1, in force as it was; forms on their way can be sealed as before."""
    meta = sa.MetaData()
    bind = op.get_bind()
    uuid_type, moment = sa.Uuid(), sa.DateTime(timezone=True)
    blueprints = sa.Table(
        "exam_blueprints",
        meta,
        sa.Column("exam_blueprint_id", uuid_type),
        sa.Column("organisation_id", uuid_type),
        sa.Column("status", sa.String()),
        sa.Column("name", sa.String()),
        sa.Column("spec", json_type()),
        sa.Column("n_items", sa.Integer()),
        sa.Column("total_score", sa.Numeric(7, 3)),
        sa.Column("duration_minutes", sa.Integer()),
        sa.Column("created_by", uuid_type),
        sa.Column("published_at", moment),
        sa.Column("version_number", sa.Integer()),
        sa.Column("approved_at", moment),
    )
    runs = sa.Table(
        "assembly_runs",
        meta,
        sa.Column("exam_blueprint_id", uuid_type),
        sa.Column("accepted_at", moment),
        sa.Column("blueprint_version", sa.Integer()),
    )
    rows = bind.execute(sa.select(blueprints).where(blueprints.c.status != "draft")).mappings().all()
    for row in rows:
        bind.execute(
            versions_table(meta)
            .insert()
            .values(
                exam_blueprint_version_id=uuid.uuid4(),
                number=1,
                created_by_name="",
                created_at=row["published_at"],
                **{
                    key: row[key]
                    for key in (
                        "organisation_id",
                        "exam_blueprint_id",
                        "name",
                        "spec",
                        "n_items",
                        "total_score",
                        "duration_minutes",
                        "created_by",
                    )
                },
            )
        )
        bind.execute(
            decisions_table(meta)
            .insert()
            .values(
                exam_blueprint_decision_id=uuid.uuid4(),
                exam_blueprint_id=row["exam_blueprint_id"],
                number=1,
                act="waive",
                comment=BEFORE,
                decided_by=None,
                decided_by_name="",
                decided_at=row["published_at"],
            )
        )
    bind.execute(
        blueprints.update()
        .where(blueprints.c.status != "draft")
        .values(version_number=1, approved_at=blueprints.c.published_at)
    )
    published = sa.select(blueprints.c.exam_blueprint_id).where(blueprints.c.status != "draft")
    bind.execute(
        runs.update()
        .where(runs.c.accepted_at.is_not(None), runs.c.exam_blueprint_id.in_(published))
        .values(blueprint_version=1)
    )


def versions_table(meta):
    """Return the table of versions as data is put into it here."""
    return sa.Table(
        "exam_blueprint_versions",
        meta,
        sa.Column("exam_blueprint_version_id", sa.Uuid()),
        sa.Column("organisation_id", sa.Uuid()),
        sa.Column("exam_blueprint_id", sa.Uuid()),
        sa.Column("number", sa.Integer()),
        sa.Column("name", sa.String()),
        sa.Column("spec", json_type()),
        sa.Column("n_items", sa.Integer()),
        sa.Column("total_score", sa.Numeric(7, 3)),
        sa.Column("duration_minutes", sa.Integer()),
        sa.Column("created_by", sa.Uuid()),
        sa.Column("created_by_name", sa.String()),
        sa.Column("created_at", sa.DateTime(timezone=True)),
        extend_existing=True,
    )


def decisions_table(meta):
    """Return the table of steps as data is put into it here."""
    return sa.Table(
        "exam_blueprint_decisions",
        meta,
        sa.Column("exam_blueprint_decision_id", sa.Uuid()),
        sa.Column("exam_blueprint_id", sa.Uuid()),
        sa.Column("number", sa.Integer()),
        sa.Column("act", sa.String()),
        sa.Column("comment", sa.Text()),
        sa.Column("decided_by", sa.Uuid()),
        sa.Column("decided_by_name", sa.String()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        extend_existing=True,
    )


def downgrade():
    for table in APPEND_ONLY:
        op.drop_table(table)
    op.drop_column("assembly_runs", "blueprint_version")
    for column in ("editors", "approved_at", "version_number"):
        op.drop_column("exam_blueprints", column)
