"""Standards with outlines for tests."""

from __future__ import annotations

from decimal import Decimal

from kernel.identity.actor import Actor, system_actor
from kernel.uow import UnitOfWork, unit_of_work
from qbank.models.standards import StandardEdition, StandardLevel
from qbank.rules.outline import Importance
from qbank.rules.standards import StandardKind
from qbank.services import outlines, standards

SMALL_OUTLINE = {
    ("A", "基本要求"): {("A", "职业道德"): {("A", "职业守则", 5): ["X", "Y"]}, ("B", "基础知识"): {("A", "电工基础", 25): ["X", "X", "Z"]}},
    ("B", "相关知识要求"): {("A", "线路装调"): {("A", "配电装置", 40): ["X", "Y"], ("B", "室内线路", 30): ["X", "X"]}},
}  # fmt: skip


def make_edition(actor: Actor, *, code: str = "6-31-01-03", label: str = "演示版") -> StandardEdition:
    """Create a standard with one edition."""
    with unit_of_work(actor) as uow:
        data = standards.StandardData(code, "演示标准·电工", StandardKind.NATIONAL, "6-31-01-03", "电工")
        standard = standards.create_standard(uow, data)
        return standards.create_edition(uow, standard.occupational_standard_id, label=label)


def make_level(
    organisation_id: object, *, level_code: str = "4", code: str = "6-31-01-03", is_published: bool = True
) -> StandardLevel:
    """Create a standard, an edition and a level with a small outline: 9 points, weights 100."""
    actor = system_actor(organisation_id)
    edition = make_edition(actor, code=code)
    with unit_of_work(actor) as uow:
        level = standards.create_level(uow, edition.standard_edition_id, standards.LevelData(level_code))
    with unit_of_work(actor) as uow:
        add_small_outline(uow, level)
    if is_published:
        with unit_of_work(actor) as uow:
            outlines.publish_outline(uow, level.standard_level_id)
    return level


def add_small_outline(uow: UnitOfWork, level: StandardLevel) -> None:
    """Fill an empty outline: two scopes at the top, three levels deep."""
    for (code, name), middle in SMALL_OUTLINE.items():
        root = outlines.create_scope(uow, level.standard_level_id, outlines.ScopeData(name, code))
        for (middle_code, middle_name), leaves in middle.items():
            data = outlines.ScopeData(middle_name, middle_code)
            node = outlines.create_scope(uow, level.standard_level_id, data, parent_id=root.assessment_scope_id)
            for (leaf_code, leaf_name, weight), points in leaves.items():
                data = outlines.ScopeData(leaf_name, leaf_code, Decimal(weight))
                leaf = outlines.create_scope(uow, level.standard_level_id, data, parent_id=node.assessment_scope_id)
                for number, importance in enumerate(points, start=1):
                    point = outlines.PointData(f"{leaf_name}要点{number}", importance=Importance(importance))
                    outlines.create_point(uow, leaf.assessment_scope_id, point)
