"""add key changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0020_add_key_changes'
down_revision = '0019_add_form_releases'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('key_changes',
    sa.Column('key_change_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('form_id', sa.Uuid(), nullable=False),
    sa.Column('slot', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True, comment='order of amendments of the form, from 1, given when applied'),
    sa.Column('source', sa.Enum('statistics', 'marking', 'exam_room', 'appeal', 'public', 'bank', name='changesource', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('policy', sa.Enum('new_key', 'either_key', 'full_marks', 'drop', name='keypolicy', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('is_harmless', sa.Boolean(), nullable=False),
    sa.Column('sessions', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False, comment='keys of the sessions it is about; empty for all'),
    sa.Column('rooms', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False, comment='keys of the rooms it is about; empty for all'),
    sa.Column('key_ciphertext', sa.LargeBinary(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'approved', 'applied', 'rejected', 'withdrawn', name='changestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('effects_digest', sa.String(length=64), nullable=False, comment='what the second person approved'),
    sa.Column('effects', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False, comment='counts when it was applied; empty before'),
    sa.Column('proposed_by', sa.Uuid(), nullable=True),
    sa.Column('proposed_by_name', sa.String(length=100), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_by_name', sa.String(length=100), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decision_reason', sa.Text(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'applied') = (number IS NOT NULL)", name=op.f('ck_key_changes_applied_has_number')),
    sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f('ck_key_changes_decided_has_time')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_key_changes_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('key_change_id', name=op.f('pk_key_changes')),
    sa.UniqueConstraint('form_id', 'number', name=op.f('uq_key_changes_form_id_number')),
    sa.UniqueConstraint('organisation_id', 'code', name=op.f('uq_key_changes_organisation_id_code'))
    )
    with op.batch_alter_table('key_changes', schema=None) as batch_op:
        batch_op.create_index('ix_key_changes_form_id_state', ['form_id', 'state'], unique=False)



def downgrade():
    with op.batch_alter_table('key_changes', schema=None) as batch_op:
        batch_op.drop_index('ix_key_changes_form_id_state')

    op.drop_table('key_changes')
