"""Add agreements on shared banks, and the items of them that stand in sealed forms."""

import sqlalchemy as sa
from alembic import op

revision = '0037_add_bank_shares'
down_revision = '0036_add_candidate_services'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('bank_shares',
    sa.Column('bank_share_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False, comment='the owner of the items'),
    sa.Column('receiver_id', sa.Uuid(), nullable=False),
    sa.Column('standard_level_id', sa.Uuid(), nullable=False, comment="the owner's"),
    sa.Column('receiver_level_id', sa.Uuid(), nullable=True, comment='chosen on accepting'),
    sa.Column('includes_trials', sa.Boolean(), server_default=sa.false(), nullable=False, comment='试测 items as well'),
    sa.Column('purpose', sa.String(length=300), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('offered', 'active', 'declined', 'withdrawn', 'ended', name='sharestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('offered_by', sa.Uuid(), nullable=True),
    sa.Column('offered_by_name', sa.String(length=100), nullable=False),
    sa.Column('offered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_by', sa.Uuid(), nullable=True),
    sa.Column('answered_by_name', sa.String(length=100), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.Uuid(), nullable=True),
    sa.Column('ended_by_name', sa.String(length=100), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.String(length=300), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state NOT IN ('active', 'ended') OR receiver_level_id IS NOT NULL", name=op.f('ck_bank_shares_accepted_has_level')),
    sa.CheckConstraint('organisation_id <> receiver_id', name=op.f('ck_bank_shares_two_organisations')),
    sa.CheckConstraint('starts_on <= ends_on', name=op.f('ck_bank_shares_dates_in_order')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_bank_shares_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['receiver_id'], ['organisations.organisation_id'], name=op.f('fk_bank_shares_receiver_id_organisations')),
    sa.ForeignKeyConstraint(['receiver_level_id'], ['standard_levels.standard_level_id'], name=op.f('fk_bank_shares_receiver_level_id_standard_levels')),
    sa.ForeignKeyConstraint(['standard_level_id'], ['standard_levels.standard_level_id'], name=op.f('fk_bank_shares_standard_level_id_standard_levels')),
    sa.PrimaryKeyConstraint('bank_share_id', name=op.f('pk_bank_shares'))
    )
    with op.batch_alter_table('bank_shares', schema=None) as batch_op:
        batch_op.create_index('ix_bank_shares_organisation_id', ['organisation_id'], unique=False)
        batch_op.create_index('ix_bank_shares_receiver_id', ['receiver_id', 'receiver_level_id'], unique=False)
        batch_op.create_index('ux_bank_shares_live', ['standard_level_id', 'receiver_id'], unique=True, sqlite_where=sa.text("state IN ('offered', 'active')"), postgresql_where=sa.text("state IN ('offered', 'active')"))

    op.create_table('shared_items',
    sa.Column('receiver_id', sa.Uuid(), nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.Column('bank_share_id', sa.Uuid(), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['bank_share_id'], ['bank_shares.bank_share_id'], name=op.f('fk_shared_items_bank_share_id_bank_shares')),
    sa.ForeignKeyConstraint(['item_id'], ['items.item_id'], name=op.f('fk_shared_items_item_id_items')),
    sa.ForeignKeyConstraint(['receiver_id'], ['organisations.organisation_id'], name=op.f('fk_shared_items_receiver_id_organisations')),
    sa.PrimaryKeyConstraint('receiver_id', 'item_id', name=op.f('pk_shared_items'))
    )
    with op.batch_alter_table('shared_items', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_shared_items_bank_share_id'), ['bank_share_id'], unique=False)
        batch_op.create_index('ix_shared_items_item_id', ['item_id'], unique=False)


def downgrade():
    op.drop_table('shared_items')
    op.drop_table('bank_shares')
