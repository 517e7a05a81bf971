"""add appeals and rulings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0024_add_appeals_and_rulings'
down_revision = '0023_add_rescue_and_leaving'
branch_labels = None
depends_on = None

APPEND_ONLY = ("score_review_events",)
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
    op.create_table('result_rulings',
    sa.Column('result_ruling_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('exam_batch_id', sa.Uuid(), nullable=False),
    sa.Column('registration_id', sa.Uuid(), nullable=False),
    sa.Column('candidate_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('misconduct', 'void', 'medical', 'excused', name='rulingkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('tier', sa.Integer(), nullable=True),
    sa.Column('scope', sa.Enum('nothing', 'this_part', 'all_parts', name='rulingscope', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('bar_months', sa.Integer(), nullable=False),
    sa.Column('barred_until', sa.Date(), nullable=True),
    sa.Column('facts', sa.Text(), nullable=False, comment='what happened, and what proves it'),
    sa.Column('evidence_name', sa.String(length=200), nullable=False),
    sa.Column('evidence_ciphertext', sa.LargeBinary(), nullable=True),
    sa.Column('source_key', sa.String(length=80), nullable=True, comment='the case of the exam room, taken over once'),
    sa.Column('state', sa.Enum('proposed', 'in_force', 'rejected', 'withdrawn', 'reversed', name='rulingstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('status_before', sa.Enum('admitted', 'absent', 'void', name='registrationstatus', native_enum=False, create_constraint=True, length=32), nullable=True, comment='what a reversal restores'),
    sa.Column('proposed_by', sa.Uuid(), nullable=True),
    sa.Column('proposed_by_name', sa.String(length=100), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_by_name', sa.String(length=100), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decision_reason', sa.Text(), nullable=False),
    sa.Column('reversed_by_name', sa.String(length=100), nullable=False),
    sa.Column('reversed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reversal_reason', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(tier IS NOT NULL) = (kind = 'misconduct')", name=op.f('ck_result_rulings_misconduct_has_tier')),
    sa.ForeignKeyConstraint(['candidate_id'], ['candidates.candidate_id'], name=op.f('fk_result_rulings_candidate_id_candidates')),
    sa.ForeignKeyConstraint(['exam_batch_id'], ['exam_batches.exam_batch_id'], name=op.f('fk_result_rulings_exam_batch_id_exam_batches')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_result_rulings_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['registration_id'], ['registrations.registration_id'], name=op.f('fk_result_rulings_registration_id_registrations')),
    sa.PrimaryKeyConstraint('result_ruling_id', name=op.f('pk_result_rulings')),
    sa.UniqueConstraint('organisation_id', 'code', name=op.f('uq_result_rulings_organisation_id_code')),
    sa.UniqueConstraint('organisation_id', 'source_key', name=op.f('uq_result_rulings_organisation_id_source_key'))
    )
    with op.batch_alter_table('result_rulings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_result_rulings_candidate_id'), ['candidate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_result_rulings_exam_batch_id'), ['exam_batch_id'], unique=False)
        batch_op.create_index('ix_result_rulings_organisation_id_state', ['organisation_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_result_rulings_registration_id'), ['registration_id'], unique=False)
    op.create_table('score_review_requests',
    sa.Column('score_review_request_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('exam_batch_id', sa.Uuid(), nullable=False),
    sa.Column('registration_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('check', 'appeal', name='requestkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('subject', sa.Enum('total', 'items', 'ruling', name='requestsubject', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('slots', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False, comment='slots that the candidate doubts'),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('statement', sa.Text(), nullable=False),
    sa.Column('filed_on', sa.Date(), nullable=False),
    sa.Column('filing_deadline', sa.Date(), nullable=False),
    sa.Column('is_late', sa.Boolean(), nullable=False),
    sa.Column('letter_name', sa.String(length=200), nullable=False),
    sa.Column('letter_ciphertext', sa.LargeBinary(), nullable=True),
    sa.Column('state', sa.Enum('filed', 'accepted', 'reviewing', 'concluded', 'closed', 'declined', 'withdrawn', name='requeststate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('entered_by', sa.Uuid(), nullable=True),
    sa.Column('entered_by_name', sa.String(length=100), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_on', sa.Date(), nullable=True),
    sa.Column('answer_deadline', sa.Date(), nullable=True),
    sa.Column('reviewer_id', sa.Uuid(), nullable=True),
    sa.Column('reviewer_name', sa.String(length=100), nullable=False),
    sa.Column('outcome', sa.Enum('upheld', 'changed', 'rejected', name='requestoutcome', native_enum=False, create_constraint=True, length=32), nullable=True),
    sa.Column('remedy', sa.Enum('none', 'rescore', 'remark', 'key_change', 'ruling', name='remedy', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('marks', sa.JSON(none_as_null=True), nullable=True, comment='marks by slot that the reviewer gives; they count when the request is closed'),
    sa.Column('finding', sa.Text(), nullable=False, comment="the reviewer's reasons"),
    sa.Column('concluded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('key_change_id', sa.Uuid(), nullable=True),
    sa.Column('result_ruling_id', sa.Uuid(), nullable=True, comment='the ruling that the request is about'),
    sa.Column('score_before', sa.Numeric(precision=7, scale=3), nullable=True),
    sa.Column('score_after', sa.Numeric(precision=7, scale=3), nullable=True),
    sa.Column('closed_by', sa.Uuid(), nullable=True),
    sa.Column('closed_by_name', sa.String(length=100), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(outcome IS NULL) = (concluded_at IS NULL)', name=op.f('ck_score_review_requests_concluded_has_time')),
    sa.ForeignKeyConstraint(['exam_batch_id'], ['exam_batches.exam_batch_id'], name=op.f('fk_score_review_requests_exam_batch_id_exam_batches')),
    sa.ForeignKeyConstraint(['key_change_id'], ['key_changes.key_change_id'], name=op.f('fk_score_review_requests_key_change_id_key_changes')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_score_review_requests_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['registration_id'], ['registrations.registration_id'], name=op.f('fk_score_review_requests_registration_id_registrations')),
    sa.ForeignKeyConstraint(['result_ruling_id'], ['result_rulings.result_ruling_id'], name=op.f('fk_score_review_requests_result_ruling_id_result_rulings')),
    sa.PrimaryKeyConstraint('score_review_request_id', name=op.f('pk_score_review_requests')),
    sa.UniqueConstraint('organisation_id', 'code', name=op.f('uq_score_review_requests_organisation_id_code'))
    )
    with op.batch_alter_table('score_review_requests', schema=None) as batch_op:
        batch_op.create_index('ix_score_review_requests_exam_batch_id_state', ['exam_batch_id', 'state'], unique=False)
        batch_op.create_index('ix_score_review_requests_organisation_id_state', ['organisation_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_score_review_requests_registration_id'), ['registration_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_score_review_requests_reviewer_id'), ['reviewer_id'], unique=False)
    op.create_table('score_review_events',
    sa.Column('score_review_event_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('after', sa.Enum('filed', 'accepted', 'reviewing', 'concluded', 'closed', 'declined', 'withdrawn', name='requeststate_after', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('actor_name', sa.String(length=100), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_score_review_events_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['request_id'], ['score_review_requests.score_review_request_id'], name=op.f('fk_score_review_events_request_id_score_review_requests')),
    sa.PrimaryKeyConstraint('score_review_event_id', name=op.f('pk_score_review_events')),
    sa.UniqueConstraint('request_id', 'number', name=op.f('uq_score_review_events_request_id_number'))
    )
    for table in APPEND_ONLY:
        make_append_only(table)


def downgrade():
    op.drop_table('score_review_events')
    op.drop_table('score_review_requests')
    op.drop_table('result_rulings')
