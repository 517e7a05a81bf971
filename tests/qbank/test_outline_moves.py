"""Ranges under another parent, points numbered anew, weight tables out and in again, aliases of occupations."""

from __future__ import annotations

import io

import openpyxl
import pytest
from sqlalchemy import select

from kernel.errors import ConflictError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.editions import OccupationAlias
from qbank.models.standards import AssessmentPoint, AssessmentScope
from qbank.repository import standards as repository
from qbank.rules.weight_layouts import KnownLevel, parse_weights
from qbank.rules.weights import WeightLine
from qbank.services import outline_moves, outlines, weights
from qbank.services.occupations import load_occupations
from qbank.services.weight_export import write_weights
from tests.factories.standards import make_level


@pytest.fixture
def actor(organisation):
    return system_actor(organisation.organisation_id)


@pytest.fixture
def draft(organisation):
    return make_level(organisation.organisation_id, is_published=False)


def scope_named(session, name):
    return session.scalars(select(AssessmentScope).where(AssessmentScope.name == name)).one()


def codes(session, level):
    session.expire_all()
    tree = repository.load_tree(session, level)
    stored = {point.assessment_point_id: point.full_code for point in repository.list_points(session, level)}
    computed = {point.row.key: point.full_code for point in tree.all_points()}
    assert stored == computed
    return list(computed.values())


def test_a_range_moves_under_another_with_everything_below(session, actor, draft):
    wiring, basics = scope_named(session, "线路装调"), scope_named(session, "基本要求")
    with unit_of_work(actor) as uow:
        outline_moves.move_scope_to(uow, wiring.assessment_scope_id, basics.assessment_scope_id)
    assert [code for code in codes(session, draft) if code.startswith("A-C")] == [
        "A-C-A-001", "A-C-A-002", "A-C-B-001", "A-C-B-002",
    ]  # fmt: skip


def test_a_range_moves_to_the_top(session, actor, draft):
    leaf = scope_named(session, "室内线路")
    with unit_of_work(actor) as uow:
        outline_moves.move_scope_to(uow, leaf.assessment_scope_id, None)
    assert (leaf.depth, leaf.code) == (1, "C")
    assert codes(session, draft)[-1] == "C-002"


@pytest.mark.parametrize(
    ("names", "words"),
    [(("基本要求", "职业道德"), "它自己或它的下级"), (("线路装调", "职业道德"), "超过三级"), (("室内线路", "职业守则"), "超过三级")],
)  # fmt: skip
def test_a_range_that_does_not_fit_there_stays(session, actor, draft, names, words):
    scope, target = (scope_named(session, name) for name in names)
    with pytest.raises(ConflictError, match=words), unit_of_work(actor) as uow:
        outline_moves.move_scope_to(uow, scope.assessment_scope_id, target.assessment_scope_id)


def test_points_are_numbered_in_their_order_even_when_they_exchange_codes(session, actor, draft):
    point = session.scalars(select(AssessmentPoint).where(AssessmentPoint.full_code == "A-B-A-003")).one()
    with unit_of_work(actor) as uow:
        outlines.move_point(uow, point.assessment_point_id, step=-1)
        assert outline_moves.renumber_points(uow, draft.standard_level_id) == 2
    assert point.full_code == "A-B-A-002"
    assert len(set(codes(session, draft))) == 9


def test_weight_tables_come_back_as_they_went_out():
    theory = [WeightLine("职业道德", "", "", 5, None), WeightLine("装调", "线路", "", 95, 60)]
    book = openpyxl.load_workbook(io.BytesIO(write_weights([("四级/中级工", theory)])))
    assert book.sheetnames == ["理论知识权重表", "技能要求权重表"]
    rows = [tuple("" if value is None else str(value) for value in row) for row in book.worksheets[0].values]
    parsed = parse_weights(rows, [KnownLevel("4", "四级/中级工")])
    assert [(line.name, line.theory_percent) for line in parsed.columns[0].lines] == [("职业道德", 5), ("装调", 95)]


def test_the_weight_tables_of_an_edition_are_sent(session, sign_in, actor, draft):
    with unit_of_work(actor) as uow:
        weights.save_weights(uow, draft.standard_level_id, [WeightLine("职业道德", "", "", 5, None)])
    answer = sign_in(Role.REVIEWER).get(f"/standards/editions/{draft.standard_edition_id}/weights.xlsx")
    assert answer.status_code == 200
    assert openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]["B2"].value == "职业道德"


def test_outline_acts_in_the_pages(sign_in, session, draft):
    client = sign_in(Role.EDITOR)
    leaf, basics = scope_named(session, "室内线路"), scope_named(session, "基本要求")
    page = client.get(f"/standards/levels/{draft.standard_level_id}?scope={leaf.assessment_scope_id}")
    assert "移到另一个上级" in page.text
    client.post(f"/standards/scopes/{leaf.assessment_scope_id}/place", data={"parent": str(basics.assessment_scope_id)})
    client.post(f"/standards/levels/{draft.standard_level_id}/renumber", data={"scope": str(leaf.assessment_scope_id)})
    assert "A-C-002" in codes(session, draft)


def test_an_occupation_is_found_by_its_alias_in_the_own_organisation_only(
    sign_in, session, organisation, other_organisation
):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        load_occupations(uow)
    client = sign_in(Role.EDITOR)
    assert client.post("/occupations/aliases", data={"alias": "", "occupation_code": "9-9"}).status_code == 422
    client.post("/occupations/aliases", data={"alias": "维修电工", "occupation_code": "6-31-01-03", "note": "旧名"})
    assert "6-31-01-03" in client.get("/occupations/?q=维修电工").text
    stranger = sign_in(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    assert "6-31-01-03" not in stranger.get("/occupations/?q=维修电工").text
    alias = session.scalars(select(OccupationAlias)).one()
    client.post(f"/occupations/aliases/{alias.occupation_alias_id}/remove")
    assert "还没有别名" in client.get("/occupations/aliases").text
