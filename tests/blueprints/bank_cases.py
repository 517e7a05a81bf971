"""A small bank in the test database: one level with an outline, and approved items of every usual type."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal


from item_templates.canonical import content_digest, content_to_json
from item_templates.contract import Choice, ItemContent
from kernel.identity.actor import system_actor
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.items import Item, ItemPoint, ItemVersion
from qbank.models.standards import (
    AssessmentPoint,
    AssessmentScope,
    OccupationalStandard,
    StandardEdition,
    StandardLevel,
)
from qbank.rules.items import ChangeKind, ItemStatus
from qbank.rules.outline import Importance
from qbank.rules.standards import OutlineLayout, OutlineStatus, StandardKind

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SCOPES = {"A": {"A": 20, "B": 30}, "B": {"A": 50}}
N_POINTS = 4
EXPLANATION = "解析暗号七七八八"
LETTERS = "XXYZ"


@dataclass(frozen=True)
class Bank:
    """What a test needs to name."""

    organisation_id: uuid.UUID
    standard_level_id: uuid.UUID
    item_ids: tuple[uuid.UUID, ...]


def single_choice(number: int) -> ItemContent:
    choices = tuple(Choice(letter, f"选项{letter}{number}") for letter in "ABCD")
    return ItemContent(
        "single_choice", f"单选第{number}号：下列说法正确的是（ ）。", choices, key="ABCD"[number % 4],
        explanation=EXPLANATION,
    )  # fmt: skip


def true_false(number: int) -> ItemContent:
    return ItemContent("true_false", f"判断第{number}号：操作前应当断电。", key=number % 2 == 0, explanation=EXPLANATION)


def short_answer(number: int) -> ItemContent:
    rubric = ({"text": f"要点{number}", "score": "5"},)
    return ItemContent(
        "short_answer", f"简答第{number}号：说明检查步骤。", key=None, rubric=rubric, score=Decimal(5),
        explanation=EXPLANATION,
    )  # fmt: skip


def fill_bank(
    organisation_id: uuid.UUID, *, author_id: uuid.UUID | None = None, copies: int = 4, layout: OutlineLayout = OutlineLayout.CLASSIC
) -> Bank:
    """Create a level with 3 second scopes of 4 points, and for each point `copies` items of each of three types."""
    with unit_of_work(system_actor(organisation_id)) as uow:
        level = _level(uow, organisation_id, layout)
        points = _outline(uow, organisation_id, level, layout.separator)
        items = []
        for number, point in enumerate(points * copies):
            for make in (single_choice, true_false, short_answer):
                items.append(add_item(uow, level, point, make(number), author_id=author_id, difficulty=1 + number % 5))
    return Bank(organisation_id, level.standard_level_id, tuple(items))


def _level(uow: UnitOfWork, organisation_id: uuid.UUID, layout: OutlineLayout) -> StandardLevel:
    standard = OccupationalStandard(
        organisation_id=organisation_id, code="6-31-01-03", name="电工（演示）", kind=StandardKind.NATIONAL,
        occupation_code="6-31-01-03", occupation_name="电工", created_at=MOMENT,
    )  # fmt: skip
    uow.add(standard)
    uow.flush()
    edition = StandardEdition(
        organisation_id=organisation_id, occupational_standard_id=standard.occupational_standard_id,
        label="2018年版", effective_on=None, created_at=MOMENT,
    )  # fmt: skip
    uow.add(edition)
    uow.flush()
    level = StandardLevel(
        organisation_id=organisation_id, standard_edition_id=edition.standard_edition_id, level_code="4",
        name="四级/中级工", rank=2, layout=layout, status=OutlineStatus.PUBLISHED, created_at=MOMENT,
    )  # fmt: skip
    uow.add(level)
    uow.flush()
    return level


def _outline(
    uow: UnitOfWork, organisation_id: uuid.UUID, level: StandardLevel, separator: str
) -> list[AssessmentPoint]:
    points = []
    for position, (root_code, children) in enumerate(SCOPES.items()):
        root = _scope(uow, level, root_code, None, position)
        for place, (code, weight) in enumerate(children.items()):
            scope = _scope(uow, level, code, root, place, Decimal(weight))
            for number in range(N_POINTS):
                points.append(
                    AssessmentPoint(
                        organisation_id=organisation_id, standard_level_id=level.standard_level_id,
                        assessment_scope_id=scope.assessment_scope_id, code=f"{number + 1:03d}",
                        name=f"要点{root_code}{code}{number + 1}", importance=Importance(LETTERS[number]),
                        full_code=separator.join([root_code, code, f"{number + 1:03d}"]), position=number,
                    )
                )  # fmt: skip
    for point in points:
        uow.add(point)
    uow.flush()
    return points


def _scope(
    uow: UnitOfWork,
    level: StandardLevel,
    code: str,
    parent: AssessmentScope | None,
    position: int,
    weight: Decimal | None = None,
) -> AssessmentScope:
    scope = AssessmentScope(
        organisation_id=level.organisation_id, standard_level_id=level.standard_level_id,
        parent_id=parent.assessment_scope_id if parent else None, depth=2 if parent else 1, code=code,
        name=f"范围{code}", weight_percent=weight, position=position,
    )  # fmt: skip
    uow.add(scope)
    uow.flush()
    return scope


def add_item(
    uow: UnitOfWork,
    level: StandardLevel,
    point: AssessmentPoint,
    content: ItemContent,
    *,
    author_id: uuid.UUID | None = None,
    difficulty: int = 3,
) -> uuid.UUID:
    """Put an approved item into the bank."""
    item_id, version_id = uuid.uuid4(), uuid.uuid4()
    digest = content_digest(content)
    uow.add(
        Item(
            item_id=item_id, organisation_id=level.organisation_id, standard_level_id=level.standard_level_id,
            code=f"T-{item_id.hex[:10]}", status=ItemStatus.APPROVED, current_version_id=version_id,
            approved_version_id=version_id, type=content.type, difficulty=difficulty, content_digest=digest,
            search_text="", author_id=author_id, created_at=MOMENT, updated_at=MOMENT,
        )
    )  # fmt: skip
    uow.flush()
    uow.add(
        ItemVersion(
            item_version_id=version_id, organisation_id=level.organisation_id, item_id=item_id, number=1,
            type=content.type, content=content_to_json(content), content_digest=digest, difficulty=difficulty,
            change_kind=ChangeKind.FIRST, created_by=author_id, created_at=MOMENT,
        )
    )  # fmt: skip
    uow.flush()
    uow.add(
        ItemPoint(item_version_id=version_id, assessment_point_id=point.assessment_point_id, item_id=item_id, position=0)
    )
    return item_id


def small_spec(**changes: object) -> dict[str, object]:
    """A blueprint of 10 single choice and 10 true/false items, one mark each, weights as the outline's."""
    spec: dict[str, object] = {
        "n_items": 20, "total_score": 20,
        "types": [
            {"type": "single_choice", "count": 10, "score_each": 1}, {"type": "true_false", "count": 10, "score_each": 1}
        ],
        "weights": [{"scope": "A-A", "percent": 20}, {"scope": "A-B", "percent": 30}, {"scope": "B-A", "percent": 50}],
        "weight_tolerance_percent": 1, "max_per_point": 4, "max_overlap": 0,
    }  # fmt: skip
    return {key: value for key, value in (spec | changes).items() if value is not None}
