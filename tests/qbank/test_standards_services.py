from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from sqlalchemy import select

from kernel import audit
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public
from qbank.models.standards import AssessmentPoint, AssessmentScope, Occupation, OccupationalStandard
from qbank.repository import standards as repository
from qbank.rules.outline import Importance
from qbank.rules.standards import EditionStatus, OutlineLayout, StandardKind
from qbank.rules.weights import WeightLine
from qbank.services import outline_import, outlines, references, standards, weights
from qbank.services.occupations import load_occupations
from qbank.services.outline_export import OutlineHead, write_outline
from tests.factories.standards import make_edition, make_level


@pytest.fixture
def actor(organisation):
    return system_actor(organisation.organisation_id)


@pytest.fixture
def draft(organisation):
    return make_level(organisation.organisation_id, is_published=False)


def full_codes(session, level):
    return [point.full_code for point in repository.load_tree(session, level).all_points()]


def scope_named(session, name):
    return session.scalars(select(AssessmentScope).where(AssessmentScope.name == name)).one()


def test_the_dictionary_loads_once_and_loads_again_without_change(session, actor):
    with unit_of_work(actor) as uow:
        assert load_occupations(uow) == 1686
    with unit_of_work(actor) as uow:
        assert load_occupations(uow) == 0
    electrician = session.scalars(select(Occupation).where(Occupation.code == "6-31-01-03")).one()
    assert (electrician.name, electrician.source_check) == ("电工", "both")


def test_ratios_weights_and_codes_follow_from_the_points(session, draft):
    tree = repository.load_tree(session, draft)
    assert [(s.full_code, str(s.importance_counts), s.weight_percent) for s in tree.scopes] == [
        ("A", "03:01:01", Decimal(30)), ("B", "03:01:00", Decimal(70)),
    ]  # fmt: skip
    assert full_codes(session, draft)[-1] == "B-A-B-002"
    assert tree.weight_percent == Decimal(100)


def test_a_new_scope_code_reaches_every_point_below(session, actor, draft):
    scope = scope_named(session, "线路装调")
    with unit_of_work(actor) as uow:
        outlines.update_scope(uow, scope.assessment_scope_id, outlines.ScopeData("线路装调", "K"))
    stored = session.scalars(select(AssessmentPoint.full_code).where(AssessmentPoint.full_code.like("B-%")))
    assert sorted(stored) == ["B-K-A-001", "B-K-A-002", "B-K-B-001", "B-K-B-002"]


def test_a_point_moves_to_another_scope_and_takes_its_code(session, actor, draft):
    point = session.scalars(select(AssessmentPoint).where(AssessmentPoint.full_code == "B-A-B-002")).one()
    target = scope_named(session, "配电装置")
    with unit_of_work(actor) as uow:
        data = outlines.PointData("移来的", "003", Importance.AUXILIARY)
        outlines.update_point(uow, point.assessment_point_id, data, scope_id=target.assessment_scope_id)
    assert point.full_code == "B-A-A-003"
    assert str(repository.load_tree(session, draft).scopes[1].importance_counts) == "02:01:01"


def test_a_point_cannot_take_a_code_that_is_used_or_sit_above_other_scopes(session, actor, draft):
    leaf, middle = scope_named(session, "配电装置"), scope_named(session, "线路装调")
    with pytest.raises(InvalidInputError) as refused, unit_of_work(actor) as uow:
        outlines.create_point(uow, leaf.assessment_scope_id, outlines.PointData("重复", "001"))
    assert set(refused.value.fields) == {"code"}
    with pytest.raises(ConflictError, match="最末级"), unit_of_work(actor) as uow:
        outlines.create_point(uow, middle.assessment_scope_id, outlines.PointData("太高"))
    data = outlines.ScopeData("第四级")
    with pytest.raises(ConflictError, match="最多三级"), unit_of_work(actor) as uow:
        outlines.create_scope(uow, draft.standard_level_id, data, parent_id=leaf.assessment_scope_id)


def test_order_changes_by_steps_and_codes_stay(session, actor, draft):
    point = session.scalars(select(AssessmentPoint).where(AssessmentPoint.full_code == "A-B-A-003")).one()
    with unit_of_work(actor) as uow:
        outlines.move_point(uow, point.assessment_point_id, step=-1)
        outlines.move_scope(uow, scope_named(uow.session, "相关知识要求").assessment_scope_id, step=-1)
    codes = full_codes(session, draft)
    assert codes[0] == "B-A-A-001"
    assert codes[-3:] == ["A-B-A-001", "A-B-A-003", "A-B-A-002"]


def test_deleting_a_scope_takes_everything_below(session, actor, draft):
    with unit_of_work(actor) as uow:
        n_points = outlines.delete_scope(uow, scope_named(uow.session, "基本要求").assessment_scope_id)
    assert n_points == 5
    assert all(code.startswith("B-") for code in full_codes(session, draft))


@pytest.fixture
def reference():
    source = references.ReferenceSource("演示引用", lambda _s, _l: 2, lambda _s, _p: 3)
    references.register_reference_source(source)
    yield source
    references._SOURCES.pop(source.label)


def test_what_is_relied_upon_is_neither_withdrawn_nor_deleted(session, actor, organisation, draft, reference):
    published = make_level(organisation.organisation_id, code="other")
    with pytest.raises(ConflictError, match="已被 2 个演示引用引用"), unit_of_work(actor) as uow:
        outlines.withdraw_outline(uow, published.standard_level_id)
    point = session.scalars(select(AssessmentPoint).where(AssessmentPoint.standard_level_id == draft.standard_level_id))
    with pytest.raises(ConflictError, match="已被 3 个演示引用引用"), unit_of_work(actor) as uow:
        outlines.delete_point(uow, point.first().assessment_point_id)


def test_a_published_outline_refuses_every_change(session, actor, organisation):
    level = make_level(organisation.organisation_id)
    scope = scope_named(session, "配电装置").assessment_scope_id
    point = session.scalars(select(AssessmentPoint)).first().assessment_point_id
    for change in (
        lambda uow: outlines.update_scope(uow, scope, outlines.ScopeData("改名")),
        lambda uow: outlines.move_scope(uow, scope, step=1),
        lambda uow: outlines.delete_scope(uow, scope),
        lambda uow: outlines.create_point(uow, scope, outlines.PointData("新")),
        lambda uow: outlines.update_point(uow, point, outlines.PointData("改名")),
        lambda uow: outlines.move_point(uow, point, step=1),
        lambda uow: outlines.delete_point(uow, point),
        lambda uow: weights.save_weights(uow, level.standard_level_id, []),
        lambda uow: standards.update_level(uow, level.standard_level_id, standards.LevelData("3")),
        lambda uow: standards.delete_level(uow, level.standard_level_id),
    ):
        with pytest.raises(ConflictError, match="退回草稿"), unit_of_work(actor) as uow:
            change(uow)


def test_publishing_names_the_weights_that_are_not_one_hundred(session, actor, draft):
    lines = [WeightLine("基本要求", theory_percent=Decimal(30)), WeightLine("相关知识要求", theory_percent=Decimal(60))]
    with unit_of_work(actor) as uow:
        weights.save_weights(uow, draft.standard_level_id, lines)
    found = outlines.find_readiness(session, draft, repository.load_tree(session, draft))
    assert [f.template % f.context for f in found if f.severity == "error"] == [
        "权重表的理论知识合计 90，应为 100",
        "“相关知识要求”：权重表为 60，细目表（B）合计为 70，应当一致",
    ]
    with pytest.raises(ConflictError, match="还有 2 处问题"), unit_of_work(actor) as uow:
        outlines.publish_outline(uow, draft.standard_level_id)


def test_an_import_keeps_the_identity_of_points_with_the_same_code(session, actor, draft):
    before = {p.full_code: p.assessment_point_id for p in session.scalars(select(AssessmentPoint))}
    tree = repository.load_tree(session, draft)
    parsed = outline_import.read_outline_file(write_outline(tree, OutlineHead("电工", "四级", "演示")))
    with unit_of_work(actor) as uow:
        outlines.delete_scope(uow, scope_named(uow.session, "室内线路").assessment_scope_id)
        outlines.create_point(uow, scope_named(uow.session, "配电装置").assessment_scope_id, outlines.PointData("多余"))
    with unit_of_work(actor) as uow:
        changes = outline_import.import_outline(uow, draft.standard_level_id, parsed)
    assert (len(changes.added), len(changes.removed), changes.n_same) == (2, 1, 7)
    after = {p.full_code: p.assessment_point_id for p in session.scalars(select(AssessmentPoint))}
    assert set(after) == set(before)
    assert {code for code in after if after[code] == before[code]} == set(before) - {"B-A-B-001", "B-A-B-002"}


def test_an_import_in_the_other_layout_replaces_the_outline(session, actor, draft):
    parsed = outline_import.read_outline_file(
        "代码,名称,分值\n1,章,\n1.1,节,\n1.1.1,单元,100\n1.1.1.1,点,100\n".encode()
    )
    with unit_of_work(actor) as uow:
        outline_import.import_outline(uow, draft.standard_level_id, parsed)
    assert draft.layout is OutlineLayout.CHAPTER
    assert full_codes(session, draft) == ["1.1.1.1"]


def test_a_stale_form_is_refused(actor, draft, session):
    scope = scope_named(session, "配电装置")
    seen = scope.version
    with unit_of_work(actor) as uow:
        outlines.update_scope(uow, scope.assessment_scope_id, outlines.ScopeData("改过"), version=seen)
    with pytest.raises(ConflictError, match="已被他人修改"), unit_of_work(actor) as uow:
        outlines.update_scope(uow, scope.assessment_scope_id, outlines.ScopeData("又改"), version=seen)


def test_strangers_find_nothing(session, actor, draft, other_organisation):
    stranger = system_actor(other_organisation.organisation_id)
    scope = scope_named(session, "配电装置").assessment_scope_id
    for read in (
        lambda: public.get_level(session, stranger, draft.standard_level_id),
        lambda: public.outline(session, stranger, draft.standard_level_id),
        lambda: public.find_level(session, stranger, "6-31-01-03", "4"),
        lambda: repository.get_edition(session, draft.standard_edition_id, actor=stranger),
        lambda: repository.get_scope(session, scope, actor=stranger),
    ):
        with pytest.raises(NotFoundError):
            read()
    assert public.list_levels(session, stranger, include_drafts=True) == []
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        outlines.update_scope(uow, scope, outlines.ScopeData("偷改"))


def test_a_parent_of_another_level_is_refused(session, actor, organisation, draft):
    other = make_level(organisation.organisation_id, code="other", is_published=False)
    foreign = scope_named_in(session, other, "基本要求")
    with pytest.raises(ConflictError, match="不属于这个等级"), unit_of_work(actor) as uow:
        outlines.create_scope(uow, draft.standard_level_id, outlines.ScopeData("x"), parent_id=foreign)


def scope_named_in(session, level, name) -> uuid.UUID:
    scopes = repository.list_scopes(session, level)
    return next(s.assessment_scope_id for s in scopes if s.name == name)


def test_readers_may_not_write(make_actor, draft):
    author = make_actor(Role.AUTHOR)
    with pytest.raises(ForbiddenError), unit_of_work(author) as uow:
        outlines.publish_outline(uow, draft.standard_level_id)
    with pytest.raises(ForbiddenError), unit_of_work(author) as uow:
        standards.create_standard(uow, standards.StandardData("x", "x", StandardKind.NATIONAL, "", "x"))


def test_only_published_outlines_of_current_editions_are_offered(session, actor, organisation, draft):
    published = make_level(organisation.organisation_id, code="other")
    assert [info.standard_level_id for info in public.list_levels(session, actor)] == [published.standard_level_id]
    assert len(public.list_levels(session, actor, include_drafts=True)) == 2
    info = public.get_level(session, actor, published.standard_level_id)
    assert (info.n_points, info.level_code, info.national_level_code, info.is_published) == (9, "4", "4", True)
    with unit_of_work(actor) as uow:
        standards.update_edition(
            uow, published.standard_edition_id, label="演示版", effective_on=None, status=EditionStatus.RETIRED
        )
    assert public.list_levels(session, actor) == []


def test_neighbours_read_the_outline_with_computed_figures(session, actor, organisation):
    level = make_level(organisation.organisation_id)
    outline = public.outline(session, actor, level.standard_level_id)
    assert [(s.full_code, s.depth) for s in outline.walk()][:3] == [("A", 1), ("A-A", 2), ("A-A-A", 3)]
    assert outline.scopes[1].importance_counts == (3, 1, 0)
    assert len(outline.points) == 9
    assert outline.points[0].importance is Importance.CORE


def test_a_level_with_an_outline_and_a_standard_with_editions_are_not_deleted(session, actor, draft):
    with pytest.raises(ConflictError, match="不是空的"), unit_of_work(actor) as uow:
        standards.delete_level(uow, draft.standard_level_id)
    with pytest.raises(ConflictError, match="还有等级"), unit_of_work(actor) as uow:
        standards.delete_edition(uow, draft.standard_edition_id)
    standard = session.scalars(select(OccupationalStandard)).one()
    with pytest.raises(ConflictError, match="还有版本"), unit_of_work(actor) as uow:
        standards.delete_standard(uow, standard.occupational_standard_id)


def test_an_empty_standard_is_taken_down_step_by_step(session, actor):
    edition = make_edition(actor)
    with unit_of_work(actor) as uow:
        level = standards.create_level(uow, edition.standard_edition_id, standards.LevelData("5"))
    with unit_of_work(actor) as uow:
        weights.save_weights(uow, level.standard_level_id, [WeightLine("职业道德", theory_percent=Decimal(5))])
    with unit_of_work(actor) as uow:
        standards.delete_level(uow, level.standard_level_id)
    with unit_of_work(actor) as uow:
        standards.delete_edition(uow, edition.standard_edition_id)
    with unit_of_work(actor) as uow:
        standards.delete_standard(uow, edition.occupational_standard_id)
    assert session.scalars(select(OccupationalStandard)).all() == []
    assert audit.verify(session).broken is None


def test_a_skill_column_is_imported_beside_the_theory_column(session, actor):
    edition = make_edition(actor)
    with unit_of_work(actor) as uow:
        level = standards.create_level(uow, edition.standard_edition_id, standards.LevelData("4"))
    files = {
        weights.WeightKind.THEORY: "项目,四级\n职业道德,5\n线路装调,95\n",
        weights.WeightKind.SKILL: "项目,四级\n线路装调,100\n",
    }
    for kind, text in files.items():
        with unit_of_work(actor) as uow:
            known = repository.get_edition(uow.session, edition.standard_edition_id, actor=actor)
            parsed = weights.read_weight_file(text.encode(), known)
            weights.import_weights(uow, edition.standard_edition_id, parsed, kind=kind)
    lines = weights.weight_lines(session, level.standard_level_id)
    assert [(line.name, line.theory_percent, line.skill_percent) for line in lines] == [
        ("职业道德", Decimal(5), None), ("线路装调", Decimal(95), Decimal(100)),
    ]  # fmt: skip
