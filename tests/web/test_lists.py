"""Every list that is described once: columns, order, views and export as people need them, over one table of lists."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openpyxl
import pytest
from lxml import html
from sqlalchemy import select

from blueprints.models import ExamBlueprint, ExamForm
from blueprints.rules.states import BlueprintStatus, FormStatus
from exam_delivery.models import Registration
from exam_delivery.rules.plans import PlanDraft
from exam_delivery.services import appeals, incidents, plans, release, rosters
from exam_delivery.services import forms as session_forms
from exam_delivery.services.appeals import Filing
from exam_delivery.services.incidents import IncidentDraft
from kernel.audit.models import AuditEvent
from kernel.clock import now, today
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.lists import LISTS
from kernel.lists.models import SavedView
from kernel.uow import unit_of_work
from qbank.models.items import Item
from qbank.models.standards import Occupation
from tests.certification.conftest import Calendar, Office, add_filing
from tests.exam_delivery.world import ALL_RIGHT, SealedForms, World, fake_blueprints, id_number, people
from tests.factories.certification import OCCUPATION, candidate
from tests.factories.standards import make_level
from tests.qbank.item_bank import choice, make_draft

N = 5


@pytest.fixture
def sitting(organisation, make_actor, monkeypatch) -> World:
    """A scored session of five, with two incidents."""
    forms = SealedForms(organisation.organisation_id, with_text=False)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(forms))
    world = World(make_actor(Role.EXAM_OFFICER, Role.CHIEF_INVIGILATOR), forms)
    world.register(N)
    world.arrange()
    world.prepare()
    world.open()
    for place, attempt in enumerate(world.attempts()[:-1]):
        world.sit({slot: ALL_RIGHT[slot] for slot in list(ALL_RIGHT)[: 2 + place]}, attempt)
    for kind, text in (("device", "鼠标失灵"), ("health", "身体不适")):
        with unit_of_work(world.officer) as uow:
            incidents.record(uow, world.key, IncidentDraft(kind=kind, text=text))
    world.close_and_score()
    return world


@pytest.fixture
def appealed(sitting) -> World:
    """The same session released, with a doubt of its first candidate."""
    batch = sitting.batch.exam_batch_id
    digest = release.preview_release(db.session(), sitting.officer, batch).digest
    first = db.session.query(Registration).filter_by(exam_session_id=sitting.key).order_by("admission_number").first()
    with unit_of_work(sitting.officer) as uow:
        release.release_scores(uow, batch, confirmed_digest=digest)
    filing = Filing(kind="check", subject="total", statement="第 2 题的答案与教材不一致。", filed_on=today())
    with unit_of_work(sitting.officer) as uow:
        appeals.file_request(uow, first.registration_id, filing)
    return sitting


@pytest.fixture
def planned(make_actor) -> Any:
    """Two plans."""
    officer = make_actor(Role.EXAM_OFFICER)
    for year in (2026, 2027):
        with unit_of_work(officer) as uow:
            draft = PlanDraft(f"{year} 年计划", dt.date(year, 1, 1), dt.date(year, 12, 31), "")
            plans.create_plan(uow, draft)
    return officer


@pytest.fixture
def drawn_up(bank) -> Any:
    """Two blueprints and two forms."""
    level = db.session.scalars(select(Item.standard_level_id)).first()
    for name in ("第一份蓝图", "第二份蓝图"):
        with unit_of_work(bank) as uow:
            uow.add(
                ExamBlueprint(
                    organisation_id=bank.organisation, standard_level_id=level, name=name, occupation_code="6-31-01-03",
                    occupation_name="电工", level_code="3",
                    level_name="三级", n_items=10, total_score=100, duration_minutes=90, spec={},
                    status=BlueprintStatus.DRAFT, created_at=now(), updated_at=now(),
                )
            )  # fmt: skip
    for label in "AB":
        with unit_of_work(bank) as uow:
            uow.add(
                ExamForm(
                    organisation_id=bank.organisation, standard_level_id=level, name="第一份试卷", label=label,
                    occupation_code="6-31-01-03", occupation_name="电工", level_code="3", level_name="三级",
                    duration_minutes=90, total_score=100, n_slots=10, status=FormStatus.DRAFT, created_at=now(),
                    updated_at=now(),
                )
            )  # fmt: skip
    return bank


@pytest.fixture
def bank(organisation, make_actor) -> Any:
    """Three drafts of items."""
    editor = make_actor(Role.EDITOR)
    level = make_level(organisation.organisation_id).standard_level_id
    for stem in ("更换熔体（　）。", "检查水泵（　）。", "清洗阀门（　）。"):
        make_draft(editor, level, choice(stem))
    return editor


@pytest.fixture
def register(make_actor, monkeypatch) -> Office:
    """Two certificates."""
    actor = make_actor(Role.CERTIFICATION_OFFICER)
    with unit_of_work(actor) as uow:
        uow.add(
            Occupation(
                code=OCCUPATION[0], name=OCCUPATION[1], category="演示", major_code="4", mid_code="4-04", mid_name="演示",
                minor_code="4-04-05", minor_name="演示", edition="2022", work_types="数据标注员", source_check="both",
            )
        )  # fmt: skip
    add_filing(actor)
    office = Office(actor, Calendar(monkeypatch))
    office.whole_way([candidate(1), candidate(2)], {"1": "80", "2": "85"})
    return office


@dataclass(frozen=True)
class Case:
    """One list: where it is in its world, who works with it, what filter finds nothing, and how many rows there are.

    Lists of people, jobs and recorded acts grow by the tests themselves: of these the page says how many there are.
    """

    world: str
    address: Callable[[Any], str]
    roles: tuple[Role, ...]
    unheard: str
    n_rows: int | None = None


def of_session(path: str) -> Callable[[World], str]:
    return lambda world: path.format(session=world.key, batch=world.batch.exam_batch_id)


def at(path: str) -> Callable[[Any], str]:
    return lambda _world: path


OFFICER = (Role.EXAM_OFFICER, Role.CHIEF_INVIGILATOR)
NOBODY = "q=没有这样的"
CASES = {
    "items": Case("bank", at("/items/"), (Role.EDITOR,), NOBODY, 3),
    "blueprints": Case("drawn_up", at("/blueprints/"), (Role.ASSEMBLER,), NOBODY, 2),
    "forms": Case("drawn_up", at("/forms/"), (Role.ASSEMBLER,), NOBODY, 2),
    "plans": Case("planned", at("/exam-plans/"), OFFICER, NOBODY, 2),
    "batches": Case("sitting", at("/exam-batches/"), OFFICER, NOBODY, 1),
    "sessions": Case("sitting", at("/exam-sessions/"), OFFICER, "status=released", 1),
    "people": Case("sitting", of_session("/exam-batches/{batch}/people"), OFFICER, NOBODY, N),
    "session_people": Case("sitting", of_session("/exam-sessions/{session}/people"), OFFICER, NOBODY, N),
    "scores": Case("sitting", of_session("/scores/{batch}"), OFFICER, NOBODY, N),
    "incidents": Case("sitting", of_session("/console/{session}/incidents"), OFFICER, "kind=power", 2),
    "appeals": Case("appealed", at("/appeals/"), OFFICER, NOBODY, 1),
    "certificates": Case("register", at("/certification/certificates/"), (Role.CERTIFICATION_OFFICER,), NOBODY, 2),
    "users": Case("bank", at("/people/"), (Role.ORGANISATION_ADMIN,), NOBODY),
    "jobs": Case("sitting", at("/jobs/"), (Role.ORGANISATION_ADMIN,), "status=cancelled"),
    "audit": Case("bank", at("/audit/"), (Role.ORGANISATION_ADMIN,), "person=没有这样的"),
}


@dataclass
class Shown:
    """A list in front of one person."""

    key: str
    case: Case
    address: str
    client: Any
    user: Any

    def get(self, query: str = "") -> Any:
        answer = self.client.get(f"{self.address}?{query}" if query else self.address)
        assert answer.status_code == 200, answer.text
        return html.document_fromstring(answer.text)

    def has_right_rows(self, page: Any) -> bool:
        """Say whether a page of the list holds as many rows as there are."""
        n = len(rows(page))
        return n == self.case.n_rows if self.case.n_rows is not None else 0 < n < 50

    def act(self, act: str, query: str = "", **data: Any) -> Any:
        """Send a form of the list's menus as it stands on the page at an address."""
        back = f"{self.address}?{query}" if query else self.address
        return self.client.post(f"/lists/{self.key}/{act}", data={"back": back, **data})


@pytest.fixture
def list_of(request, make_user, sign_in) -> Callable[..., Shown]:
    """Return a list in front of a fresh person who works with it."""

    def show(key: str, **changes: Any) -> Shown:
        case = CASES[key]
        address = case.address(request.getfixturevalue(case.world))
        user = make_user(*case.roles, **changes)
        return Shown(key, case, address, sign_in(user=user), user)

    return show


each_list = pytest.mark.parametrize("key", sorted(CASES))


def table_of(page: Any) -> Any:
    return page.xpath("//table[contains(@class, 'data-table')]")[0]


def heads(page: Any) -> list[str]:
    cells = table_of(page).xpath("./thead/tr/th[not(contains(@class, 'cell-check'))]")
    named = [" ".join(cell.text_content().split()) for cell in cells]
    return [name for name in named if name != "操作"]


def rows(page: Any) -> list[list[str]]:
    return [
        [" ".join(cell.text_content().split()) for cell in row.xpath("./td[not(contains(@class, 'cell-check'))]")]
        for row in table_of(page).xpath("./tbody/tr")
    ]


def labels(key: str, *, is_default: bool = False) -> list[str]:
    return [one.label for one in LISTS[key].columns if one.is_default or one.is_fixed or not is_default]


def every(key: str) -> str:
    return ",".join(one.key for one in LISTS[key].columns)


def workbook(answer: Any) -> list[list[Any]]:
    assert answer.status_code == 200, answer.text
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows()]


def test_every_list_that_is_described_is_in_this_table(app):
    assert sorted(LISTS) == sorted(CASES)


@each_list
def test_a_list_shows_the_columns_of_the_house_and_all_when_asked(key, list_of):
    shown = list_of(key)
    page = shown.get()
    assert heads(page) == labels(key, is_default=True)
    assert shown.has_right_rows(page)
    whole = shown.get(f"columns={every(key)}")
    assert heads(whole) == labels(key)
    for drawn, named in ((page, heads(page)), (whole, heads(whole))):
        n_acts = len(table_of(drawn).xpath("./thead/tr/th[.//*[contains(text(), '操作')]]"))
        assert {len(row) for row in rows(drawn)} == {len(named) + n_acts}, "each row has a cell for each head"


@each_list
def test_chosen_columns_follow_the_person_to_another_computer_and_nobody_else(key, list_of, sign_in):
    shown, other = list_of(key), list_of(key)
    fixed = [one.label for one in LISTS[key].columns if one.is_fixed]
    assert shown.act("columns", "per_page=20&columns=x").location == f"{shown.address}?per_page=20"
    elsewhere = Shown(key, shown.case, shown.address, sign_in(user=shown.user), shown.user)
    assert heads(elsewhere.get()) == fixed
    assert heads(other.get()) == labels(key, is_default=True)
    shown.act("columns", reset="1")
    assert heads(elsewhere.get()) == labels(key, is_default=True)


@each_list
def test_a_head_orders_the_list_both_ways_and_says_so(key, list_of):
    shown = list_of(key)
    for column in (one for one in LISTS[key].columns if one.is_sortable):
        for order, word in (("asc", "ascending"), ("desc", "descending")):
            page = shown.get(f"sort={column.key}&order={order}&columns={every(key)}")
            assert shown.has_right_rows(page)
            sorted_head = table_of(page).xpath(f"./thead//th[@aria-sort='{word}']")
            assert [" ".join(head.text_content().split()) for head in sorted_head] == [column.label]


@each_list
@pytest.mark.parametrize("fmt", ["xlsx", "csv"])
def test_the_export_holds_exactly_what_is_shown(key, fmt, list_of):
    shown = list_of(key)
    page = shown.get(f"columns={every(key)}")
    (form,) = page.xpath("//form[contains(@action, '/shown')]")
    answer = shown.client.post(form.get("action"), data={"format": fmt})
    if fmt == "csv":
        assert answer.data.startswith(b"\xef\xbb\xbf")
        found = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    else:
        found = workbook(answer)
    assert found[0] == heads(page)
    assert shown.has_right_rows(page)
    assert len(found) - 1 == len(rows(page))
    fixed = [one.key for one in LISTS[key].columns].index(next(c.key for c in LISTS[key].columns if c.is_fixed))
    in_file, on_page = [str(row[fixed]) for row in found[1:]], [row[fixed] for row in rows(page)]
    assert all(cell.startswith(text) for text, cell in zip(in_file, on_page, strict=True) if text[:2] != "20"), (
        "in order"
    )
    assert not any(id_number(n) in str(cell) for n in range(1, N + 1) for row in found for cell in row)
    told = db.session.scalars(select(AuditEvent).where(AuditEvent.act == "list.export")).all()
    assert told[-1].details["after"]["list"] == key
    assert told[-1].details["after"]["n"] == len(rows(page))


@each_list
def test_filters_and_columns_narrow_the_export_too(key, list_of):
    shown = list_of(key)
    first = LISTS[key].columns[0].key
    found = workbook(shown.client.post(f"{shown.address.rstrip('/')}/shown?{shown.case.unheard}&columns={first}"))
    assert len(found) == 1
    assert found[0] == [one.label for one in LISTS[key].shown([first])]


@each_list
def test_who_sees_no_list_may_not_take_it_away_or_set_anything_of_it(key, list_of, sign_in):
    shown = list_of(key)
    stranger = Shown(key, shown.case, shown.address, sign_in(Role.ASSESSOR), None)
    assert stranger.client.post(f"{shown.address.rstrip('/')}/shown").status_code == 403
    assert stranger.act("columns").status_code == 403
    assert stranger.act("views", name="我的").status_code == 403


@each_list
def test_filters_that_find_nothing_are_cleared_by_one_button(key, list_of):
    shown = list_of(key)
    page = shown.get(f"{shown.case.unheard}&order=asc")
    assert not page.xpath("//table[contains(@class, 'data-table')]")
    (button,) = page.xpath("//a[normalize-space()='清除筛选']")
    assert shown.client.get(button.get("href")).status_code == 200
    assert shown.case.unheard.split("=")[0] + "=" not in button.get("href")


@each_list
def test_a_view_brings_filters_order_and_columns_back_and_can_be_the_beginning(key, list_of):
    shown = list_of(key)
    columns = ",".join(one.key for one in LISTS[key].shown(every(key).split(",")[:3]))
    query = f"{shown.case.unheard}&order=desc"
    shown.act("views", query, name="要紧的", columns=columns)
    (link,) = shown.get().xpath("//ul[@class='list-views']//a[normalize-space()='要紧的']")
    assert shown.case.unheard.split("=")[0] + "=" in link.get("href")
    view = db.session.scalars(select(SavedView)).one()
    assert view.parameters["columns"] == columns
    shown.act("default", view=str(view.saved_view_id))
    begun = shown.client.get(shown.address)
    assert begun.status_code == 302
    assert begun.location.endswith(link.get("href"))
    (clear,) = html.document_fromstring(shown.client.get(begun.location).text).xpath(
        "//a[normalize-space()='清除筛选']"
    )
    assert shown.client.get(clear.get("href")).status_code == 200, "cleared, it does not begin with the view again"
    shown.act("default", view="")
    assert shown.client.get(shown.address).status_code == 200


@each_list
def test_a_view_is_shared_inside_the_organisation_renamed_withdrawn_and_removed_by_its_owner(
    key, list_of, other_organisation
):
    shown, colleague = list_of(key), list_of(key)
    shown.act("views", shown.case.unheard, name="大家的", shared="1")
    view = db.session.scalars(select(SavedView)).one()
    path = f"views/{view.saved_view_id}"

    def names(of: Shown) -> list[str]:
        return of.get("order=asc").xpath("//ul[@class='list-views']//a/text()")

    assert names(colleague) == ["大家的"]
    assert colleague.act(f"{path}/rename", name="抢来的").status_code == 404
    assert colleague.act(f"{path}/remove").status_code == 404
    stranger = list_of(key, organisation_id=other_organisation.organisation_id)
    assert stranger.act("default", view=str(view.saved_view_id)).status_code == 404
    shown.act(f"{path}/rename", name="改了名")
    assert names(colleague) == ["改了名"]
    colleague.act("default", view=str(view.saved_view_id))
    colleague.act(f"{path}/share", shared="")
    assert names(colleague) == []
    assert colleague.client.get(colleague.address).status_code == 200, "it does not begin with what it no longer sees"
    assert names(shown) == ["改了名"], "withdrawn, the owner still has it"
    shown.act(f"{path}/remove")
    assert names(shown) == []


def test_who_may_not_share_sees_no_box_and_is_refused(list_of, sign_in, make_user):
    shown = list_of("session_people")
    user = make_user(Role.INVIGILATOR)
    invigilator = Shown("session_people", shown.case, shown.address, sign_in(user=user), user)
    assert invigilator.act("views", name="我的").status_code == 303
    assert invigilator.act("views", name="大家的", shared="1").status_code == 403
    assert len(db.session.scalars(select(SavedView)).all()) == 1


def test_a_name_that_is_taken_or_empty_is_refused_with_words(list_of):
    shown = list_of("sessions")
    for name in ("甲", "乙"):
        shown.act("views", name=name)
    view = db.session.scalars(select(SavedView).where(SavedView.name == "乙")).one()
    shown.act(f"views/{view.saved_view_id}/rename", name="甲")
    assert "您已有同名的视图" in shown.client.get(shown.address).text
    shown.act("views", name=" ")
    assert "视图名称为 1～40 个字" in shown.client.get(shown.address).text
    assert len(db.session.scalars(select(SavedView)).all()) == 2


def test_an_address_of_elsewhere_is_not_gone_back_to(list_of):
    shown = list_of("sessions")
    for away in ("https://example.org/", "//example.org/", "/\\example.org"):
        assert shown.act("columns", column="name", back=away).location == "/"


def test_a_list_that_nobody_described_is_not_found(list_of):
    shown = list_of("sessions")
    assert shown.client.post("/lists/nothing/columns").status_code == 404


def test_a_cell_of_csv_never_becomes_a_formula(list_of, bank):
    level = db.session.scalars(select(Item.standard_level_id)).first()
    make_draft(bank, level, choice("=1+1（　）"))
    shown = list_of("items")
    body = shown.client.post("/items/shown?columns=stem", data={"format": "csv"}).data.decode("utf-8-sig")
    assert "'=1+1" in body


@pytest.mark.parametrize("key", ["people", "session_people", "scores", "sessions"])
def test_a_longer_list_asks_the_database_no_more_often(key, list_of, sitting, count_queries):
    shown = list_of(key)
    shown.get("sort=name")
    with count_queries() as few:
        shown.get("sort=name")
    with unit_of_work(sitting.officer) as uow:
        rosters.register_rows(uow, sitting.batch.exam_batch_id, people(20, first=N + 1), exam_session_id=None)
    with count_queries() as many:
        shown.get("sort=name")
    assert len(many) == len(few)


def test_scores_that_do_not_count_order_nothing(list_of, sitting):
    shown = list_of("scores")
    page = shown.get("sort=score&order=desc&columns=score")
    figures = [row[1] for row in rows(page)]
    counting = [float(one) for one in figures if one[:1].isdigit()]
    assert counting == sorted(counting, reverse=True)
    assert figures[: len(counting)] == [one for one in figures if one[:1].isdigit()], "empty ones come last"


def test_moments_and_masks_stand_in_the_file_as_on_the_page(list_of, sitting):
    shown = list_of("people")
    found = workbook(shown.client.post(f"{shown.address}/shown?columns=name,number,session&sort=name&order=desc"))
    assert found[0] == ["姓名", "证件号码", "场次"]
    assert [row[0] for row in found[1:]] == sorted((f"演示考生{n}" for n in range(1, N + 1)), reverse=True)
    assert all("*" in row[1] for row in found[1:])
    begun = workbook(list_of("sessions").client.post("/exam-sessions/shown?columns=starts"))[1][0]
    assert isinstance(begun, dt.datetime)
