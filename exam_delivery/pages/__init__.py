"""Pages of exam delivery."""

from __future__ import annotations

from exam_delivery.pages import (
    accommodations,
    appeals,
    batches,
    chief,
    console,
    console_acts,
    devices,
    door_photos,
    draw_commitments,
    draw_promises,
    equating,
    incidents,
    item_reports,
    key_changes,
    late_answers,
    lockdown,
    marking,
    marking_plans,
    marking_standards,
    marking_statistics,
    misconduct,
    moving,
    plan_lines,
    plans,
    readiness,
    recusal,
    registrations,
    reopening,
    rescue,
    room_checks,
    room_reports,
    rulings,
    scores,
    session_documents,
    sessions,
    standby,
)
from exam_delivery.pages.todos import todos
from exam_delivery.services.plans import READERS
from kernel.http import MenuEntry
from kernel.i18n import N_
from kernel.identity.permissions import Permission

BLUEPRINTS = (
    plans.bp,
    plan_lines.bp,
    batches.bp,
    batches.rooms_bp,
    devices.bp,
    sessions.bp,
    session_documents.bp,
    registrations.bp,
    accommodations.bp,
    scores.bp,
    equating.bp,
    marking.bp,
    marking_plans.bp,
    marking_standards.bp,
    marking_statistics.bp,
    console.bp,
    console_acts.bp,
    door_photos.bp,
    incidents.bp,
    misconduct.bp,
    chief.bp,
    standby.bp,
    reopening.bp,
    moving.bp,
    room_reports.bp,
    rescue.bp,
    late_answers.bp,
    recusal.bp,
    lockdown.bp,
    readiness.bp,
    draw_commitments.bp,
    draw_promises.bp,
    room_checks.bp,
    item_reports.bp,
    key_changes.bp,
    appeals.bp,
    rulings.bp,
)
MENU = (
    MenuEntry(N_("考试"), N_("考试计划"), "exam_plans.index", READERS, icon="list", order=5),
    MenuEntry(N_("考试"), N_("考试批次"), "exam_batches.index", (Permission.SESSION_WRITE,), icon="folder", order=10),
    MenuEntry(N_("考试"), N_("考试场次"), "exam_sessions.index", (Permission.SESSION_READ,), icon="calendar", order=20),
    MenuEntry(N_("考试"), N_("考场"), "exam_rooms.rooms", (Permission.SESSION_WRITE,), icon="home", order=30),
    MenuEntry(
        N_("考试"), N_("考场控制台"), "console.index", (Permission.SESSION_INVIGILATE,), icon="monitor", order=40
    ),
    MenuEntry(N_("考试"), N_("全场总览"), "chief.index", (Permission.SESSION_CONTROL,), icon="grid", order=38),
    MenuEntry(
        N_("考试"),
        N_("违纪案"),
        "misconduct.index",
        (Permission.SESSION_WRITE, Permission.SESSION_INVIGILATE),
        icon="warning",
        order=42,
    ),
    MenuEntry(N_("考试"), N_("应急文件"), "rescue.index", (Permission.SESSION_CONTROL,), icon="upload", order=45),
    MenuEntry(N_("阅卷与成绩"), N_("阅卷台"), "marking.index", (Permission.RESPONSE_MARK,), icon="edit", order=10),
    MenuEntry(N_("阅卷与成绩"), N_("成绩与发布"), "scores.index", (Permission.SCORE_READ,), icon="chart", order=20),
    MenuEntry(
        N_("阅卷与成绩"), N_("答案变更"), "key_changes.index", (Permission.SCORE_RELEASE,), icon="edit", order=25
    ),
    MenuEntry(N_("阅卷与成绩"), N_("处理决定"), "rulings.index", (Permission.SCORE_RELEASE,), icon="shield", order=27),
    MenuEntry(N_("阅卷与成绩"), N_("复核与申诉"), "appeals.index", (Permission.SCORE_RELEASE,), icon="scale", order=30),
    MenuEntry(
        N_("阅卷与成绩"),
        N_("待我复核"),
        "appeals.mine",
        (Permission.RESPONSE_MARK, Permission.SCORE_READ),
        icon="scale",
        order=35,
    ),
)

__all__ = ["BLUEPRINTS", "MENU", "todos"]
