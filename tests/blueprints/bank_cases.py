"""A small bank in the test database: one level with an outline, and approved items of every usual type."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints.services.bench import Bench
from blueprints.services.swaps import swap_candidates
from item_templates.canonical import content_digest, content_to_json
from item_templates.contract import Choice, ItemContent
from kernel.db import new_id
from kernel.identity.actor import system_actor
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.curation import ItemPair
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
from qbank.rules.pairs import PairOrigin, PairState
from qbank.rules.standards import OutlineLayout, OutlineStatus, StandardKind

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SCOPES = {"A": {"A": 20, "B": 30}, "B": {"A": 50}}
N_POINTS = 4
EXPLANATION = "解析暗号七七八八"
LETTERS = "XXYZ"
WORDS = "电机绝缘接地熔断变压开关导线铜铝仪表磁场频率容量阻抗负载检修安全操作规程保护端子相序短路过热停送验"
N_WORDS = 26


@dataclass(frozen=True)
class Bank:
    """What a test needs to name."""

    organisation_id: uuid.UUID
    standard_level_id: uuid.UUID


def own_words(kind: str, number: int) -> str:
    """Return words that no other item has in this order, so that items are no near-copies of each other."""
    return "".join(random.Random(f"{kind}{number}").choices(WORDS, k=N_WORDS))


def single_choice(number: int) -> ItemContent:
    choices = tuple(Choice(letter, f"选项{letter}{number}") for letter in "ABCD")
    return ItemContent(
        "single_choice", f"单选第{number}号：{own_words('S', number)}，下列说法正确的是（ ）。", choices, key="ABCD"[number % 4],
        explanation=EXPLANATION,
    )  # fmt: skip


def true_false(number: int) -> ItemContent:
    return ItemContent(
        "true_false",
        f"判断第{number}号：{own_words('T', number)}，操作前应当断电。",
        key=number % 2 == 0,
        explanation=EXPLANATION,
    )


def short_answer(number: int) -> ItemContent:
    rubric = ({"text": f"要点{number}", "score": "5"},)
    return ItemContent(
        "short_answer", f"简答第{number}号：{own_words('A', number)}，说明检查步骤。", key=None, rubric=rubric, score=Decimal(5),
        explanation=EXPLANATION,
    )  # fmt: skip


def fill_bank(
    organisation_id: uuid.UUID,
    *,
    author_id: uuid.UUID | None = None,
    copies: int = 4,
    layout: OutlineLayout = OutlineLayout.CLASSIC,
) -> Bank:
    """Create a level with 3 second scopes of 4 points, and for each point `copies` items of each of three types."""
    with unit_of_work(system_actor(organisation_id)) as uow:
        level = _level(uow, organisation_id, layout)
        points = _outline(uow, organisation_id, level, layout.separator)
        makers = (single_choice, true_false, short_answer)
        placed = [(point, make(number)) for number, point in enumerate(points * copies) for make in makers]
        add_items(uow, level, placed, author_id=author_id)
    return Bank(organisation_id, level.standard_level_id)


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
        root = AssessmentScope(**_scope(level, root_code, position), depth=1)
        uow.add(root)
        uow.flush()
        for place, (code, weight) in enumerate(children.items()):
            values = _scope(level, code, place) | {"parent_id": root.assessment_scope_id, "weight_percent": weight}
            scope = AssessmentScope(**values, depth=2)
            uow.add(scope)
            uow.flush()
            points += [_point(scope, number, separator.join([root_code, code])) for number in range(N_POINTS)]
    uow.session.add_all(points)
    uow.flush()
    return points


def _scope(level: StandardLevel, code: str, position: int) -> dict[str, object]:
    return {
        "organisation_id": level.organisation_id, "standard_level_id": level.standard_level_id, "code": code,
        "name": f"范围{code}", "position": position,
    }  # fmt: skip


def _point(scope: AssessmentScope, number: int, prefix: str) -> AssessmentPoint:
    separator = "." if "." in prefix else "-"
    return AssessmentPoint(
        organisation_id=scope.organisation_id, standard_level_id=scope.standard_level_id,
        assessment_scope_id=scope.assessment_scope_id, code=f"{number + 1:03d}", name=f"要点{number + 1}",
        importance=Importance(LETTERS[number]), full_code=f"{prefix}{separator}{number + 1:03d}", position=number,
    )  # fmt: skip


def add_items(
    uow: UnitOfWork,
    level: StandardLevel,
    placed: Sequence[tuple[AssessmentPoint, ItemContent]],
    *,
    author_id: uuid.UUID | None = None,
    prefix: str = "T",
) -> None:
    """Put approved items into the bank, their difficulty going round from 1 to 5."""
    items, versions, links = [], [], []
    for number, (point, content) in enumerate(placed):
        item_id, version_id, digest = new_id(), new_id(), content_digest(content)
        shared = {
            "organisation_id": level.organisation_id, "item_id": item_id, "type": content.type,
            "content_digest": digest, "difficulty": 1 + number // 3 % 5, "created_at": MOMENT,
        }  # fmt: skip
        items.append(
            Item(
                **shared, standard_level_id=level.standard_level_id, code=f"{prefix}-{number:04d}", updated_at=MOMENT,
                status=ItemStatus.APPROVED, current_version_id=version_id, approved_version_id=version_id,
                search_text="", author_id=author_id,
            )
        )  # fmt: skip
        versions.append(
            ItemVersion(
                **shared, item_version_id=version_id, number=1, content=content_to_json(content),
                change_kind=ChangeKind.FIRST, created_by=author_id,
            )
        )  # fmt: skip
        point_id = point.assessment_point_id
        links.append(ItemPoint(item_version_id=version_id, assessment_point_id=point_id, item_id=item_id, position=0))
    for rows in (items, versions, links):
        uow.session.add_all(rows)
        uow.flush()


def find_different(session: Session, level_id: uuid.UUID, prefix: str) -> None:
    """Say of items that look alike and serve a test together that somebody found each pair of them to differ."""
    items = session.scalars(select(Item).where(Item.code.startswith(f"{prefix}-"), Item.standard_level_id == level_id))
    for one, other in itertools.combinations(items.all(), 2):
        first, second = sorted((one.item_id, other.item_id))
        session.add(
            ItemPair(
                organisation_id=one.organisation_id, standard_level_id=level_id, first_item_id=first,
                second_item_id=second, origin=PairOrigin.NEAR, state=PairState.DIFFERENT, similarity=90,
                created_at=MOMENT,
            )
        )  # fmt: skip


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


def open_place(bench: Bench) -> int:
    """Return a place of a form for which the bank offers other items; forms drawn tightly may lack them in some places."""
    return next(slot.slot for slot in bench.form.slots if swap_candidates(bench, slot.slot))
