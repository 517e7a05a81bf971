"""Certificates as W3C Verifiable Credentials with the vocabulary of Open Badges 3.0, and the lists of their states. Pure.

Structure: Verifiable Credentials Data Model 2.0 (W3C Recommendation, 2025), Open Badges 3.0 (1EdTech), section 8.2 "JSON Web
Token Proof Format" for the claims beside the credential, Bitstring Status List 1.0 (W3C Recommendation, 2025), did:web.
"""

from __future__ import annotations

import base64
import datetime as dt
import enum
import gzip
import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

CREDENTIALS_CONTEXT = "https://www.w3.org/ns/credentials/v2"
BADGES_CONTEXT = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
CONTEXTS = [CREDENTIALS_CONTEXT, BADGES_CONTEXT]
MEDIA_TYPE = "application/vc+jwt"
LIST_BITS = 131_072
"""Places in one list: the least that the specification allows, so that nobody is found by a short list."""
TTL_MILLISECONDS = 300_000


class StatusPurpose(enum.StrEnum):
    """What a list says: a suspension may end, a revocation may not."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


@dataclass(frozen=True, slots=True)
class IdentityDigest:
    """A salted digest of an identity number, for those alone who agreed to it."""

    salt: str
    digest: str


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """What a credential says; texts as they stand on the certificate."""

    issuer_did: str
    issuer_name: str
    issuer_page: str
    page: str
    number: str
    name: str
    occupation: str
    occupation_code: str
    trade: str
    level: str
    level_code: str
    valid_from: dt.datetime
    valid_until: dt.datetime | None
    status_base: str
    status_number: int
    identity: IdentityDigest | None = None


def issuer_did(base_url: str, organisation_id: uuid.UUID) -> str:
    """Return the identifier of an organisation of this installation; it leads to its keys.

    Examples
    --------
    >>> issuer_did("https://exam.example.cn:8443/kaoku", uuid.UUID(int=7))
    'did:web:exam.example.cn%3A8443:kaoku:issuers:00000000-0000-0000-0000-000000000007'
    """
    parts = urlsplit(base_url)
    path = [quote(one, safe="") for one in parts.path.split("/") if one]
    return ":".join(["did:web", quote(parts.netloc, safe=""), *path, "issuers", str(organisation_id)])


def identity_digest(number: str, salt: str) -> IdentityDigest:
    """Return the digest of an identity number as Open Badges writes it: the number followed by the salt.

    Examples
    --------
    >>> identity_digest("11010519491231002X", "00ff").digest[:20]
    'sha256$fc040293613d0'
    """
    return IdentityDigest(salt, "sha256$" + hashlib.sha256((number + salt).encode()).hexdigest())


def credential(facts: CredentialFacts) -> dict[str, Any]:
    """Return the credential without its signature."""
    document: dict[str, Any] = {
        "@context": CONTEXTS,
        "id": facts.page,
        "type": ["VerifiableCredential", "OpenBadgeCredential", "AchievementCredential"],
        "name": f"{facts.occupation}（{facts.level}）",
        "issuer": {
            "id": facts.issuer_did,
            "type": ["Profile"],
            "name": facts.issuer_name,
            "url": facts.issuer_page,
        },
        "validFrom": facts.valid_from.isoformat(),
        "credentialSubject": _subject(facts),
        "credentialStatus": [_status(facts, purpose) for purpose in StatusPurpose],
    }
    if facts.valid_until is not None:
        document["validUntil"] = facts.valid_until.isoformat()
    return document


def _subject(facts: CredentialFacts) -> dict[str, Any]:
    return {
        "type": ["AchievementSubject"],
        "identifier": list(_identities(facts)),
        "licenseNumber": facts.number,
        "achievement": {
            "id": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, _achievement_key(facts))),
            "type": ["Achievement"],
            "achievementType": "Certification",
            "name": "、".join(filter(None, (facts.occupation, facts.trade))) + f" {facts.level}",
            "description": "职业技能等级认定合格，具备该职业（工种）相应技能等级水平。",
            "criteria": {"narrative": f"经{facts.issuer_name}组织的认定，按国家职业标准考核合格，并经公示和名册审核。"},
            "humanCode": f"{facts.occupation_code}/{facts.level_code}",
            "fieldOfStudy": facts.occupation,
            "inLanguage": "zh-CN",
        },
    }


def _achievement_key(facts: CredentialFacts) -> str:
    return f"{facts.issuer_did}/{facts.occupation_code}/{facts.trade}/{facts.level_code}"


def _identities(facts: CredentialFacts) -> Iterable[dict[str, Any]]:
    yield {"type": "IdentityObject", "hashed": False, "identityHash": facts.name, "identityType": "name"}
    if facts.identity is not None:
        yield {
            "type": "IdentityObject",
            "hashed": True,
            "identityHash": facts.identity.digest,
            "identityType": "nationalIdentityNumber",
            "salt": facts.identity.salt,
        }


def _status(facts: CredentialFacts, purpose: StatusPurpose) -> dict[str, str]:
    number, index = divmod(facts.status_number, LIST_BITS)
    address = f"{facts.status_base}/{purpose.value}/{number}"
    return {
        "id": f"{address}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose.value,
        "statusListIndex": str(index),
        "statusListCredential": address,
    }


def claims(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is signed: the credential, with the registered claims that say the same for programs that know only JWT."""
    issuer = document["issuer"]
    registered = {
        "iss": issuer["id"] if isinstance(issuer, dict) else issuer,
        "jti": document["id"],
        "nbf": int(dt.datetime.fromisoformat(document["validFrom"]).timestamp()),
    }
    if "validUntil" in document:
        registered["exp"] = int(dt.datetime.fromisoformat(document["validUntil"]).timestamp())
    return {**document, **registered}


def status_list(
    *, did: str, address: str, purpose: StatusPurpose, numbers: Iterable[int], moment: dt.datetime
) -> dict[str, Any]:
    """Return the list credential in which the places of some certificates are set."""
    return {
        "@context": [CREDENTIALS_CONTEXT],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": did,
        "validFrom": moment.replace(microsecond=0).isoformat(),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose.value,
            "ttl": TTL_MILLISECONDS,
            "encodedList": encoded_list(numbers),
        },
    }


def encoded_list(numbers: Iterable[int]) -> str:
    r"""Return the bits of a list, compressed, in multibase base64url; place 0 is the leftmost bit.

    Examples
    --------
    >>> text = encoded_list([0, 9])
    >>> gzip.decompress(base64.urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4)))[:3]
    b'\x80@\x00'
    """
    bits = bytearray(LIST_BITS // 8)
    for number in numbers:
        bits[number // 8] |= 0x80 >> number % 8
    return "u" + base64.urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).decode().rstrip("=")


def did_document(did: str, keys: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the document that an identifier leads to: the keys that sign now or have signed and are trusted."""
    methods = [
        {"id": f"{did}#{key['kid']}", "type": "JsonWebKey", "controller": did, "publicKeyJwk": dict(key)}
        for key in keys
    ]
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }
