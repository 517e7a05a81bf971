"""Certificates as verifiable credentials: checked here without our own code, as a stranger's program would."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from certification.models import CandidateConsent, Certificate, CertificateAct, CredentialEntry
from certification.rules.ecertificate import TYPE
from certification.services import certificates, credentials, signing
from kernel import profiles
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from tests.factories.certification import candidate, id_number

BASE = "https://kaoku.invalid"
CREDENTIAL_NEEDS = {"@context", "id", "type", "issuer", "validFrom", "credentialSubject"}
"""Open Badges 3.0, AchievementCredential: required properties; the data model 2.0 asks for all of them but `validFrom`."""
ACHIEVEMENT_NEEDS = {"id", "type", "criteria", "description", "name"}
IDENTITY_NEEDS = {"type", "hashed", "identityHash", "identityType"}
STATUS_NEEDS = {"type", "statusPurpose", "statusListIndex", "statusListCredential"}


@pytest.fixture
def admin(make_actor, office):
    actor = make_actor(Role.ORGANISATION_ADMIN)
    with unit_of_work(actor) as uow:
        signing.create_key(uow)
    return actor


@pytest.fixture
def issued(office, admin):
    office.whole_way([candidate(1), candidate(2)], {"1": "80", "2": "81"})
    return db.session.query(Certificate).order_by(Certificate.number).all()


def unpacked(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def read(token, keys):
    """Return header and claims of a token when a key of an issuer's document signed it; nothing of ours is used."""
    head, body, signature = token.split(".")
    header = json.loads(unpacked(head))
    method = next(one for one in keys["verificationMethod"] if one["id"] == header["kid"])
    assert header["kid"] in keys["assertionMethod"]
    public = Ed25519PublicKey.from_public_bytes(unpacked(method["publicKeyJwk"]["x"]))
    public.verify(unpacked(signature), f"{head}.{body}".encode())
    return header, json.loads(unpacked(body))


def keys_of(office):
    return credentials.did_document(db.session(), office.actor.organisation, base_url=BASE)


def made(office, row):
    name, content = office.act(credentials.take_credential, row.certificate_id, base_url=BASE)
    return name, content.decode()


def places_set(office, purpose):
    token = credentials.status_list(db.session(), office.actor.organisation, purpose, 0, base_url=BASE)
    _header, claims = read(token, keys_of(office))
    subject = claims["credentialSubject"]
    assert claims["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    assert (subject["type"], subject["statusPurpose"], subject["encodedList"][0]) == (
        "BitstringStatusList",
        purpose,
        "u",
    )
    bits = gzip.decompress(unpacked(subject["encodedList"][1:]))
    assert len(bits) == 16_384
    return claims["id"], [n for n in range(64) if bits[n // 8] & (0x80 >> n % 8)]


def test_a_stranger_verifies_the_credential_off_line_and_reads_what_the_specifications_require(office, issued):
    row = issued[0]
    name, token = made(office, row)
    assert name == f"可验证凭证_{row.number}.jwt"
    header, claims = read(token, keys_of(office))
    assert (header["alg"], header["typ"], header["jwk"]["kid"]) == ("Ed25519", "JWT", header["kid"].split("#")[1])
    assert "d" not in header["jwk"]
    assert set(claims) >= CREDENTIAL_NEEDS
    assert claims["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert claims["type"][0] == "VerifiableCredential"
    assert {"OpenBadgeCredential", "AchievementCredential"} <= set(claims["type"])
    subject = claims["credentialSubject"]
    assert set(subject["achievement"]) >= ACHIEVEMENT_NEEDS
    assert all(set(one) >= IDENTITY_NEEDS for one in subject["identifier"])
    assert all(set(one) >= STATUS_NEEDS for one in claims["credentialStatus"])
    assert subject["licenseNumber"] == row.number
    assert claims["id"] == f"{BASE}/verify/{row.public_token}"
    did = f"did:web:kaoku.invalid:issuers:{row.organisation_id}"
    assert (claims["iss"], claims["issuer"]["id"], claims["jti"]) == (did, did, claims["id"])
    assert claims["nbf"] == int(dt.datetime.fromisoformat(claims["validFrom"]).timestamp())
    assert dt.datetime.fromisoformat(claims["validFrom"]).date() == row.issued_on
    head, body, signature = token.split(".")
    forged = (
        base64.urlsafe_b64encode(unpacked(body).replace("演示考生1".encode(), "演示考生9".encode()))
        .decode()
        .rstrip("=")
    )
    with pytest.raises(InvalidSignature):
        read(f"{head}.{forged}.{signature}", keys_of(office))


def test_no_number_of_a_person_is_in_it_and_with_consent_a_digest_that_only_the_number_opens(office, issued):
    row = issued[0]
    _header, claims = read(made(office, row)[1], keys_of(office))
    assert not any(text in json.dumps(claims) for text in (id_number(1), id_number(1)[-6:], "13800000000", "19900101"))
    assert [one["identityType"] for one in claims["credentialSubject"]["identifier"]] == ["name"]
    holder = credentials.repository.holder_of(db.session(), row)
    with unit_of_work(office.actor) as uow:
        uow.add(
            CandidateConsent(
                organisation_id=row.organisation_id, candidate_id=holder, purpose="credential_identity", act="given",
                text_version="2026-11", text="同意", address="127.0.0.1", at=dt.datetime.now(dt.UTC),
            )
        )  # fmt: skip
    first, second = (read(made(office, row)[1], keys_of(office))[1] for _time in range(2))
    digest = first["credentialSubject"]["identifier"][1]
    assert digest["identityHash"] == "sha256$" + hashlib.sha256((id_number(1) + digest["salt"]).encode()).hexdigest()
    assert digest["salt"] != second["credentialSubject"]["identifier"][1]["salt"]
    assert id_number(1) not in json.dumps(first)
    _header, other = read(made(office, issued[1])[1], keys_of(office))
    assert len(other["credentialSubject"]["identifier"]) == 1


def test_the_lists_tell_what_became_of_a_certificate_and_places_stay(office, issued):
    first, second = issued
    statuses = [read(made(office, row)[1], keys_of(office))[1]["credentialStatus"] for row in (first, second, first)]
    assert [[one["statusListIndex"] for one in entry] for entry in statuses] == [["0", "0"], ["1", "1"], ["0", "0"]]
    address, places = places_set(office, "revocation")
    assert (address, places) == (statuses[0][0]["statusListCredential"], [])
    office.act(certificates.change_state, first.certificate_id, CertificateAct.HELD, reason="核查中")
    assert (places_set(office, "revocation")[1], places_set(office, "suspension")[1]) == ([], [0])
    office.act(certificates.change_state, first.certificate_id, CertificateAct.REVOKED, reason="查实冒名")
    office.act(certificates.reissue, second.certificate_id, reason="更名")
    assert (places_set(office, "revocation")[1], places_set(office, "suspension")[1]) == ([0, 1], [])
    assert db.session.query(CredentialEntry).count() == 2


def test_a_certificate_with_an_end_has_an_end_as_credential_too(office, admin):
    with unit_of_work(admin) as uow:
        profiles.publish(uow, {"certification.validity_years": 3}, effective_on=dt.date(2020, 1, 1))
    office.whole_way([candidate(1)], {"1": "80"})
    row = db.session.query(Certificate).one()
    _header, claims = read(made(office, row)[1], keys_of(office))
    end = dt.datetime.fromisoformat(claims["validUntil"])
    assert (end.date(), claims["exp"]) == (row.expires_on, int(end.timestamp()))


def test_a_credential_is_no_statement_of_ours_and_a_voided_key_leaves_the_issuers_document(office, issued, admin):
    token = made(office, issued[0])[1]
    with pytest.raises(InvalidInputError):
        signing.verify(db.session(), token, kind=TYPE)
    old = keys_of(office)["verificationMethod"][0]["id"]
    with unit_of_work(admin) as uow:
        new = signing.create_key(uow)
    assert keys_of(office)["verificationMethod"][0]["id"].endswith(f"#{new.kid}")
    key = db.session.query(type(new)).filter_by(number=1).one()
    with unit_of_work(admin) as uow:
        signing.revoke_key(uow, key.signing_key_id, reason="可能泄露")
    assert old not in [one["id"] for one in keys_of(office)["verificationMethod"]]


def test_only_the_own_office_makes_credentials_and_nothing_without_a_key(office, other_office, issued, make_actor):
    with pytest.raises(NotFoundError):
        other_office.act(credentials.take_credential, issued[0].certificate_id, base_url=BASE)
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.MARKER)) as uow:
        credentials.take_credential(uow, issued[0].certificate_id, base_url=BASE)
    for ask in (
        credentials.did_document,
        lambda s, o, base_url: credentials.status_list(s, o, "revocation", 0, base_url=base_url),
    ):
        with pytest.raises(NotFoundError):
            ask(db.session(), other_office.actor.organisation, base_url=BASE)
    with pytest.raises(NotFoundError):
        credentials.status_list(db.session(), office.actor.organisation, "revocation", 7, base_url=BASE)
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        row = db.session.query(signing.SigningKey).one()
        signing.revoke_key(uow, row.signing_key_id, reason="停用密钥")
    with pytest.raises(ConflictError, match="签名密钥"):
        office.act(credentials.take_credential, issued[0].certificate_id, base_url=BASE)


def test_holder_office_and_program_each_get_it_and_verifiers_find_keys_and_lists_by_its_addresses(
    office, issued, sign_in, app
):
    row = issued[0]
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    assert "下载可验证凭证" in officer.get(f"/certification/certificates/{row.certificate_id}").text
    by_page = officer.post(f"/certification/certificates/{row.certificate_id}/credential")
    program = f"/api/v1/certification/certificates/{row.certificate_id}/credential"
    by_program, again = (officer.post(program, headers={"Idempotency-Key": "key-1"}) for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == by_program.json
    by_program = by_program.json
    holder = app.test_client()
    holder.post("/my-results", data={"name": row.name, "id_number": id_number(1), "number": row.number})
    address = f"/my-results/certificates/{row.certificate_id}/credential"
    assert "请先阅读并同意" in holder.post(address, follow_redirects=True).text
    holder.post("/my-results/consents", data={"purpose": "e_certificate", "act": "given", "agree-e_certificate": "1"})
    by_holder = holder.post(address)
    assert (by_page.mimetype, by_program["media_type"]) == ("application/vc+jwt", "application/vc+jwt")
    stranger = app.test_client()
    for token in (by_page.text, by_program["credential"], by_holder.text):
        claims = json.loads(unpacked(token.split(".")[1]))
        place = "/".join(claims["iss"].split(":")[3:])
        keys = stranger.get(f"/{place}/did.json")
        assert keys.json["id"] == claims["iss"]
        assert read(token, keys.json)[1] == claims
        listed = stranger.get(claims["credentialStatus"][0]["statusListCredential"].removeprefix("http://localhost"))
        assert read(listed.text, keys.json)[1]["issuer"] == claims["iss"]
        assert (listed.mimetype, listed.headers["Access-Control-Allow-Origin"]) == ("application/vc+jwt", "*")
        assert stranger.get(claims["id"].removeprefix("http://localhost")).status_code == 200
