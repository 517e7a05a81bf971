"""The JSON API of batches, sessions and scores: walls and permissions hold, no identity number leaves."""

from __future__ import annotations

from kernel.identity.permissions import Role
from tests.exam_delivery.world import LEVEL, id_number


def test_batches_are_listed_created_and_found(world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    body = client.get("/api/v1/exam-batches?q=第一批").json
    assert (body["total"], body["batches"][0]["code"]) == (1, "2026-01")
    made = client.post("/api/v1/exam-batches", json={"code": "API-1", "name": "甲", "standard_level_id": str(LEVEL)})
    assert made.status_code == 201
    assert client.get(f"/api/v1/exam-batches/{made.json['exam_batch_id']}").json["level_code"] == "3"
    twice = client.post("/api/v1/exam-batches", json={"code": "API-1", "name": "甲", "standard_level_id": str(LEVEL)})
    assert twice.status_code == 422
    assert "code" in twice.json["details"]["fields"]


def test_sessions_come_with_their_counts(world, sign_in):
    world.register(2)
    client = sign_in(Role.EXAM_OFFICER)
    body = client.get("/api/v1/exam-sessions?status=planned").json
    assert body["sessions"][0]["counts"]["n_registered"] == 2
    assert client.get(f"/api/v1/exam-sessions/{world.key}").json["name"] == "第一场"
    assert client.get("/api/v1/exam-sessions?status=other").status_code == 422


def test_scores_hold_decimal_texts_and_no_identity_number(machine_world, sign_in):
    answer = sign_in(Role.EXAM_OFFICER).get(f"/api/v1/exam-batches/{machine_world.batch.exam_batch_id}/scores")
    found = [(one["state"], one["score"]) for one in answer.json["scores"]]
    assert found == [("complete", "10.000"), ("complete", "1.000"), ("complete", "0.000"), ("absent", None)]
    assert id_number(1) not in answer.text


def test_strangers_and_the_wrong_roles_get_nothing(world, sign_in, other_organisation):
    stranger = sign_in(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    for address in (
        f"/api/v1/exam-batches/{world.batch.exam_batch_id}", f"/api/v1/exam-sessions/{world.key}",
        f"/api/v1/exam-batches/{world.batch.exam_batch_id}/scores",
    ):  # fmt: skip
        assert stranger.get(address).status_code == 404
    assert sign_in(Role.AUTHOR).get("/api/v1/exam-batches").status_code == 403
