"""The demonstration's applications for 特级技师: one before its panel with votes, one that does not meet the conditions yet."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from typing import Any

from PIL import Image

from certification.services import senior_panels, seniors
from certification.services.materials import UploadedMaterial
from kernel.clock import today
from kernel.identity.permissions import Role
from kernel.skill_levels import SENIOR
from kernel.uow import unit_of_work
from web.demo.people import Staff, read_people

OCCUPATION = "6-31-01-03"
ACHIEVEMENTS = "主持配电系统节能改造两项（演示）。\n带徒六名，其中二人获高级技师（演示）。"
BALLOTS = ((True, "92", ""), (False, "70", "近五年的业绩材料不足（演示）"))


def load_seniors(staff: Staff) -> None:
    """Load both applications."""
    people = read_people()["candidates"]
    waiting = _apply(staff, people[-1], current_level="1", years=9)
    with unit_of_work(staff.actor(Role.CERTIFICATION_OFFICER)) as uow:
        seniors.add_material(uow, waiting, title="业绩证明（演示）", file=UploadedMaterial("业绩证明.png", _picture()))
    with unit_of_work(staff.actor(Role.CERTIFICATION_OFFICER)) as uow:
        seniors.submit(uow, waiting)
    experts = [staff.actor(Role.ASSESSOR, number) for number in (1, 2, 3)]
    with unit_of_work(staff.actor(Role.CERTIFICATION_OFFICER)) as uow:
        senior_panels.set_panel(uow, waiting, [one.user_id for one in experts if one.user_id])
    for expert, (is_for, score, comment) in zip(experts[1:], BALLOTS, strict=True):
        with unit_of_work(expert) as uow:
            senior_panels.vote(uow, waiting, is_for=is_for, score=score, comment=comment)
    _apply(staff, people[-2], current_level="2", years=2)


def _apply(staff: Staff, person: dict[str, Any], *, current_level: str, years: int) -> uuid.UUID:
    data = seniors.SeniorData(
        level_code=SENIOR, occupation_code=OCCUPATION, trade_name="", name=person["name"],
        id_number=person["id_number"], phone=person["phone"], employer=person["employer"], position="班长",
        current_level=current_level, current_since=today() - dt.timedelta(days=366 * years), current_certificate="",
        years_in_occupation=str(years + 10), joined_on=None, achievements=ACHIEVEMENTS,
    )  # fmt: skip
    with unit_of_work(staff.actor(Role.CERTIFICATION_OFFICER)) as uow:
        return seniors.create(uow, data).senior_application_id


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (420, 297), "#eef1f5").save(buffer, "PNG")
    return buffer.getvalue()
