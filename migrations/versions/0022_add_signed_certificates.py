"""add signed certificates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0022_add_signed_certificates'
down_revision = '0021_add_holds_and_gaps'
branch_labels = None
depends_on = None

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
    op.create_table('signing_keys',
    sa.Column('signing_key_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kid', sa.String(length=64), nullable=False, comment='thumbprint of the public key, RFC 7638'),
    sa.Column('public_key', sa.String(length=64), nullable=False, comment='x of the JWK'),
    sa.Column('private_ciphertext', sa.LargeBinary(), nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True, comment='not trusted any more: it may have leaked'),
    sa.Column('revoked_by', sa.String(length=100), nullable=False),
    sa.Column('revoked_reason', sa.String(length=300), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_signing_keys_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('signing_key_id', name=op.f('pk_signing_keys')),
    sa.UniqueConstraint('kid', name=op.f('uq_signing_keys_kid')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_signing_keys_organisation_id_number'))
    )
    op.create_table('webhook_endpoints',
    sa.Column('webhook_endpoint_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('event_types', sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('secret_ciphertext', sa.LargeBinary(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_webhook_endpoints_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('webhook_endpoint_id', name=op.f('pk_webhook_endpoints'))
    )
    with op.batch_alter_table('webhook_endpoints', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_endpoints_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('webhook_messages',
    sa.Column('webhook_message_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('webhook_endpoint_id', sa.Uuid(), nullable=False),
    sa.Column('event_type', sa.String(length=60), nullable=False),
    sa.Column('body', sa.Text(), nullable=False, comment='JSON as it is signed and sent; no personal data'),
    sa.Column('state', sa.Enum('waiting', 'delivered', 'dead', name='messagestate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('n_tries', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_status', sa.Integer(), nullable=True),
    sa.Column('last_error', sa.String(length=300), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_webhook_messages_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['webhook_endpoint_id'], ['webhook_endpoints.webhook_endpoint_id'], name=op.f('fk_webhook_messages_webhook_endpoint_id_webhook_endpoints')),
    sa.PrimaryKeyConstraint('webhook_message_id', name=op.f('pk_webhook_messages'))
    )
    with op.batch_alter_table('webhook_messages', schema=None) as batch_op:
        batch_op.create_index('ix_webhook_messages_endpoint_created_at', ['webhook_endpoint_id', 'created_at'], unique=False)
        batch_op.create_index('ix_webhook_messages_state_due_at', ['state', 'due_at'], unique=False)

    op.create_table('evidence_packs',
    sa.Column('evidence_pack_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('certification_batch_id', sa.Uuid(), nullable=False),
    sa.Column('result_record_id', sa.Uuid(), nullable=True),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('candidate', 'batch', 'archive', name='packkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('n_entries', sa.Integer(), nullable=False),
    sa.Column('n_bytes', sa.Integer(), nullable=False),
    sa.Column('is_personal', sa.Boolean(), nullable=False, comment='names and numbers stand in it unmasked'),
    sa.Column('has_content', sa.Boolean(), nullable=False, comment='items and keys stand in it, not their digests alone'),
    sa.Column('ciphertext', sa.LargeBinary(), nullable=False),
    sa.Column('content_digest', sa.String(length=64), nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['certification_batch_id'], ['certification_batches.certification_batch_id'], name=op.f('fk_evidence_packs_certification_batch_id_certification_batches')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_evidence_packs_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['result_record_id'], ['result_records.result_record_id'], name=op.f('fk_evidence_packs_result_record_id_result_records')),
    sa.PrimaryKeyConstraint('evidence_pack_id', name=op.f('pk_evidence_packs')),
    sa.UniqueConstraint('job_id', 'file_name', name=op.f('uq_evidence_packs_job_id_file_name'))
    )
    with op.batch_alter_table('evidence_packs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_evidence_packs_certification_batch_id'), ['certification_batch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_evidence_packs_result_record_id'), ['result_record_id'], unique=False)

    op.create_table('certificate_statements',
    sa.Column('certificate_statement_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('certificate_id', sa.Uuid(), nullable=False),
    sa.Column('kid', sa.String(length=64), nullable=False),
    sa.Column('statement', sa.Text(), nullable=False, comment='compact JWS'),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['certificate_id'], ['certificates.certificate_id'], name=op.f('fk_certificate_statements_certificate_id_certificates')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.organisation_id'], name=op.f('fk_certificate_statements_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('certificate_statement_id', name=op.f('pk_certificate_statements'))
    )
    with op.batch_alter_table('certificate_statements', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_statements_certificate_id'), ['certificate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_certificate_statements_kid'), ['kid'], unique=False)

    op.add_column('certificate_lookups', sa.Column('n_lookups', sa.Integer(), server_default='1', nullable=False, comment='how many the row stands for'))
    op.add_column('certificates', sa.Column('expires_on', sa.Date(), nullable=True, comment='last day of validity; none: without end'))
    make_append_only('certificate_statements')


def downgrade():
    op.drop_column('certificates', 'expires_on')
    op.drop_column('certificate_lookups', 'n_lookups')

    with op.batch_alter_table('certificate_statements', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_certificate_statements_kid'))
        batch_op.drop_index(batch_op.f('ix_certificate_statements_certificate_id'))

    op.drop_table('certificate_statements')
    with op.batch_alter_table('evidence_packs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_evidence_packs_result_record_id'))
        batch_op.drop_index(batch_op.f('ix_evidence_packs_certification_batch_id'))

    op.drop_table('evidence_packs')
    with op.batch_alter_table('webhook_messages', schema=None) as batch_op:
        batch_op.drop_index('ix_webhook_messages_state_due_at')
        batch_op.drop_index('ix_webhook_messages_endpoint_created_at')

    op.drop_table('webhook_messages')
    with op.batch_alter_table('webhook_endpoints', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_webhook_endpoints_organisation_id'))

    op.drop_table('webhook_endpoints')
    op.drop_table('signing_keys')
