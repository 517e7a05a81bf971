"""Add score sheets, assessors' groups with their marks, results and signatures, documents behind components, and their kinds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035_add_assessor_groups"
down_revision = "0034_add_form_sets"
branch_labels = None
depends_on = None

OLD_MODES = ("theory", "skills", "comprehensive_review")
MODES = (*OLD_MODES, "work_performance", "process", "direct_recognition", "competition")
OLD_STATES = ("scored", "absent", "void", "pending")
STATES = ("scored", "recognised", "absent", "void", "pending")
OLD_ORIGINS = ("delivery", "correction", "typed", "imported")
ORIGINS = (*OLD_ORIGINS, "panel", "proof")
APPEND_ONLY = ("score_sheet_templates", "assessment_results", "assessment_signatures")
TABLES = ('score_sheet_templates', 'assessor_groups', 'assessments', 'assessor_members', 'component_proofs', 'assessment_results', 'assessor_sheets', 'assessment_signatures')
REFUSE_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"""


def is_postgresql():
    """Say which engine is being changed."""
    return op.get_bind().dialect.name == "postgresql"


def make_append_only(table):
    """Let the database itself refuse to change or delete rows."""
    if is_postgresql():
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


def enum(name, values):
    """Return an enumeration as a checked text."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def json_type():
    """Return the type of a JSON document on either engine."""
    return sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade():
    let_kinds_be(MODES, STATES, ORIGINS)
    create_score_sheet_templates()
    create_assessor_groups()
    create_assessments()
    create_assessor_members()
    create_component_proofs()
    create_assessment_results()
    create_assessor_sheets()
    create_assessment_signatures()
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    for table in reversed(TABLES):
        op.drop_table(table)
    let_kinds_be(OLD_MODES, OLD_STATES, OLD_ORIGINS)


def let_kinds_be(modes, states, origins):
    """Let scores be of other kinds; rows of kinds that the older schema does not know are left behind."""
    checks = [
        ("component_scores", "mode", "assessmentmode", modes),
        ("component_scores", "state", "resultstate", states),
        ("component_scores", "origin", "scoreorigin", origins),
        ("score_entries", "mode", "assessmentmode", modes),
        ("score_entries", "state", "resultstate", states),
        ("carried_parts", "mode", "assessmentmode", modes),
    ]
    if is_postgresql():
        change_checks(checks)
    else:
        rebuild(modes, states, origins)


def listed(values):
    """Return values as SQL writes a list."""
    return ", ".join(f"'{value}'" for value in values)


def change_checks(checks):
    """Put other checks in the place of those that stand."""
    op.execute("DROP TRIGGER component_scores_no_change ON component_scores")
    modes, states, origins = (values for _table, _column, _name, values in checks[:3])
    op.execute(f"DELETE FROM carried_parts WHERE mode NOT IN ({listed(modes)})")
    for table in ("score_entries", "component_scores"):
        op.execute(f"DELETE FROM {table} WHERE mode NOT IN ({listed(modes)}) OR state NOT IN ({listed(states)})")
    op.execute(f"DELETE FROM component_scores WHERE origin NOT IN ({listed(origins)})")
    for table, column, name, values in checks:
        check = op.f(f"ck_{table}_{name}")
        op.drop_constraint(check, table, type_="check")
        op.create_check_constraint(check, table, f"{column} IN ({listed(values)})")
    make_append_only("component_scores")


def rebuild(modes, states, origins):
    """Write the three tables anew, as SQLite needs it: rows are put aside, because carried parts point at scores."""
    tables = ("component_scores", "score_entries", "carried_parts")
    for table in tables:
        op.execute(f"CREATE TEMPORARY TABLE kept_{table} AS SELECT * FROM {table}")
    for table in reversed(tables):
        op.drop_table(table)
    for make in (component_scores, score_entries, carried_parts):
        make(modes, states, origins)
    known = f"mode IN ({listed(modes)}) AND state IN ({listed(states)})"
    conditions = (f"{known} AND origin IN ({listed(origins)})", known, f"mode IN ({listed(modes)})")
    for table, condition in zip(tables, conditions, strict=True):
        op.execute(f"INSERT INTO {table} SELECT * FROM kept_{table} WHERE {condition}")
        op.execute(f"DROP TABLE kept_{table}")
    make_append_only("component_scores")


def candidate_columns(table):
    """Return what the three tables share: whose, which batch, which candidate."""
    return (
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("certification_batch_id", sa.Uuid(), nullable=False),
        sa.Column("result_record_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certification_batch_id"], ["certification_batches.certification_batch_id"],
            name=op.f(f"fk_{table}_certification_batch_id_certification_batches"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.organisation_id"], name=op.f(f"fk_{table}_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["result_record_id"], ["result_records.result_record_id"],
            name=op.f(f"fk_{table}_result_record_id_result_records"),
        ),
    )  # fmt: skip


def index_batches(table):
    """Find the rows of a batch quickly."""
    op.create_index(op.f(f"ix_{table}_certification_batch_id"), table, ["certification_batch_id"], unique=False)


def component_scores(modes, states, origins):
    """Create the table of component scores."""
    key, *shared = ("component_score_id", *candidate_columns("component_scores"))
    op.create_table(
        "component_scores",
        sa.Column(key, sa.Uuid(), nullable=False),
        *shared[:3],
        sa.Column("mode", enum("assessmentmode", modes), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", enum("resultstate", states), nullable=False),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("origin", enum("scoreorigin", origins), nullable=False),
        sa.Column("entered_by", sa.String(length=100), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        *shared[3:],
        sa.CheckConstraint("(state = 'scored') = (score IS NOT NULL)", name=op.f("ck_component_scores_score_stands")),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_component_scores")),
        sa.UniqueConstraint(
            "result_record_id", "mode", "number", name=op.f("uq_component_scores_result_record_id_mode_number")
        ),
    )
    index_batches("component_scores")


def score_entries(modes, states, _origins):
    """Create the table of scores that two people type."""
    key, *shared = ("score_entry_id", *candidate_columns("score_entries"))
    op.create_table(
        "score_entries",
        sa.Column(key, sa.Uuid(), nullable=False),
        *shared[:3],
        sa.Column("mode", enum("assessmentmode", modes), nullable=False),
        sa.Column("state", enum("resultstate", states), nullable=False),
        sa.Column("score", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_by_name", sa.String(length=100), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        *shared[3:],
        sa.CheckConstraint("(state = 'scored') = (score IS NOT NULL)", name=op.f("ck_score_entries_score_stands")),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_score_entries")),
        sa.UniqueConstraint(
            "result_record_id", "mode", "entered_by", name=op.f("uq_score_entries_result_record_id_mode_entered_by")
        ),
    )
    index_batches("score_entries")


def carried_parts(modes, _states, _origins):
    """Create the table of parts carried over."""
    key, *shared = ("carried_part_id", *candidate_columns("carried_parts"))
    op.create_table(
        "carried_parts",
        sa.Column(key, sa.Uuid(), nullable=False),
        *shared[:3],
        sa.Column("mode", enum("assessmentmode", modes), nullable=False),
        sa.Column(
            "component_score_id", sa.Uuid(), nullable=False, comment="the score in the batch in which it was earned"
        ),
        sa.Column("batch_code", sa.String(length=64), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("carried_by", sa.String(length=100), nullable=False),
        sa.Column("carried_at", sa.DateTime(timezone=True), nullable=False),
        *shared[3:],
        sa.ForeignKeyConstraint(
            ["component_score_id"], ["component_scores.component_score_id"],
            name=op.f("fk_carried_parts_component_score_id_component_scores"),
        ),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_carried_parts")),
        sa.UniqueConstraint("result_record_id", "mode", name=op.f("uq_carried_parts_result_record_id_mode")),
    )  # fmt: skip
    index_batches("carried_parts")


def create_score_sheet_templates():
    op.create_table('score_sheet_templates',
    sa.Column('score_sheet_template_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('occupation_code', sa.String(length=32), nullable=False),
    sa.Column('level_code', sa.String(length=32), nullable=False),
    sa.Column('mode', enum('assessmentmode', MODES), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('criteria', json_type(), nullable=False, comment='[part, text, points, weight, is_deduction]; numbers as text'),
    sa.Column('made_by', sa.String(length=100), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_score_sheet_templates_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('score_sheet_template_id', name=op.f('pk_score_sheet_templates')),
    sa.UniqueConstraint('organisation_id', 'occupation_code', 'level_code', 'mode', 'number', name='uq_score_sheet_templates_number')
    )


def create_assessor_groups():
    op.create_table('assessor_groups',
    sa.Column('assessor_group_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('certification_batch_id', sa.Uuid(), nullable=False),
    sa.Column('mode', enum('assessmentmode', MODES), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('place', sa.String(length=100), nullable=False),
    sa.Column('score_sheet_template_id', sa.Uuid(), nullable=True, comment='none: criteria of the rule profile'),
    sa.Column('criteria', json_type(), nullable=False, comment='as they stood when the group was set up'),
    sa.Column('rule', json_type(), nullable=False, comment='method, tolerance, unit, vote'),
    sa.Column('leader_id', sa.Uuid(), nullable=False),
    sa.Column('set_up_by', sa.String(length=100), nullable=False),
    sa.Column('set_up_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['certification_batch_id'], ['certification_batches.certification_batch_id'], name=op.f('fk_assessor_groups_certification_batch_id_certification_batches')),
    sa.ForeignKeyConstraint(['leader_id'], ['users.user_id'], name=op.f('fk_assessor_groups_leader_id_users')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_assessor_groups_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['score_sheet_template_id'], ['score_sheet_templates.score_sheet_template_id'], name='fk_assessor_groups_template'),
    sa.PrimaryKeyConstraint('assessor_group_id', name=op.f('pk_assessor_groups')),
    sa.UniqueConstraint('certification_batch_id', 'mode', 'name', name=op.f('uq_assessor_groups_certification_batch_id_mode_name'))
    )
    op.create_index(op.f('ix_assessor_groups_certification_batch_id'), 'assessor_groups', ['certification_batch_id'], unique=False)


def create_assessments():
    op.create_table('assessments',
    sa.Column('assessment_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('certification_batch_id', sa.Uuid(), nullable=False),
    sa.Column('assessor_group_id', sa.Uuid(), nullable=False),
    sa.Column('result_record_id', sa.Uuid(), nullable=False),
    sa.Column('mode', enum('assessmentmode', MODES), nullable=False),
    sa.Column('workstation', sa.String(length=40), nullable=False),
    sa.Column('state', enum('assessmentstate', ('open', 'disputed', 'signing', 'signed')), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('round_reason', sa.String(length=300), nullable=False),
    sa.Column('minutes', sa.String(length=2000), nullable=False, comment='questions and answers of the defence'),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['assessor_group_id'], ['assessor_groups.assessor_group_id'], name=op.f('fk_assessments_assessor_group_id_assessor_groups')),
    sa.ForeignKeyConstraint(['certification_batch_id'], ['certification_batches.certification_batch_id'], name=op.f('fk_assessments_certification_batch_id_certification_batches')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_assessments_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['result_record_id'], ['result_records.result_record_id'], name=op.f('fk_assessments_result_record_id_result_records')),
    sa.PrimaryKeyConstraint('assessment_id', name=op.f('pk_assessments')),
    sa.UniqueConstraint('result_record_id', 'mode', name=op.f('uq_assessments_result_record_id_mode'))
    )
    op.create_index(op.f('ix_assessments_assessor_group_id'), 'assessments', ['assessor_group_id'], unique=False)
    op.create_index(op.f('ix_assessments_certification_batch_id'), 'assessments', ['certification_batch_id'], unique=False)


def create_assessor_members():
    op.create_table('assessor_members',
    sa.Column('assessor_member_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('assessor_group_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.ForeignKeyConstraint(['assessor_group_id'], ['assessor_groups.assessor_group_id'], name=op.f('fk_assessor_members_assessor_group_id_assessor_groups')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_assessor_members_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_assessor_members_user_id_users')),
    sa.PrimaryKeyConstraint('assessor_member_id', name=op.f('pk_assessor_members')),
    sa.UniqueConstraint('assessor_group_id', 'user_id', name=op.f('uq_assessor_members_assessor_group_id_user_id'))
    )
    op.create_index(op.f('ix_assessor_members_user_id'), 'assessor_members', ['user_id'], unique=False)


def create_component_proofs():
    op.create_table('component_proofs',
    sa.Column('component_proof_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('certification_batch_id', sa.Uuid(), nullable=False),
    sa.Column('result_record_id', sa.Uuid(), nullable=False),
    sa.Column('mode', enum('assessmentmode', MODES), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('facts', json_type(), nullable=False, comment='of a competition its class, rank and certificate number'),
    sa.Column('claim', enum('resultstate', STATES), nullable=False, comment='pending: a document that gives no result itself'),
    sa.Column('score', sa.Numeric(precision=7, scale=3), nullable=True),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('file_kind', sa.String(length=10), nullable=False),
    sa.Column('file_digest', sa.String(length=64), nullable=False),
    sa.Column('file_ciphertext', sa.LargeBinary(), nullable=False),
    sa.Column('status', enum('proofstatus', ('submitted', 'confirmed', 'rejected')), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('entered_by', sa.Uuid(), nullable=False),
    sa.Column('entered_by_name', sa.String(length=100), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_by_name', sa.String(length=100), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(claim = 'scored') = (score IS NOT NULL)", name=op.f('ck_component_proofs_score_stands')),
    sa.CheckConstraint("(status = 'submitted') = (decided_at IS NULL)", name=op.f('ck_component_proofs_decided_has_time')),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> entered_by', name=op.f('ck_component_proofs_two_people')),
    sa.ForeignKeyConstraint(['certification_batch_id'], ['certification_batches.certification_batch_id'], name=op.f('fk_component_proofs_certification_batch_id_certification_batches')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.user_id'], name=op.f('fk_component_proofs_decided_by_users')),
    sa.ForeignKeyConstraint(['entered_by'], ['users.user_id'], name=op.f('fk_component_proofs_entered_by_users')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_component_proofs_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['result_record_id'], ['result_records.result_record_id'], name=op.f('fk_component_proofs_result_record_id_result_records')),
    sa.PrimaryKeyConstraint('component_proof_id', name=op.f('pk_component_proofs'))
    )
    op.create_index(op.f('ix_component_proofs_certification_batch_id'), 'component_proofs', ['certification_batch_id'], unique=False)
    op.create_index(op.f('ix_component_proofs_result_record_id'), 'component_proofs', ['result_record_id'], unique=False)


def create_assessment_results():
    op.create_table('assessment_results',
    sa.Column('assessment_result_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('assessment_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('state', enum('resultstate', STATES), nullable=False),
    sa.Column('score', sa.Numeric(precision=7, scale=3), nullable=True),
    sa.Column('method', sa.String(length=20), nullable=False, comment='mean, trimmed, resolved, or absent'),
    sa.Column('reason', sa.String(length=300), nullable=False, comment='why the leader resolved it so'),
    sa.Column('n_for', sa.Integer(), nullable=True, comment='votes for passing, where the group votes'),
    sa.Column('decided_by', sa.String(length=100), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'scored') = (score IS NOT NULL)", name=op.f('ck_assessment_results_score_stands')),
    sa.ForeignKeyConstraint(['assessment_id'], ['assessments.assessment_id'], name=op.f('fk_assessment_results_assessment_id_assessments')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_assessment_results_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('assessment_result_id', name=op.f('pk_assessment_results')),
    sa.UniqueConstraint('assessment_id', 'number', name=op.f('uq_assessment_results_assessment_id_number'))
    )


def create_assessor_sheets():
    op.create_table('assessor_sheets',
    sa.Column('assessor_sheet_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('assessment_id', sa.Uuid(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('marks', json_type(), nullable=False, comment='the text typed for each criterion, empty where nothing is'),
    sa.Column('comment', sa.String(length=500), nullable=False),
    sa.Column('is_absent', sa.Boolean(), nullable=False),
    sa.Column('vote', sa.Boolean(), nullable=True),
    sa.Column('total', sa.Numeric(precision=7, scale=3), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('submitted_at IS NULL OR total IS NOT NULL OR is_absent', name=op.f('ck_assessor_sheets_submitted_has_total')),
    sa.ForeignKeyConstraint(['assessment_id'], ['assessments.assessment_id'], name=op.f('fk_assessor_sheets_assessment_id_assessments')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_assessor_sheets_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_assessor_sheets_user_id_users')),
    sa.PrimaryKeyConstraint('assessor_sheet_id', name=op.f('pk_assessor_sheets')),
    sa.UniqueConstraint('assessment_id', 'round', 'user_id', name=op.f('uq_assessor_sheets_assessment_id_round_user_id'))
    )


def create_assessment_signatures():
    op.create_table('assessment_signatures',
    sa.Column('assessment_signature_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('assessment_result_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['assessment_result_id'], ['assessment_results.assessment_result_id'], name='fk_assessment_signatures_result'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_assessment_signatures_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.user_id'], name=op.f('fk_assessment_signatures_user_id_users')),
    sa.PrimaryKeyConstraint('assessment_signature_id', name=op.f('pk_assessment_signatures')),
    sa.UniqueConstraint('assessment_result_id', 'user_id', name=op.f('uq_assessment_signatures_assessment_result_id_user_id'))
    )
