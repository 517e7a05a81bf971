"""Reading signing keys and signed statements."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from certification.models import CertificateStatement, SigningKey
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation


def list_keys(session: Session, organisation_id: uuid.UUID) -> Sequence[SigningKey]:
    """Return the keys of an organisation, the newest first."""
    query = select(SigningKey).where(SigningKey.organisation_id == organisation_id)
    return session.scalars(query.order_by(SigningKey.number.desc())).all()


def list_trusted_keys(session: Session) -> Sequence[tuple[SigningKey, str]]:
    """Return the trusted keys of all organisations with the organisation's name: what is published."""
    query = (
        select(SigningKey, Organisation.name)
        .join(Organisation, Organisation.organisation_id == SigningKey.organisation_id)
        .where(SigningKey.revoked_at.is_(None))
        .order_by(SigningKey.created_at, SigningKey.kid)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def find_signing_key(session: Session, organisation_id: uuid.UUID) -> SigningKey | None:
    """Return the key that signs now, with its private part; none when there is none or the newest is not trusted."""
    query = select(SigningKey).where(SigningKey.organisation_id == organisation_id)
    newest = session.scalar(
        query.order_by(SigningKey.number.desc()).limit(1).options(undefer(SigningKey.private_ciphertext))
    )
    return newest if newest and newest.revoked_at is None else None


def get_signing_key(session: Session, signing_key_id: uuid.UUID) -> SigningKey:
    """Return a key with its private part, for the service that signs with it."""
    query = select(SigningKey).where(SigningKey.signing_key_id == signing_key_id)
    return session.scalars(query.options(undefer(SigningKey.private_ciphertext))).one()


def find_key(session: Session, kid: str) -> tuple[SigningKey, str] | None:
    """Return a key of any organisation by its thumbprint with the organisation's name."""
    query = select(SigningKey, Organisation.name).join(
        Organisation, Organisation.organisation_id == SigningKey.organisation_id
    )
    row = session.execute(query.where(SigningKey.kid == kid)).one_or_none()
    return (row[0], row[1]) if row else None


def lock_key(session: Session, signing_key_id: uuid.UUID, *, actor: Actor) -> SigningKey:
    """Return a key of the own organisation, locked, or raise NotFoundError."""
    query = select(SigningKey).where(
        SigningKey.signing_key_id == signing_key_id, SigningKey.organisation_id == actor.organisation
    )
    found = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(N_("签名密钥不存在"))
    return found


def newest_statement(session: Session, certificate_id: uuid.UUID) -> CertificateStatement | None:
    """Return what was signed last about a certificate."""
    query = select(CertificateStatement).where(CertificateStatement.certificate_id == certificate_id)
    order = (CertificateStatement.signed_at.desc(), CertificateStatement.certificate_statement_id.desc())
    return session.scalar(query.order_by(*order).limit(1))
