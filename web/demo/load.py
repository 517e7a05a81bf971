"""`kaoku demo`: load the demonstration when it is not there yet, print addresses and sign-ins, serve."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from exam_delivery.models import ExamSession
from kernel.clock import now
from kernel.db import db
from kernel.identity.passwords import one_time_password
from kernel.identity.permissions import ROLE_LABELS, Role
from kernel.settings import Settings
from web import database
from web.app import create_app
from web.demo import (
    bank,
    desks,
    doors,
    doubts,
    exams,
    forms,
    ledger,
    marking,
    others,
    panels,
    people,
    plans,
    results,
    scales,
    seniors,
)
from web.demo.files import items_by_type

FACTS = "demo.json"
"""Facts of the loaded demonstration in the instance folder, so that running it again prints the same sign-ins."""
STEPS = (
    "人员", "标准与细目表", "导入 Word 与 Excel 题库", "三级审题", "组卷与封存", "正在进行的考试", "已结束的考试", "证书",
    "两场两卷与等值", "在办的工作",
)  # fmt: skip


def run(port: int) -> int:
    """Prepare and serve the demonstration; returns the exit status of the server."""
    from web.serve import serve

    settings = Settings.from_env()
    app = create_app(settings)
    with app.app_context():
        database.upgrade()
        database.load_reference_data()
        facts = ensure_loaded(settings.instance_dir / FACTS)
        db.session.remove()
        db.engine.dispose()
    print_guide(facts, port)
    return serve(replace(settings, bind=f"127.0.0.1:{port}"))


def ensure_loaded(path: Path) -> dict[str, Any]:
    """Load what is missing and return the facts: everything the first time, a fresh examination when the old one is over."""
    staff = people.find_staff()
    if staff is None:
        return _load_all(path)
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    row = db.session.get(ExamSession, _key(facts["exam_session_id"]))
    if row is None or row.ends_at <= now():
        click.echo("上次的演示考试已结束，正在开一场新的……", err=True)
        planned, standby = ([_key(one) for one in facts.get(name, ())] for name in ("form_ids", "standby_form_ids"))
        row = exams.load_open_exam(staff, _key(facts["level_id"]), planned, standby)
        facts |= {"exam_session_id": str(row.exam_session_id), "candidates": exams.sign_ins(staff, row.exam_session_id)}
        _write(path, facts)
    return facts


def _load_all(path: Path) -> dict[str, Any]:
    password = one_time_password()
    steps = iter(STEPS)

    def say() -> None:
        click.echo(f"装入演示数据：{next(steps)}……", err=True)

    say()
    staff = people.load_people(password)
    say()
    level_id = bank.load_standard(staff)
    say()
    item_ids = bank.load_items(staff, level_id)
    say()
    bank.review_items(staff, item_ids)
    say()
    sealed, bank_ids = forms.load_forms(staff, level_id), item_ids[len(items_by_type()) :]
    form_ids = sealed.planned
    say()
    doors.allow_door_photos(staff)
    row = exams.load_open_exam(staff, level_id, form_ids, sealed.standby)
    say()
    past = results.load_past_exam(staff, level_id, form_ids)
    say()
    ledger.load_certificates(staff, past.exam_batch_id)
    seniors.load_seniors(staff)
    doubts.load_doubts(staff, past)
    say()
    scales.load_scales(staff, level_id, forms.load_sharing_forms(staff, level_id, bank_ids))
    say()
    forms.load_refusal(staff, level_id)
    panels.load_panel(staff, form_ids[0])
    marked = marking.load_marking(staff, level_id, form_ids)
    desks.load_desks(staff, level_id, bank_ids)
    results.run_waiting_jobs()
    others.load_others(staff, level_id, marked.exam_batch_id)
    plans.load_plan(staff, level_id)
    facts = {
        "password": password,
        "level_id": str(level_id),
        "form_ids": [str(one) for one in form_ids],
        "standby_form_ids": [str(one) for one in sealed.standby],
        "exam_session_id": str(row.exam_session_id),
        "candidates": exams.sign_ins(staff, row.exam_session_id),
    }
    _write(path, facts)
    return facts


def _key(text: str) -> uuid.UUID:
    return uuid.UUID(text)


def _write(path: Path, facts: dict[str, Any]) -> None:
    """Write the facts whole or not at all, readable by this account only."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(facts, ensure_ascii=False, indent=2), encoding="utf-8")
    fresh.replace(path)


def print_guide(facts: dict[str, Any], port: int) -> None:
    """Print where to go and how to sign in."""
    address = f"http://127.0.0.1:{port}"
    lines = [
        "",
        f"  工作人员  {address}/",
        f"  考试入口  {address}/exam/",
        f"  证书查询  {address}/certificates",
        f"  考生本人  {address}/my-results",
        f"  接口文档  {address}/api/v1/docs",
        "",
        f"  工作人员密码（全部相同）：{facts['password']}",
    ]
    lines += [f"    {one['username']:<28}{ROLE_LABELS[Role(one['role'])]}" for one in people.read_people()["staff"]]
    lines += ["", "  考生（准考证号 / 证件号码，共 30 人，均为虚构）："]
    lines += [f"    {one['admission_number']}  {one['id_number']}" for one in facts["candidates"][:5]]
    lines += ["", f"  其余考生与以上信息保存在实例目录的 {FACTS}。按 Ctrl+C 结束。", ""]
    click.echo("\n".join(lines))
