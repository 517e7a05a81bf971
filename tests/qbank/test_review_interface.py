"""Review, workflow, tasks and declarations through the JSON interface, by the right role."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.identity.permissions import Role
from qbank.services.writing import today
from tests.factories.standards import make_level
from tests.qbank.item_bank import POINT, make_draft, submit


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def author(make_actor):
    return make_actor(Role.AUTHOR)


def test_a_reviewer_reads_the_queue_and_decides(level_id, author, sign_in):
    item = make_draft(author, level_id)
    submit(author, item)
    client = sign_in(Role.REVIEWER)
    waiting = client.get("/api/v1/reviews").json
    assert [(one["code"], one["stage"]) for one in waiting["items"]] == [(item.code, "初审")]
    address, version = f"/api/v1/reviews/{item.item_id}", waiting["items"][0]["item_version_id"]
    refused = client.post(address, json={"item_version_id": version, "decision": "return"})
    assert refused.status_code == 422
    done = client.post(address, json={"item_version_id": version, "decision": "approve"})
    assert (done.status_code, done.json["status"]) == (200, "in_review")
    assert client.get("/api/v1/reviews").json["total"] == 0
    assert sign_in(Role.AUTHOR).get("/api/v1/reviews").status_code == 403


def test_an_administrator_reads_and_publishes_the_workflow(sign_in):
    client = sign_in(Role.ORGANISATION_ADMIN)
    assert client.get("/api/v1/workflow").json == {"number": 0, "note": "", "stages": []}
    stages = [{"name": "初评", "quorum": 3, "vote": "majority", "days": 5}, {"name": "终评", "on_return": "stage:初评"}]
    made = client.put("/api/v1/workflow", json={"number": 0, "stages": stages})
    assert made.status_code == 200, made.json
    body = client.get("/api/v1/workflow").json
    assert body["number"] == 1
    assert [(one["name"], one["on_approve"], one["on_return"]) for one in body["stages"]] == [
        ("初评", "next", "draft"), ("终评", "next", "stage:初评"),
    ]  # fmt: skip
    again = client.put("/api/v1/workflow", json=body)
    assert again.json["number"] == 2
    assert client.put("/api/v1/workflow", json=body).status_code == 409
    bypass = [{"name": "初评", "on_approve": "approved"}, {"name": "终评"}]
    assert client.put("/api/v1/workflow", json={"number": 2, "stages": bypass}).status_code == 422
    assert sign_in(Role.EDITOR).get("/api/v1/workflow").status_code == 403


def test_a_task_is_issued_extended_and_cancelled(level_id, author, sign_in):
    client = sign_in(Role.EDITOR)
    body = {
        "standard_level_id": str(level_id), "title": "任务",
        "lines": [{"point": POINT, "type": "single_choice", "count": 2}],
    }  # fmt: skip
    key = client.post("/api/v1/writing-tasks", json=body).json["writing_task_id"]
    acts = f"/api/v1/writing-tasks/{key}/acts"
    first, later = ((today() + timedelta(days=n)).isoformat() for n in (5, 9))
    issued = client.post(acts, json={"act": "issue", "expert_id": str(author.user_id), "due_on": first})
    assert (issued.status_code, issued.json["status"]) == (200, "open")
    assert client.post(acts, json={"act": "extend", "due_on": later}).status_code == 422
    assert client.post(acts, json={"act": "extend", "due_on": later, "reason": "病假"}).json["due_on"] == later
    assert client.post(acts, json={"act": "deliver"}).status_code == 403
    assert client.post(acts, json={"act": "cancel", "reason": "改版"}).json["status"] == "cancelled"
    assert client.post(acts, json={"act": "plan"}).status_code == 422


def test_declarations_are_made_confirmed_and_kept_from_others(sign_in, author):
    client, admin = sign_in(Role.REVIEWER), sign_in(Role.ORGANISATION_ADMIN)
    body = {"kind": "kin", "other_user_id": str(author.user_id)}
    made = client.post("/api/v1/declarations", json=body)
    assert (made.status_code, made.json["status"]) == (201, "declared")
    assert client.post("/api/v1/declarations", json={"kind": "kin"}).status_code == 422
    acts = f"/api/v1/declarations/{made.json['conflict_relation_id']}/acts"
    assert client.post(acts, json={"act": "confirm", "version": 1}).status_code == 403
    assert admin.post(acts, json={"act": "confirm", "version": made.json["version"]}).json["status"] == "confirmed"
    assert sign_in(Role.MARKER).get("/api/v1/declarations").json["total"] == 0
    assert admin.get("/api/v1/declarations").json["total"] == 1
    assert client.post(acts, json={"act": "withdraw", "reason": "x"}).status_code == 409
