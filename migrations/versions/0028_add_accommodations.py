"""add accommodations."""

import sqlalchemy as sa
from alembic import op

revision = '0028_add_accommodations'
down_revision = '0027_add_room_records'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('accommodations',
    sa.Column('accommodation_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('candidate_id', sa.Uuid(), nullable=False),
    sa.Column('time_factor', sa.Numeric(precision=4, scale=2), nullable=False),
    sa.Column('font_size', sa.String(length=10), nullable=False, comment='medium or large'),
    sa.Column('separate_room', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('granted_by', sa.Uuid(), nullable=True),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_by', sa.Uuid(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('time_factor >= 1', name=op.f('ck_accommodations_never_shortens')),
    sa.ForeignKeyConstraint(['candidate_id'], ['candidates.candidate_id'], name=op.f('fk_accommodations_candidate_id_candidates')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_accommodations_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('accommodation_id', name=op.f('pk_accommodations'))
    )
    with op.batch_alter_table('accommodations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_accommodations_candidate_id'), ['candidate_id'], unique=False)

    op.add_column(
        'exam_rooms',
        sa.Column(
            'is_separate', sa.Boolean(), nullable=False, server_default=sa.false(), comment='for candidates who sit apart'
        ),
    )


def downgrade():
    op.drop_column('exam_rooms', 'is_separate')
    with op.batch_alter_table('accommodations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_accommodations_candidate_id'))

    op.drop_table('accommodations')
