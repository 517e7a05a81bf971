"""An organisation's signing keys: made, replaced, no longer trusted; and signing and checking with them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy.orm import Session

from certification.models import SigningKey
from certification.repository import signing as repository
from kernel import audit, crypto
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.uow import UnitOfWork

ALGORITHM = "Ed25519"
PURPOSE = "signing-key"
SHORTEST_REASON = 4
NO_KEY = N_("本机构还没有签名密钥，请机构管理员在“签名密钥”页面生成")


class SignatureRefusedError(InvalidInputError):
    """A signed text that cannot be relied on; the code says why."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A text whose signature holds: what was signed, with which key, by whom."""

    payload: bytes
    kid: str
    issuer: str
    organisation_id: uuid.UUID


def create_key(uow: UnitOfWork) -> SigningKey:
    """Give the actor's organisation a new key; it signs from now on, and the earlier ones still verify."""
    require(uow.actor, Permission.CONNECTION_MANAGE)
    organisation = get_organisation(uow.session, uow.actor.organisation)
    known = repository.list_keys(uow.session, organisation.organisation_id)
    pair = OKPKey.generate_key("Ed25519", private=True)
    key_id = new_id()
    private = str(pair.as_dict(private=True)["d"]).encode()
    row = SigningKey(
        signing_key_id=key_id, organisation_id=organisation.organisation_id, number=len(known) + 1,
        kid=pair.thumbprint(), public_key=str(pair.as_dict(private=False)["x"]),
        private_ciphertext=crypto.encrypt(crypto.purpose_key(PURPOSE), private, bound_to=_place(key_id)),
        created_by=uow.actor.name[:100], created_at=now(),
    )  # fmt: skip
    uow.add(row)
    audit.record(uow, "signing_key.create", "signing_key", key_id, after={"kid": row.kid, "number": row.number})
    return row


def revoke_key(uow: UnitOfWork, signing_key_id: uuid.UUID, *, reason: str) -> SigningKey:
    """Trust a key no more, for instance because it leaked: nothing that it signed verifies from now on.

    Raises
    ------
    ConflictError
        If it is not trusted already.
    InvalidInputError
        If the reason is missing.
    """
    require(uow.actor, Permission.CONNECTION_MANAGE)
    row = repository.lock_key(uow.session, signing_key_id, actor=uow.actor)
    if row.revoked_at is not None:
        raise ConflictError(N_("这把密钥已经作废"))
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidInputError(N_("请写明作废的原因"), fields={"reason": [N_("请写明作废的原因")]})
    row.revoked_at, row.revoked_by, row.revoked_reason = now(), uow.actor.name[:100], reason.strip()[:300]
    audit.record(
        uow, "signing_key.revoke", "signing_key", signing_key_id, after={"kid": row.kid}, reason=row.revoked_reason
    )
    return row


def public_jwk(row: SigningKey, issuer: str) -> dict[str, Any]:
    """Return the public part of a key as JWK; `issuer` says whose it is."""
    return {
        "kty": "OKP", "crv": "Ed25519", "alg": ALGORITHM, "use": "sig", "kid": row.kid, "x": row.public_key,
        "issuer": issuer,
    }  # fmt: skip


def published_keys(session: Session) -> dict[str, Any]:
    """Return all trusted keys as a JWK set."""
    return {"keys": [public_jwk(row, issuer) for row, issuer in repository.list_trusted_keys(session)]}


def find_key(session: Session, organisation_id: uuid.UUID) -> SigningKey | None:
    """Return the key that signs for an organisation, None while there is none."""
    return repository.find_signing_key(session, organisation_id)


def require_key(session: Session, organisation_id: uuid.UUID) -> SigningKey:
    """Return the key that signs for an organisation, or refuse."""
    row = repository.find_signing_key(session, organisation_id)
    if row is None:
        raise ConflictError(NO_KEY)
    return row


def sign(row: SigningKey, payload: bytes, *, kind: str) -> str:
    """Return a compact JWS of `payload`; `kind` is its type, so that one use cannot be passed off as another."""
    header = {"alg": ALGORITHM, "kid": row.kid, "typ": kind}
    return jws.serialize_compact(header, payload, _pair(row), algorithms=[ALGORITHM])


def credential_jwk(row: SigningKey) -> dict[str, Any]:
    """Return the public part of a key as it stands in credentials and under the issuer's identifier."""
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": row.kid, "x": row.public_key}


def sign_credential(session: Session, signing_key_id: uuid.UUID, payload: bytes, *, did: str) -> str:
    """Return a compact JWS of a verifiable credential.

    `typ` is the one that Open Badges asks for, and none of ours: no credential can be taken for a statement or a pack. The
    key stands in the header and under the issuer's identifier.
    """
    row = repository.get_signing_key(session, signing_key_id)
    jwk = credential_jwk(row)
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": f"{did}#{row.kid}", "jwk": jwk}
    return jws.serialize_compact(header, payload, _pair(row), algorithms=[ALGORITHM])


def _pair(row: SigningKey) -> OKPKey:
    private = crypto.decrypt(crypto.purpose_key(PURPOSE), row.private_ciphertext, bound_to=_place(row.signing_key_id))
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": row.public_key, "d": private.decode()})


def verify(session: Session, text: str, *, kind: str) -> Signed:
    """Return what a compact JWS says when a trusted key of this installation signed it.

    Raises
    ------
    SignatureRefusedError
        `signature_malformed`, `signature_unknown_key`, `signature_revoked_key` or `signature_broken`.
    """
    try:
        header = jws.extract_compact(text.encode()).headers()
    except (JoseError, ValueError) as exc:
        raise SignatureRefusedError(N_("签名内容不完整或格式不对"), error_code="signature_malformed") from exc
    kid = header.get("kid")
    found = repository.find_key(session, kid) if isinstance(kid, str) else None
    if found is None or header.get("typ") != kind:
        raise SignatureRefusedError(N_("不是本系统的机构签发的，或不是这一类签名"), error_code="signature_unknown_key")
    row, issuer = found
    if row.revoked_at is not None:
        raise SignatureRefusedError(N_("签名所用的密钥已经作废，签名不再可信"), error_code="signature_revoked_key")
    public = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": row.public_key})
    try:
        checked = jws.deserialize_compact(text.encode(), public, algorithms=[ALGORITHM])
    except (JoseError, ValueError) as exc:
        raise SignatureRefusedError(N_("签名与内容不符：内容可能被改动过"), error_code="signature_broken") from exc
    return Signed(checked.payload or b"", row.kid, issuer, row.organisation_id)


def _place(key_id: uuid.UUID) -> str:
    return f"signing_keys|private|{key_id}"
