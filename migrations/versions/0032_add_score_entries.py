"""Add scores typed by two people."""

import sqlalchemy as sa
from alembic import op

revision = '0032_add_score_entries'
down_revision = '0031_add_resits'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('score_entries',
    sa.Column('score_entry_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('certification_batch_id', sa.Uuid(), nullable=False),
    sa.Column('result_record_id', sa.Uuid(), nullable=False),
    sa.Column('mode', sa.Enum('theory', 'skills', 'comprehensive_review', name='assessmentmode', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('scored', 'absent', 'void', 'pending', name='resultstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('score', sa.Numeric(precision=7, scale=3), nullable=True),
    sa.Column('entered_by', sa.Uuid(), nullable=True),
    sa.Column('entered_by_name', sa.String(length=100), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'scored') = (score IS NOT NULL)", name=op.f('ck_score_entries_score_stands')),
    sa.ForeignKeyConstraint(['certification_batch_id'], ['certification_batches.certification_batch_id'], name=op.f('fk_score_entries_certification_batch_id_certification_batches')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_score_entries_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['result_record_id'], ['result_records.result_record_id'], name=op.f('fk_score_entries_result_record_id_result_records')),
    sa.PrimaryKeyConstraint('score_entry_id', name=op.f('pk_score_entries')),
    sa.UniqueConstraint('result_record_id', 'mode', 'entered_by', name=op.f('uq_score_entries_result_record_id_mode_entered_by'))
    )

    with op.batch_alter_table('score_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_score_entries_certification_batch_id'), ['certification_batch_id'], unique=False)


def downgrade():
    op.drop_table('score_entries')
