"""Add registrations without theory and parts carried over from earlier batches."""

import sqlalchemy as sa
from alembic import op


revision = '0031_add_resits'
down_revision = '0030_add_item_marks'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('carried_parts',
    sa.Column('carried_part_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('certification_batch_id', sa.Uuid(), nullable=False),
    sa.Column('result_record_id', sa.Uuid(), nullable=False),
    sa.Column('mode', sa.Enum('theory', 'skills', 'comprehensive_review', name='assessmentmode', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('component_score_id', sa.Uuid(), nullable=False, comment='the score in the batch in which it was earned'),
    sa.Column('batch_code', sa.String(length=64), nullable=False),
    sa.Column('taken_on', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=False),
    sa.Column('carried_by', sa.String(length=100), nullable=False),
    sa.Column('carried_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['certification_batch_id'], ['certification_batches.certification_batch_id'], name=op.f('fk_carried_parts_certification_batch_id_certification_batches')),
    sa.ForeignKeyConstraint(['component_score_id'], ['component_scores.component_score_id'], name=op.f('fk_carried_parts_component_score_id_component_scores')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_carried_parts_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['result_record_id'], ['result_records.result_record_id'], name=op.f('fk_carried_parts_result_record_id_result_records')),
    sa.PrimaryKeyConstraint('carried_part_id', name=op.f('pk_carried_parts')),
    sa.UniqueConstraint('result_record_id', 'mode', name=op.f('uq_carried_parts_result_record_id_mode'))
    )

    with op.batch_alter_table('carried_parts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_carried_parts_certification_batch_id'), ['certification_batch_id'], unique=False)

    with op.batch_alter_table('registrations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('takes_theory', sa.Boolean(), server_default=sa.true(), nullable=False, comment='false for a resit of other parts alone: no session, no seat'))


def downgrade():
    with op.batch_alter_table('registrations', schema=None) as batch_op:
        batch_op.drop_column('takes_theory')
    op.drop_table('carried_parts')
