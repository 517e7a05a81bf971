"""Items for tests: a level, contents, drafts, people who review."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from contextlib import contextmanager

from PIL import Image
from sqlalchemy import event, select

from item_templates.contract import Choice, ItemContent
from kernel.db import db
from kernel.identity.actor import Actor
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.models.standards import AssessmentPoint
from qbank.rules.review import Decision
from qbank.services import items, reviews

POINT = "A-A-A-001"


def choice(stem: str = "保险丝熔断后应更换（　）的熔体。", key: str = "B") -> ItemContent:
    options = tuple(Choice(label, text) for label, text in zip("ABCD", ("铜丝", "同规格", "更大", "铁丝"), strict=True))
    return ItemContent("single_choice", stem, options, key, explanation="应与原规格一致。")


def point_id(level_id: uuid.UUID, code: str = POINT) -> uuid.UUID:
    query = select(AssessmentPoint.assessment_point_id).where(
        AssessmentPoint.standard_level_id == level_id, AssessmentPoint.full_code == code
    )
    return db.session().scalars(query).one()


def make_draft(actor: Actor, level_id: uuid.UUID, content: ItemContent | None = None, **kwargs: object) -> Item:
    given = {"point_ids": [point_id(level_id)], "difficulty": 3} | kwargs
    with unit_of_work(actor) as uow:
        return items.create_item(uow, standard_level_id=level_id, content=content or choice(), **given)


def submit(actor: Actor, *drafts: Item) -> reviews.SubmitResult:
    with unit_of_work(actor) as uow:
        return reviews.submit_items(uow, [item.item_id for item in drafts])


def approve(item: Item, reviewers: Sequence[Actor]) -> None:
    for reviewer in reviewers:
        with unit_of_work(reviewer) as uow:
            reviews.decide(uow, item.item_id, item_version_id=item.current_version_id, decision=Decision.APPROVE)


def picture(colour: str = "red", fmt: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, fmt)
    return out.getvalue()


@contextmanager
def counted_queries():
    """Give a list that fills with the statements sent meanwhile."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
