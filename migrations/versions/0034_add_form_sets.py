"""Add sets of forms: one form for each candidate."""

import sqlalchemy as sa
from alembic import op

revision = '0034_add_form_sets'
down_revision = '0033_add_carriers_and_pools'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('form_sets',
    sa.Column('form_set_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('assembly_run_id', sa.Uuid(), nullable=False),
    sa.Column('standard_level_id', sa.Uuid(), nullable=False),
    sa.Column('occupation_name', sa.String(length=60), nullable=False),
    sa.Column('level_name', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('n_forms', sa.Integer(), nullable=False),
    sa.Column('n_slots', sa.Integer(), nullable=False),
    sa.Column('total_score', sa.Numeric(precision=7, scale=3), nullable=False),
    sa.Column('duration_minutes', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('draft', 'in_review', 'approved', 'sealed', 'withdrawn', name='formstatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=True, comment='the job that seals its forms'),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('n_forms >= 1', name=op.f('ck_form_sets_n_forms_positive')),
    sa.ForeignKeyConstraint(['assembly_run_id'], ['assembly_runs.assembly_run_id'], name=op.f('fk_form_sets_assembly_run_id_assembly_runs')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_form_sets_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('form_set_id', name=op.f('pk_form_sets')),
    sa.UniqueConstraint('assembly_run_id', name=op.f('uq_form_sets_assembly_run_id'))
    )
    with op.batch_alter_table('form_sets', schema=None) as batch_op:
        batch_op.create_index('ix_form_sets_organisation_id_status', ['organisation_id', 'status'], unique=False)
        batch_op.create_index(batch_op.f('ix_form_sets_standard_level_id'), ['standard_level_id'], unique=False)

    with op.batch_alter_table('assembly_runs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_on_the_fly', sa.Boolean(), server_default=sa.false(), nullable=False, comment='one form for each candidate, use of items bounded'))
        batch_op.add_column(sa.Column('max_rate', sa.Numeric(precision=6, scale=5), nullable=True, comment='the largest share of the forms that may hold one item, where the draw names it'))

    with op.batch_alter_table('exam_forms', schema=None) as batch_op:
        batch_op.add_column(sa.Column('form_set_id', sa.Uuid(), nullable=True, comment='the set it belongs to: one form a candidate'))
        batch_op.create_index(batch_op.f('ix_exam_forms_form_set_id'), ['form_set_id'], unique=False)

    with op.batch_alter_table('exam_sessions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('form_set_id', sa.Uuid(), nullable=True, comment='the set whose forms these are: every candidate gets a form of their own'))



def downgrade():
    op.drop_table('form_sets')

    with op.batch_alter_table('exam_sessions', schema=None) as batch_op:
        batch_op.drop_column('form_set_id')

    with op.batch_alter_table('exam_forms', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_exam_forms_form_set_id'))
        batch_op.drop_column('form_set_id')

    with op.batch_alter_table('assembly_runs', schema=None) as batch_op:
        batch_op.drop_column('max_rate')
        batch_op.drop_column('is_on_the_fly')
