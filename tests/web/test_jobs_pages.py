from __future__ import annotations

import pytest

from kernel.identity.actor import Actor
from kernel.identity.permissions import Role
from kernel.jobs import enqueue
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.services import mark_failed
from kernel.uow import unit_of_work


@pytest.fixture
def editor(make_user):
    return make_user(Role.EDITOR)


@pytest.fixture
def job(editor) -> Job:
    with unit_of_work(Actor(editor.user_id, editor.organisation_id, editor.name)) as uow:
        return enqueue(uow, "example.work", {}, title="演示导入")


def test_a_waiting_job_shows_its_progress_and_can_be_cancelled(sign_in, editor, job, session):
    client = sign_in(user=editor)
    assert "演示导入" in client.get("/jobs/").text
    page = client.get(f"/jobs/{job.job_id}").text
    assert f'data-url="/jobs/{job.job_id}/progress"' in page
    assert client.get(f"/jobs/{job.job_id}/progress").json["is_open"] is True
    client.post(f"/jobs/{job.job_id}/cancel")
    assert "已按要求停止" in client.get(f"/jobs/{job.job_id}").text
    assert client.post(f"/jobs/{job.job_id}/cancel").status_code == 409


def test_a_failed_job_says_why_waits_on_the_home_page_and_is_tried_again(sign_in, editor, job):
    client = sign_in(user=editor)
    with unit_of_work(Actor(None, job.organisation_id, "worker")) as uow:
        mark_failed(uow, job.job_id, "第 3 行缺少答案")
    assert "第 3 行缺少答案" in client.get(f"/jobs/{job.job_id}").text
    assert "没有完成的任务" in client.get("/").text
    fresh = client.post(f"/jobs/{job.job_id}/retry").headers["Location"]
    assert fresh != f"/jobs/{job.job_id}"
    assert "等待中" in client.get(fresh).text
    assert "没有完成的任务" not in client.get("/").text


def test_a_finished_job_leads_to_its_result(sign_in, editor, job, session):
    with unit_of_work(Actor(None, job.organisation_id, "worker")) as uow:
        row = uow.session.get(Job, job.job_id)
        row.status, row.progress, row.result_url = JobStatus.DONE, 100, "/somewhere"
    page = sign_in(user=editor).get(f"/jobs/{job.job_id}").text
    assert 'href="/somewhere"' in page
    assert "/cancel" not in page


def test_jobs_of_another_organisation_do_not_exist(sign_in, job, other_organisation):
    stranger = sign_in(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    assert "演示导入" not in stranger.get("/jobs/").text
    for address in ("", "/progress"):
        assert stranger.get(f"/jobs/{job.job_id}{address}").status_code == 404
    assert stranger.post(f"/jobs/{job.job_id}/cancel").status_code == 404
