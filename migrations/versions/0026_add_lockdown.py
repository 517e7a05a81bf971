"""add lockdown."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0026_add_lockdown'
down_revision = '0025_add_marking_plans'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('load_trials',
    sa.Column('load_trial_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('exam_session_id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=True),
    sa.Column('n_candidates', sa.Integer(), nullable=False),
    sa.Column('figures', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False, comment='empty until the run is over'),
    sa.Column('is_ready', sa.Boolean(), nullable=True),
    sa.Column('requested_by', sa.Uuid(), nullable=True),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['exam_session_id'], ['exam_sessions.exam_session_id'], name=op.f('fk_load_trials_exam_session_id_exam_sessions')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_load_trials_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('load_trial_id', name=op.f('pk_load_trials'))
    )

    with op.batch_alter_table('load_trials', schema=None) as batch_op:
        batch_op.create_index('ix_load_trials_exam_session_id', ['exam_session_id'], unique=False)

    op.create_table('readiness_overrides',
    sa.Column('readiness_override_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('exam_session_id', sa.Uuid(), nullable=False),
    sa.Column('blockers', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('made_by', sa.Uuid(), nullable=True),
    sa.Column('made_by_name', sa.String(length=100), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['exam_session_id'], ['exam_sessions.exam_session_id'], name=op.f('fk_readiness_overrides_exam_session_id_exam_sessions')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_readiness_overrides_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('readiness_override_id', name=op.f('pk_readiness_overrides'))
    )

    with op.batch_alter_table('readiness_overrides', schema=None) as batch_op:
        batch_op.create_index('ix_readiness_overrides_exam_session_id', ['exam_session_id'], unique=False)

    op.create_table('room_check_codes',
    sa.Column('exam_session_id', sa.Uuid(), nullable=False),
    sa.Column('exam_room_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['exam_room_id'], ['exam_rooms.exam_room_id'], name=op.f('fk_room_check_codes_exam_room_id_exam_rooms')),
    sa.ForeignKeyConstraint(['exam_session_id'], ['exam_sessions.exam_session_id'], name=op.f('fk_room_check_codes_exam_session_id_exam_sessions')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_room_check_codes_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('exam_session_id', 'exam_room_id', name=op.f('pk_room_check_codes')),
    sa.UniqueConstraint('code', name=op.f('uq_room_check_codes_code'))
    )

    op.create_table('seat_checks',
    sa.Column('exam_session_id', sa.Uuid(), nullable=False),
    sa.Column('exam_room_id', sa.Uuid(), nullable=False),
    sa.Column('seat_number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('figures', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('findings', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False, comment='codes of what was found, those that block first'),
    sa.Column('is_ready', sa.Boolean(), nullable=False),
    sa.Column('device', sa.String(length=200), nullable=False),
    sa.Column('n_checks', sa.Integer(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['exam_room_id'], ['exam_rooms.exam_room_id'], name=op.f('fk_seat_checks_exam_room_id_exam_rooms')),
    sa.ForeignKeyConstraint(['exam_session_id'], ['exam_sessions.exam_session_id'], name=op.f('fk_seat_checks_exam_session_id_exam_sessions')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_seat_checks_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('exam_session_id', 'exam_room_id', 'seat_number', name=op.f('pk_seat_checks'))
    )

    op.create_table('session_lockdowns',
    sa.Column('exam_session_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('mode', sa.Enum('none', 'seb', name='lockdownmode', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('base_url', sa.String(length=200), nullable=False, comment='scheme and host by which candidates reach the site'),
    sa.Column('options', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False, comment='what the officer chose, without passwords'),
    sa.Column('config_key', sa.String(length=64), nullable=False),
    sa.Column('exam_keys', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False, comment='Browser Exam Keys, one of which is needed; empty: none'),
    sa.Column('launch_code', sa.String(length=40), nullable=False, comment='names the file without a sign-in'),
    sa.Column('settings_file', sa.LargeBinary(), nullable=False),
    sa.Column('is_sealed', sa.Boolean(), nullable=False, comment='the file is encrypted with a password'),
    sa.Column('changed_by', sa.Uuid(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['exam_session_id'], ['exam_sessions.exam_session_id'], name=op.f('fk_session_lockdowns_exam_session_id_exam_sessions')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_session_lockdowns_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('exam_session_id', name=op.f('pk_session_lockdowns')),
    sa.UniqueConstraint('launch_code', name=op.f('uq_session_lockdowns_launch_code'))
    )

    op.create_table('lockdown_exemptions',
    sa.Column('lockdown_exemption_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('exam_session_id', sa.Uuid(), nullable=False),
    sa.Column('registration_id', sa.Uuid(), nullable=True),
    sa.Column('exam_room_id', sa.Uuid(), nullable=True),
    sa.Column('reason', sa.Enum('no_version', 'device', 'accessibility', 'update', 'network', 'other', name='exemptionreason', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('note', sa.String(length=300), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'approved', 'refused', 'withdrawn', name='exemptionstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('proposed_by', sa.Uuid(), nullable=True),
    sa.Column('proposed_by_name', sa.String(length=100), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_by_name', sa.String(length=100), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f('ck_lockdown_exemptions_decided_has_time')),
    sa.CheckConstraint('(registration_id IS NULL) <> (exam_room_id IS NULL)', name=op.f('ck_lockdown_exemptions_person_or_room')),
    sa.ForeignKeyConstraint(['exam_room_id'], ['exam_rooms.exam_room_id'], name=op.f('fk_lockdown_exemptions_exam_room_id_exam_rooms')),
    sa.ForeignKeyConstraint(['exam_session_id'], ['exam_sessions.exam_session_id'], name=op.f('fk_lockdown_exemptions_exam_session_id_exam_sessions')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_lockdown_exemptions_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['registration_id'], ['registrations.registration_id'], name=op.f('fk_lockdown_exemptions_registration_id_registrations')),
    sa.PrimaryKeyConstraint('lockdown_exemption_id', name=op.f('pk_lockdown_exemptions'))
    )

    with op.batch_alter_table('lockdown_exemptions', schema=None) as batch_op:
        batch_op.create_index('ix_lockdown_exemptions_exam_session_id_state', ['exam_session_id', 'state'], unique=False)


def downgrade():
    with op.batch_alter_table('lockdown_exemptions', schema=None) as batch_op:
        batch_op.drop_index('ix_lockdown_exemptions_exam_session_id_state')

    op.drop_table('lockdown_exemptions')

    op.drop_table('session_lockdowns')

    op.drop_table('seat_checks')

    op.drop_table('room_check_codes')

    with op.batch_alter_table('readiness_overrides', schema=None) as batch_op:
        batch_op.drop_index('ix_readiness_overrides_exam_session_id')

    op.drop_table('readiness_overrides')

    with op.batch_alter_table('load_trials', schema=None) as batch_op:
        batch_op.drop_index('ix_load_trials_exam_session_id')

    op.drop_table('load_trials')
