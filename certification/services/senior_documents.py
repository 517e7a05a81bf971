"""Sheets of an application: the form to sign, the notice that is hung out, and the decision about the appointment."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from certification.documents.model import PublicityList, PublicityRow
from certification.documents.rendering import chinese_date, publicity_list_pdf
from certification.documents.senior_sheets import SeniorSheet, SheetSection, senior_sheet_pdf
from certification.models import SeniorApplication, SeniorEvent
from certification.repository import seniors as repository
from certification.rules.seniors import SeniorAct
from certification.services.personal import read_number
from certification.services.seniors import TABLE
from kernel import audit, profiles
from kernel.clock import OFFICIAL_ZONE
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation
from kernel.national_id import SEX_LABELS, Sex
from kernel.skill_levels import all_levels
from kernel.uow import UnitOfWork


def application_form(uow: UnitOfWork, key: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of the application form; the plain number is on it, hence permission and audit."""
    require(uow.actor, Permission.PERSONAL_DATA_REVEAL)
    row = repository.lock_application(uow.session, key, actor=uow.actor)
    materials = repository.list_materials(uow.session, key)
    listed = tuple(
        (str(index), one.title, one.file_kind.upper(), one.file_digest[:16])
        for index, one in enumerate(materials, start=1)
    )
    sections = (
        SheetSection("一、申报人", pairs=_person(uow, row)),
        SheetSection("二、主要业绩", paragraphs=tuple(row.achievements.splitlines())),
        SheetSection("三、申报材料", header=("序号", "材料名称", "格式", "校验值（前 16 位）"), rows=listed)
        if listed else SheetSection("三、申报材料", paragraphs=("（无）",)),
    )  # fmt: skip
    sheet = SeniorSheet(
        title=f"{row.level_name}申报表", number=row.number, body_name=get_organisation(uow.session, row.organisation_id).name,
        date=chinese_date(row.created_at.astimezone(OFFICIAL_ZONE).date()), sections=sections,
        signatures=("申报人", "所在部门", "单位负责人"),
    )  # fmt: skip
    audit.record(uow, "personal_data.reveal", "senior_application", key, after={"document": "application"})
    return f"{row.level_name}申报表_{row.number}.pdf", senior_sheet_pdf(sheet, created_at=row.created_at)


def _person(uow: UnitOfWork, row: SeniorApplication) -> tuple[tuple[str, str], ...]:
    levels = all_levels(profiles.values(uow.session, row.organisation_id))
    held = levels[row.current_level].name if row.current_level in levels else row.current_level
    return (
        ("姓名", row.name),
        ("性别", SEX_LABELS[Sex(row.sex)] if row.sex else ""),
        ("证件号码", read_number(row, table=TABLE, row_id=row.senior_application_id)),
        ("出生日期", _day(row.birth_date)),
        ("所在单位", row.employer),
        ("所在岗位", row.position),
        ("入职时间", _day(row.joined_on)),
        ("联系电话", row.phone),
        ("职业", row.occupation_name),
        ("工种", row.trade_name or "--"),
        ("现等级", held),
        ("取得日期", _day(row.current_since)),
        ("证书编号", row.current_certificate or "--"),
        ("从事本职业年限", f"{row.years_in_occupation} 年"),
        ("申报等级", row.level_name),
    )


def _day(day: dt.date | None) -> str:
    return chinese_date(day) if day else "--"


def publicity_notice(session: Session, actor: Actor, key: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of the notice of an application in publicity; the number is masked."""
    require(actor, Permission.CERTIFICATION_READ)
    row = repository.get_application(session, key, actor=actor)
    event = _latest(session, key, SeniorAct.PUBLICITY)
    if row.publicity_starts_on is None or row.publicity_ends_on is None or event is None:
        raise ConflictError(N_("评审结果还没有公示"))
    line = PublicityRow(
        row.name, row.id_number_mask, row.occupation_name, row.level_name, "", "", "", outcome=f"拟聘{row.level_name}"
    )
    listing = PublicityList(
        body_name=get_organisation(session, row.organisation_id).name, batch_name=f"{row.level_name}评审 {row.number}",
        starts_on=row.publicity_starts_on, ends_on=row.publicity_ends_on,
        n_working_days=int(event.facts["n_working_days"]), contact=row.publicity_contact,
        published_on=row.publicity_starts_on, rows=(line,),
    )  # fmt: skip
    return f"公示_{row.number}.pdf", publicity_list_pdf(listing, created_at=event.at)


def decision_sheet(session: Session, actor: Actor, key: uuid.UUID) -> tuple[str, bytes]:
    """Return name and content of the decision: the panel's votes, the publicity, and the term once appointed."""
    require(actor, Permission.CERTIFICATION_READ)
    row = repository.get_application(session, key, actor=actor)
    decided = _latest(session, key, SeniorAct.DECIDED)
    if decided is None:
        raise ConflictError(N_("还没有评审结论"))
    sections = [_panel_section(decided), *_publicity_section(row), *_term_section(row)]
    sheet = SeniorSheet(
        title=f"{row.level_name}评审与聘任决定", number=row.number,
        body_name=get_organisation(session, row.organisation_id).name,
        date=chinese_date(row.appointed_from or decided.at.astimezone(OFFICIAL_ZONE).date()),
        sections=(SheetSection("一、申报人", pairs=_short(row)), *sections),
        signatures=(*tuple(str(name) for name, _vote, _score in decided.facts["ballots"]), "经办人"),
    )  # fmt: skip
    return f"{row.level_name}评审与聘任决定_{row.number}.pdf", senior_sheet_pdf(sheet, created_at=decided.at)


def _short(row: SeniorApplication) -> tuple[tuple[str, str], ...]:
    return (
        ("姓名", row.name), ("证件号码", row.id_number_mask), ("所在单位", row.employer), ("职业", row.occupation_name),
        ("申报等级", row.level_name), ("申报编号", row.number),
    )  # fmt: skip


def _panel_section(decided: SeniorEvent) -> SheetSection:
    facts = decided.facts
    result = "通过" if facts["is_passed"] else "不通过"
    text = (
        f"评委 {facts['n_members']} 人，赞成 {facts['n_for']} 票（须达到 {facts['share']}），"
        f"平均 {facts['mean']} 分（须达到 {facts['pass_mark']} 分），评审结论：{result}。"
    )
    rows = tuple((str(name), "同意" if vote else "不同意", str(score)) for name, vote, score in facts["ballots"])
    return SheetSection("二、专家评审", paragraphs=(text,), header=("评委", "意见", "评分"), rows=rows)


def _publicity_section(row: SeniorApplication) -> list[SheetSection]:
    if row.publicity_starts_on is None or row.publicity_ends_on is None:
        return []
    text = f"公示期：{chinese_date(row.publicity_starts_on)}至{chinese_date(row.publicity_ends_on)}。"
    return [SheetSection("三、公示", paragraphs=(text,))]


def _term_section(row: SeniorApplication) -> list[SheetSection]:
    if row.appointed_from is None or row.appointed_until is None:
        return []
    text = (
        f"聘任{row.name}为{row.level_name}，聘期自{chinese_date(row.appointed_from)}至"
        f"{chinese_date(row.appointed_until)}，聘任文号：{row.appointment_number}。"
    )
    return [SheetSection("四、聘任", paragraphs=(text,))]


def _latest(session: Session, key: uuid.UUID, act: SeniorAct) -> SeniorEvent | None:
    events = repository.list_events(session, key)
    return next((event for event in reversed(events) if event.act is act), None)
