"""The demonstration's standard, outline and items, loaded by the people whose work it is."""

from __future__ import annotations

import uuid
from datetime import date

from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.interchange.convert import read_items
from qbank.repository.standards import get_edition
from qbank.rules.standards import StandardKind
from qbank.services import imports, outline_import, outlines, reviews, weights, workflows
from qbank.services.standards import LevelData, StandardData, create_edition, create_level, create_standard
from web.demo.files import EXCEL_FILE, FOLDER, TYPES_FILE, WORD_FILE
from web.demo.people import Staff

N_LEFT_IN_REVIEW = 12
"""Items that stay in review, so that the reviewers' desks have something to show."""
STANDARD_CODE = "DEMO-DIANGONG"


def load_standard(staff: Staff) -> uuid.UUID:
    """Create the standard with three levels, its weights, and the published outline of level 4; return that level's id."""
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        data = StandardData(STANDARD_CODE, "演示标准·电工", StandardKind.NATIONAL, "6-31-01-03", "电工")
        standard = create_standard(uow, data)
        edition = create_edition(
            uow, standard.occupational_standard_id, label="2025演示版", effective_on=date(2025, 1, 1)
        )
        levels = {code: create_level(uow, edition.standard_edition_id, LevelData(code)) for code in ("5", "4", "3")}
        uow.flush()  # the weight file names the levels
    level_id = levels["4"].standard_level_id
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        uow.session.expire_all()
        stored = get_edition(uow.session, edition.standard_edition_id, actor=uow.actor)
        parsed = weights.read_weight_file((FOLDER / "weights.csv").read_bytes(), stored)
        weights.import_weights(uow, stored.standard_edition_id, parsed, kind=weights.WeightKind.THEORY)
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        outline = outline_import.read_outline_file((FOLDER / "outline.csv").read_bytes())
        outline_import.import_outline(uow, level_id, outline)
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        outlines.publish_outline(uow, level_id)
    return level_id


def load_items(staff: Staff, level_id: uuid.UUID) -> list[uuid.UUID]:
    """Import the Word file and the Excel files through the importer; return the items' ids."""
    item_ids: list[uuid.UUID] = []
    for path in (TYPES_FILE, WORD_FILE, EXCEL_FILE):
        report = read_items(path.read_bytes(), path.name)
        with unit_of_work(staff.actor(Role.EDITOR)) as uow:
            item_ids += imports.import_items(uow, report, standard_level_id=level_id).item_ids
    return item_ids


def review_items(staff: Staff, item_ids: list[uuid.UUID]) -> None:
    """Take the items through 初审, 复审 and 终审 by three reviewers; a few stay on the way."""
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        workflows.ensure_default_workflow(uow)
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        reviews.submit_items(uow, item_ids)
    staying = 0
    for number in (1, 2, 3):
        staying += N_LEFT_IN_REVIEW // 3
        with unit_of_work(staff.actor(Role.REVIEWER, number)) as uow:
            reviews.decide_items(uow, item_ids[: len(item_ids) - staying])
    db.session.expire_all()
