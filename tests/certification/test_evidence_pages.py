"""The page of packs: who may ask for one, what it needs, and what is said to be missing."""

from __future__ import annotations

import uuid

import pytest

from certification.models import EvidencePack
from certification.services import evidence, signing
from certification.services.evidence_entries import PackScope
from certification.verifier import kaoku_verify
from kernel.canonical import digest_bytes
from kernel.db import db
from kernel.errors import ConflictError
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.factories.certification import candidate


def test_what_is_missing_is_listed_by_name(office, make_actor):
    """Results that came from elsewhere have no sitting here: the pack says so instead of looking whole."""
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        signing.create_key(uow)
    key = office.whole_way([candidate(1)], {"1": "80"})
    made = evidence.build_pack(db.session(), office.actor, key, None, PackScope())
    assert any("的作答" in one for one in made.missing)
    assert kaoku_verify.verify(made.content).problems == []


def test_the_page_asks_for_a_key_first_and_foreign_batches_stay_outside(office, other_office, sign_in, make_actor):
    key = office.whole_way([candidate(1)], {"1": "80"})
    address = f"/certification/batches/{key}/evidence"
    officer = sign_in(Role.CERTIFICATION_OFFICER)
    assert "还没有可用的签名密钥" in officer.get(address).text
    with pytest.raises(ConflictError):
        office.act(evidence.request_pack, key, None, PackScope())
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        signing.create_key(uow)
    answer = officer.post(address, data={"is_personal": "1"})
    assert answer.status_code == 303
    assert run_job(uuid.UUID(answer.location.rsplit("/", 1)[1])) == "done"
    page = officer.get(address)
    assert "含个人信息" in page.text
    row = db.session().query(EvidencePack).one()
    taken = officer.post(f"/certification/evidence/{row.evidence_pack_id}")
    assert digest_bytes(taken.data) == row.content_digest
    stranger = sign_in(Role.CERTIFICATION_OFFICER, organisation_id=other_office.actor.organisation)
    assert stranger.get(address).status_code == 404
    assert stranger.post(address).status_code == 404
    assert stranger.post(f"/certification/evidence/{row.evidence_pack_id}").status_code == 404
    assert sign_in(Role.SUPERVISOR).get(address).status_code == 403
