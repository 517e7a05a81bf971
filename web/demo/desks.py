"""What waits on the demonstration's desks: a new edition, a writing task, corrections, a revision, pairs, a proposal."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from item_templates.contract import Choice, ItemContent
from kernel.clock import today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.repository import items as items_repository
from qbank.repository import standards
from qbank.repository import writing as writing_repository
from qbank.rules.corrections import Outcome, ReportSource
from qbank.rules.writing import WantedLine
from qbank.services import (
    bank_report,
    corrections,
    duplicates,
    edition_copy,
    editions,
    lint,
    outline_import,
    outlines,
    reviews,
    writing,
)
from qbank.services.items import content_of, create_item, update_item
from web.demo.files import FOLDER
from web.demo.people import Staff

NEW_EDITION, NEW_EDITION_ON = "2026演示版", dt.date(2027, 1, 1)
TASK_DAYS = 14


def load_desks(staff: Staff, level_id: uuid.UUID, item_ids: Sequence[uuid.UUID]) -> None:
    """Put work in progress on the desks of editor, author and reviewers; the items are those of the imported files."""
    load_new_edition(staff, level_id)
    load_writing_task(staff, level_id)
    load_corrections(staff, item_ids)
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        duplicates.start_check(uow, level_id)
        lint.start_lint(uow, level_id)
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        bank_report.propose(uow, level_id, note="演示：下半年认定计划使用")


def load_new_edition(staff: Staff, level_id: uuid.UUID) -> None:
    """Draw up the next edition's outline, publish it, and open the board with the sure proposals accepted."""
    editor = staff.actor(Role.EDITOR)
    with unit_of_work(editor) as uow:
        old = standards.get_level(uow.session, level_id, actor=uow.actor)
        edition = edition_copy.copy_edition(
            uow, old.edition.standard_edition_id, label=NEW_EDITION, effective_on=NEW_EDITION_ON
        )
        uow.flush()  # the levels of the copy are looked up by their edition
        new_id = next(
            one.standard_level_id
            for one in standards.get_edition(uow.session, edition.standard_edition_id, actor=uow.actor).levels
            if one.level_code == old.level_code
        )
    with unit_of_work(editor) as uow:
        outline_import.import_outline(
            uow, new_id, outline_import.read_outline_file((FOLDER / "outline-2026.csv").read_bytes())
        )
    with unit_of_work(editor) as uow:
        outlines.publish_outline(uow, new_id)
    with unit_of_work(editor) as uow:
        board = editions.create_migration(uow, old_level_id=level_id, new_level_id=new_id)
    with unit_of_work(editor) as uow:
        editions.accept(uow, board.outline_migration_id)


def load_writing_task(staff: Staff, level_id: uuid.UUID) -> None:
    """Ask the author for items where the bank is thin; the author has written the first of them."""
    author = staff.actor(Role.AUTHOR)
    lines = [
        WantedLine("B-D-C-003", "single_choice", 3, 3),
        WantedLine("B-D-A-003", "ordering", 1, 3),
        WantedLine("B-C-C-003", "short_answer", 2, 4),
    ]
    plan = writing.TaskPlan(
        "演示·补充自动控制与检修试题",
        instructions="联系实际设备命题；简答题写明评分要点和分值。",
        expert_id=author.user_id,
        due_on=today() + dt.timedelta(days=TASK_DAYS),
    )
    with unit_of_work(staff.actor(Role.EDITOR)) as uow:
        task = writing.commission(uow, level_id, lines, plan)
    with unit_of_work(author) as uow:
        line = writing_repository.lines_of(uow.session, [task.writing_task_id])[task.writing_task_id][0]
        points = [line.assessment_point_id] if line.assessment_point_id else []
        item = create_item(
            uow, standard_level_id=level_id, content=_written_item(), point_ids=points, difficulty=3, source="演示题库"
        )
        uow.flush()  # the task counts the item
        writing.attach_item(uow, line.writing_task_line_id, item)


def _written_item() -> ItemContent:
    texts = (
        "全部输入为 1 时输出为 0，其余情况输出为 1",
        "有一个输入为 1 时输出就为 1",
        "输入与输出总是相同",
        "输入为 0 时输出为 0",
    )
    choices = tuple(Choice(letter, text) for letter, text in zip("ABCD", texts, strict=True))
    return ItemContent(
        "single_choice", "与非门的逻辑功能是（　）。", choices, "A", "与非门先作与运算，再取反。", score=Decimal(1)
    )


def load_corrections(staff: Staff, item_ids: Sequence[uuid.UUID]) -> None:
    """Report three items: one case is new, one waits for its revision to pass review, one was rejected and closed."""
    editor = staff.actor(Role.EDITOR)
    with unit_of_work(staff.actor(Role.MARKER)) as uow:
        corrections.report_error(
            uow,
            corrections.Report(
                ReportSource.MARKER, "第二个评分要点与解析的说法不一致，几位考生按解析作答，难以给分。", item_ids[2],
                place="评分标准",
            ),
        )  # fmt: skip
    _case(
        staff, item_ids[0], "题干没有说明指哪一类人员，有考生问是否包括临时工。", Outcome.NEW_VERSION,
        "题干补上“从事本职业的人员”，选项 A、B 改得更像真的。",
    )  # fmt: skip
    closed = _case(
        staff, item_ids[1], "考生认为 B 也对。", Outcome.REJECTION, "B 与标准的表述相反，试题无误。"
    )  # fmt: skip
    with unit_of_work(editor) as uow:
        corrections.close(uow, closed)
    revise(staff, item_ids[0])


def _case(staff: Staff, item_id: uuid.UUID, text: str, outcome: Outcome, reason: str) -> uuid.UUID:
    """Report an item from an exam room, take the report up and decide it; return the case."""
    with unit_of_work(staff.actor(Role.INVIGILATOR)) as uow:
        report = corrections.Report(ReportSource.EXAM_ROOM, text, item_id, place="二考场 第 3 题")
        case_id = corrections.report_error(uow, report).correction_case_id
    editor = staff.actor(Role.EDITOR)
    with unit_of_work(editor) as uow:
        corrections.triage(uow, case_id, assigned_to=editor.user_id)
    with unit_of_work(editor) as uow:
        corrections.decide(uow, case_id, outcome, reason=reason)
    return case_id


def revise(staff: Staff, item_id: uuid.UUID) -> None:
    """Save a revision of an item in use and send it into review: stem, two options and explanation differ."""
    editor = staff.actor(Role.EDITOR)
    with unit_of_work(editor) as uow:
        item: Item = items_repository.get_item(uow.session, item_id, actor=editor)
        old = items_repository.get_versions(uow.session, [item.current_version_id])[item.current_version_id]
        points = items_repository.points_of_versions(uow.session, [old.item_version_id])[old.item_version_id]
        before = content_of(old)
        texts = {"A": "生产经营活动的指标", "B": "企业内部的奖惩细则"}
        after = replace(
            before,
            stem="职业道德是从事本职业的人员在职业活动中应当遵循的（　）。",
            choices=tuple(Choice(one.id, texts.get(one.id, one.content)) for one in before.choices),
            explanation="职业道德是与职业活动相联系的行为准则和规范，对从事该职业的所有人员都适用，不同于技术流程和经营指标。",
        )
        update_item(
            uow, item_id, version=item.version, content=after,
            point_ids=[one.assessment_point_id for one in points], difficulty=item.difficulty, source=item.source,
            note="按更正案修改题干和干扰项",
        )  # fmt: skip
    with unit_of_work(editor) as uow:
        reviews.submit_item(uow, item_id)
    db.session.expire_all()
