"""特级技师 and 首席技师: eligibility line by line, an odd panel without conflicts, publicity, term, certificate at the end."""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal

import pypdf
import pytest

from certification.documents.certificate_layout import chinese_date
from certification.models import SeniorApplication
from certification.repository import certificates as certificate_repository
from certification.repository import seniors as repository
from certification.rules import seniors as rules
from certification.rules.batch_states import BatchState
from certification.rules.levels import LEVEL_CODES
from certification.rules.pass_decision import PassOutcome
from certification.rules.seniors import TERM_IS_VALIDITY, Applicant, Ballot, SeniorState
from certification.services import (
    archive,
    batches,
    certificates,
    evidence,
    filing,
    printing,
    records,
    rosters,
    senior_certificates,
    senior_documents,
    senior_panels,
    senior_terms,
    seniors,
    signing,
)
from certification.services.evidence_entries import PackScope
from certification.services.materials import UploadedMaterial
from kernel import profiles
from kernel.conflicts import ConflictOfInterestError
from kernel.conflicts.rules import RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.profiles.registry import all_keys
from kernel.uow import unit_of_work
from tests.factories.certification import OCCUPATION, id_number, photo
from tests.pages import words

PDF = UploadedMaterial("业绩证明.pdf", b"%PDF-1.7 demonstration")
TODAY = dt.date(2026, 11, 2)
VALUES = {name: key.default for name, key in all_keys().items()}
FIVE_YEARS = "特级技师：现等级 >= 一级\n特级技师：取得现等级年限 >= 5\n特级技师：材料份数 >= 1\n特级技师：年龄 <= 60"


def data(index=1, **changes):
    values = {
        "level_code": "special_tech", "occupation_code": OCCUPATION[0], "trade_name": "", "name": f"演示申报人{index}",
        "id_number": id_number(index), "phone": "13800000000", "employer": "演示企业", "position": "班长",
        "current_level": "1", "current_since": dt.date(2020, 5, 1), "current_certificate": "", "years_in_occupation": "20",
        "joined_on": dt.date(2006, 7, 1), "achievements": "主持技术攻关三项。\n带徒十名。",
    }  # fmt: skip
    return seniors.SeniorData(**{**values, **changes})


def publish(organisation, **values):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, values, effective_on=dt.date(2026, 1, 1))


@pytest.fixture
def experts(make_actor):
    return [make_actor(Role.ASSESSOR, name=f"评委{n}") for n in "甲乙丙丁"]


def apply_for(office, index=1, **changes):
    row = office.act(seniors.create, data(index, **changes))
    office.act(seniors.add_material, row.senior_application_id, title="业绩证明", file=PDF)
    return row.senior_application_id


def judge(office, key, experts, votes=((True, "90"), (True, "80"), (False, "60"))):
    office.act(seniors.submit, key)
    office.act(senior_panels.set_panel, key, [one.user_id for one in experts[:3]])
    for actor, (is_for, score) in zip(experts, votes, strict=False):
        with unit_of_work(actor) as uow:
            senior_panels.vote(uow, key, is_for=is_for, score=score, comment="" if is_for else "业绩不足")
    return office.act(senior_panels.conclude, key)


def appoint(office, key, number="演示聘〔2026〕1号"):
    office.calendar.set(TODAY)
    office.act(senior_terms.open_publicity, key, starts_on=TODAY, contact="考评部 0571-00000000")
    office.calendar.set(dt.date(2026, 11, 10))
    return office.act(senior_terms.appoint, key, first=dt.date(2026, 12, 1), last=None, number=number)


def find(office, key):
    db.session().expire_all()
    return repository.get_application(db.session(), key, actor=office.actor)


def test_every_line_that_is_not_met_is_named_with_what_was_found():
    """DOMAIN 6.1 and 鲁人社字〔2020〕20号 一（三）: above 高级技师; years are the installation's own."""
    conditions = rules.parse_conditions(FIVE_YEARS, VALUES)
    fit = Applicant("1", dt.date(2021, 11, 2), 20, None, dt.date(1990, 1, 1), 1, TODAY)
    assert rules.shortfalls(conditions, "special_tech", fit, VALUES) == []
    short = Applicant("2", dt.date(2021, 11, 3), 20, None, None, 0, TODAY)
    found = rules.shortfalls(conditions, "special_tech", short, VALUES)
    assert [(one.text, one.found) for one in found] == list(
        zip(FIVE_YEARS.splitlines(), ("二级/技师", "4", "0", ""), strict=True)
    )
    default = rules.parse_conditions(VALUES[rules.CONDITIONS], VALUES)
    assert [one.text for one in rules.shortfalls(default, "chief_tech", fit, VALUES)] == [
        "首席技师：现等级 >= 特级技师"
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (rules.CONDITIONS, "特级技师：工龄 >= 5"), (rules.CONDITIONS, "特级技师：现等级 >= 九级"),
        (rules.CONDITIONS, "特级技师：年龄 >= 六十"), (rules.QUOTA, "特级技师"), (rules.VOTE_SHARE, "1/3"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_is_refused_before_it_is_published(name, text):
    with pytest.raises(InvalidInputError):
        all_keys()[name].check(text)


@pytest.mark.parametrize(
    ("n_for", "n", "share", "is_enough"),
    [(2, 3, "2/3", True), (3, 5, "2/3", False), (4, 5, "3/4", True), (2, 3, "3/4", False), (2, 4, "1/2", False)],
)
def test_votes_are_counted_exactly(n_for, n, share, is_enough):
    ballots = [Ballot(index < n_for, Decimal(80)) for index in range(n)]
    assert rules.panel_outcome(ballots, share=share, pass_mark=Decimal(60)).is_passed is is_enough
    assert not rules.panel_outcome(ballots, share=share, pass_mark=Decimal(81)).is_passed


def test_an_application_goes_to_the_panel_only_when_eligible_and_within_the_quota(office, organisation, calendar):
    publish(organisation, **{rules.CONDITIONS: FIVE_YEARS, rules.QUOTA: "特级技师=1"})
    late = office.act(seniors.create, data(1, current_since=dt.date(2022, 1, 1))).senior_application_id
    with pytest.raises(InvalidInputError) as caught:
        office.act(seniors.submit, late)
    assert caught.value.context["lines"] == "特级技师：取得现等级年限 >= 5；特级技师：材料份数 >= 1"
    office.act(seniors.update, late, data(1, id_number=""))
    office.act(seniors.add_material, late, title="业绩证明", file=PDF)
    office.act(seniors.submit, late)
    with pytest.raises(ConflictError, match="内容不能再改"):
        office.act(seniors.update, late, data(1))
    with pytest.raises(ConflictError, match="已有同一等级的申报"):
        apply_for(office, 1)
    second = apply_for(office, 2, employer=" 演示企业 ")
    with pytest.raises(InvalidInputError, match="名额 1 人已满"):
        office.act(seniors.submit, second)
    elsewhere = apply_for(office, 3, employer="另一演示企业")
    office.act(seniors.submit, elsewhere)
    office.act(seniors.withdraw, late, reason="本人放弃")
    office.act(seniors.submit, second)
    assert [find(office, key).number for key in (late, second, elsewhere)] == [
        "TJ2026-0001",
        "TJ2026-0002",
        "TJ2026-0003",
    ]


def test_a_panel_is_odd_without_conflicts_and_each_member_votes_once_unseen(office, experts, make_actor):
    key = apply_for(office)
    office.act(seniors.submit, key)
    ids = [one.user_id for one in experts]
    for chosen in (ids[:1], ids[:2], ids):
        with pytest.raises(InvalidInputError):
            office.act(senior_panels.set_panel, key, chosen)
    with pytest.raises(InvalidInputError, match="考评员"):
        office.act(senior_panels.set_panel, key, [*ids[:2], office.actor.user_id])
    with unit_of_work(experts[0]) as uow:
        declare_relation(uow, Declaration(RelationKind.KIN, other_number=id_number(1)))
    with pytest.raises(ConflictOfInterestError, match="评委甲"):
        office.act(senior_panels.set_panel, key, ids[:3])
    office.act(senior_panels.set_panel, key, ids[1:4])
    with pytest.raises(ConflictError, match="还有 3 名评委没有投票"):
        office.act(senior_panels.conclude, key)
    with pytest.raises(NotFoundError), unit_of_work(experts[0]) as uow:
        senior_panels.vote(uow, key, is_for=True, score="90", comment="")
    with pytest.raises(InvalidInputError) as caught, unit_of_work(experts[1]) as uow:
        senior_panels.vote(uow, key, is_for=False, score="90.555", comment=" ")
    assert set(caught.value.fields) == {"score", "comment"}
    with unit_of_work(experts[1]) as uow:
        senior_panels.vote(uow, key, is_for=True, score="90.5", comment="")
    with pytest.raises(ConflictError, match="已投票"), unit_of_work(experts[1]) as uow:
        senior_panels.vote(uow, key, is_for=False, score="10", comment="改")
    with pytest.raises(ConflictError, match="不能再调整评委"):
        office.act(senior_panels.set_panel, key, ids[1:4])
    with unit_of_work(experts[2]) as uow:
        declare_relation(uow, Declaration(RelationKind.TEACHER, other_number=id_number(1)))
    with pytest.raises(ConflictOfInterestError), unit_of_work(experts[2]) as uow:
        senior_panels.vote(uow, key, is_for=True, score="90", comment="")


def test_one_vote_short_ends_the_application(office, experts):
    key = apply_for(office)
    outcome = judge(office, key, experts, ((True, "90"), (False, "80"), (False, "70")))
    assert (outcome.n_for, outcome.is_passed) == (1, False)
    assert find(office, key).state is SeniorState.REFUSED
    with pytest.raises(IllegalTransitionError):
        office.act(senior_terms.open_publicity, key, starts_on=TODAY, contact="考评部")
    apply_for(office)


def test_an_appointment_waits_for_publicity_and_objections_and_has_a_term(office, experts, calendar):
    key = apply_for(office)
    judge(office, key, experts)
    row = office.act(senior_terms.open_publicity, key, starts_on=TODAY, contact="考评部 0571-00000000")
    assert row.publicity_ends_on == dt.date(2026, 11, 9)
    term = {"first": dt.date(2026, 12, 1), "last": None, "number": "演示聘〔2026〕1号"}
    with pytest.raises(ConflictError, match="公示期还没有结束"):
        office.act(senior_terms.appoint, key, **term)
    objection = office.act(senior_terms.note_objection, key, raised_by="李四", raised_on=TODAY, content="业绩不实")
    calendar.set(dt.date(2026, 11, 10))
    with pytest.raises(ConflictError, match="还有异议"):
        office.act(senior_terms.appoint, key, **term)
    office.act(senior_terms.settle_objection, objection.senior_objection_id, is_upheld=False, answer="经查属实")
    with pytest.raises(InvalidInputError) as caught:
        office.act(senior_terms.appoint, key, first=dt.date(2026, 11, 9), last=None, number=" ")
    assert set(caught.value.fields) == {"first", "number"}
    row = office.act(senior_terms.appoint, key, **term)
    assert (row.state, row.appointed_until) == (SeniorState.APPOINTED, dt.date(2029, 11, 30))
    calendar.set(dt.date(2029, 12, 1))
    assert senior_terms.is_term_over(find(office, key))
    with pytest.raises(InvalidInputError):
        office.act(senior_terms.renew, key, last=dt.date(2029, 11, 30), reason="考核合格")
    office.act(senior_terms.renew, key, last=dt.date(2032, 11, 30), reason="任期考核合格")
    office.act(senior_terms.end, key, last=dt.date(2029, 12, 1), reason="退休")
    acts = [event.act.value for event in repository.list_events(db.session(), key)]
    assert acts == ["created", "submitted", "panel", "decided", "publicity", "appointed", "renewed", "ended"]
    assert find(office, key).state is SeniorState.ENDED


def test_an_upheld_objection_forbids_the_appointment(office, experts, calendar):
    key = apply_for(office)
    judge(office, key, experts)
    office.act(senior_terms.open_publicity, key, starts_on=TODAY, contact="考评部")
    objection = office.act(senior_terms.note_objection, key, raised_by="李四", raised_on=None, content="业绩不实")
    office.act(senior_terms.settle_objection, objection.senior_objection_id, is_upheld=True, answer="成立")
    calendar.set(dt.date(2026, 11, 10))
    with pytest.raises(ConflictError, match="异议成立"):
        office.act(senior_terms.appoint, key, first=dt.date(2026, 12, 1), last=None, number="1")
    assert office.act(senior_terms.refuse, key, reason="异议成立").state is SeniorState.REFUSED


def test_who_is_appointed_gets_a_certificate_the_ordinary_way(office, experts, organisation, calendar):
    keys = [apply_for(office, index) for index in (1, 2)]
    for key in keys:
        calendar.set(TODAY)
        judge(office, key, experts)
        appoint(office, key)
    batch = office.act(senior_certificates.make_batch, keys[0])
    batch_id = batch.certification_batch_id
    with pytest.raises(ConflictError, match="已转入"):
        office.act(senior_certificates.make_batch, keys[1])
    balance = office.balance(batch_id)
    assert (balance.is_closed, balance.count(PassOutcome.PASSED), batch.state) == (True, 2, BatchState.PUBLICITY)
    people = list(office.records(batch_id).values())
    for person in people:
        office.act(records.save_photo, person.result_record_id, photo())
    office.act(
        filing.add_filed_scope, occupation_code=OCCUPATION[0], trade_name="", level_code="特级技师",
        filed_on=dt.date(2025, 1, 6), number="演示",
    )  # fmt: skip
    office.act(
        batches.update_batch, batch_id, trade_name="", plan_filed_on=dt.date(2026, 8, 3),
        evaluation_starts_on=dt.date(2026, 10, 26),
    )  # fmt: skip
    office.act(rosters.submit_roster, batch_id)
    office.act(rosters.approve_roster, batch_id, reference="演示核〔2026〕9号")
    day = dt.date(2026, 11, 10)
    with pytest.raises(InvalidInputError, match="等级“特级技师”的证书等级码尚未设置"):
        office.act(certificates.number_batch, batch_id, issued_on=day)
    publish(organisation, **{LEVEL_CODES: "特级技师=T"})
    office.issue(batch_id)
    rows = certificate_repository.list_batch_certificates(db.session(), batch_id)
    assert [row.number for row in rows] == ["S00001100000126T000001", "S00001100000126T000002"]
    assert {row.level_name for row in rows} == {"特级技师"}
    term = db.session().get_one(SeniorApplication, keys[0]).appointed_until
    assert [row.expires_on for row in rows] == [term, term]
    assert f"有效期至：{chinese_date(term)}" in printed_text(office, rows[0])
    renewed = term.replace(year=term.year + 2)
    office.act(senior_terms.renew, keys[0], last=renewed, reason="任期考核合格")
    (first,) = [row for row in rows if row.name == db.session().get_one(SeniorApplication, keys[0]).name]
    assert office.act(certificates.reissue, first.certificate_id, reason="续聘换发").expires_on == renewed
    publish(organisation, **{LEVEL_CODES: "特级技师=T", TERM_IS_VALIDITY: False})
    (second,) = [row for row in rows if row is not first]
    assert office.act(certificates.reissue, second.certificate_id, reason="按省里规定换发").expires_on is None
    publish(organisation, **{LEVEL_CODES: "特级技师=T"})
    calendar.set(term + dt.timedelta(days=1))
    late = certificate_repository.list_batch_certificates(db.session(), batch_id)[-1]
    with pytest.raises(InvalidInputError, match="聘期到"):
        office.act(certificates.reissue, late.certificate_id, reason="过期换发")
    calendar.set(day)
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        signing.create_key(uow)
    pack = evidence.build_pack(
        db.session(), office.actor, batch_id, None, PackScope(is_personal=False, has_content=False),
        progress=lambda _percent: None,
    )  # fmt: skip
    assert pack.n_entries > 2
    made = archive.build_archive(db.session(), office.actor, batch_id, progress=lambda _percent: None)
    assert made.files


def printed_text(office, row):
    _name, pdf = office.act(printing.print_certificate, row.certificate_id, base_url="https://kaoku.invalid")
    return "".join(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())


def test_the_sheets_say_what_was_applied_for_and_decided(office, experts, calendar):
    key = apply_for(office)
    with pytest.raises(ConflictError, match="还没有评审结论"):
        senior_documents.decision_sheet(db.session(), office.actor, key)
    judge(office, key, experts)
    appoint(office, key)
    wanted = {
        senior_documents.application_form: ("特级技师申报表", id_number(1), "带徒十名", "业绩证明", "一级/高级技师"),
        senior_documents.publicity_notice: ("演示申报人1", "拟聘特级技师", "5个工作日"),
        senior_documents.decision_sheet: ("赞成2票", "平均76.67分", "评审结论：通过", "2029年11月30日", "演示聘〔2026〕1号"),
    }  # fmt: skip
    for make, expected in wanted.items():
        is_form = make is senior_documents.application_form
        _name, pdf = office.act(make, key) if is_form else make(db.session(), office.actor, key)
        said = "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
        for text in expected:
            assert text in said, text
        assert (id_number(1) in said) is is_form


def test_applications_stay_inside_the_walls_and_with_those_who_may(office, other_office, experts, make_actor):
    key = apply_for(office)
    office.act(seniors.submit, key)
    (material,) = repository.list_materials(db.session(), key)
    for verb, arguments in (
        (seniors.withdraw, {"reason": "x"}), (senior_panels.set_panel, {"user_ids": []}), (senior_panels.conclude, {}),
        (senior_documents.application_form, {}), (senior_certificates.make_batch, {}),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            other_office.act(verb, key, **arguments)
        with pytest.raises(ForbiddenError), unit_of_work(experts[0]) as uow:
            verb(uow, key, **arguments)
    for actor in (other_office.actor, experts[0]):
        with pytest.raises(NotFoundError), unit_of_work(actor) as uow:
            seniors.read_application_material(uow, material.senior_material_id)
    office.act(senior_panels.set_panel, key, [one.user_id for one in experts[:3]])
    with unit_of_work(experts[0]) as uow:
        assert seniors.read_application_material(uow, material.senior_material_id)[1] == PDF.data


def test_officer_and_panel_walk_an_application_in_the_browser(office, sign_in, make_user, calendar):
    officer, home = sign_in(Role.CERTIFICATION_OFFICER), "/certification/seniors/"
    users = [make_user(Role.ASSESSOR, name=f"考评{n}") for n in "甲乙丙"]
    assert "还没有评聘申报" in officer.get(home).text
    form = {name: "" if value is None else str(value) for name, value in vars_of(data()).items()}
    again = officer.post(f"{home}new", data={**form, "id_number": "1", "years_in_occupation": "多年"})
    assert again.status_code == 422
    assert "请填写从事本职业的整年数" in again.text
    shown = officer.post(f"{home}new", data=form, follow_redirects=True).text
    assert "特级技师：材料份数 &gt;= 1" in shown
    key = db.session.query(SeniorApplication).one().senior_application_id
    page = f"{home}{key}"
    officer.post(f"{page}/materials", data={"title": "业绩证明", "file": (io.BytesIO(PDF.data), PDF.name)})
    assert "资格审查通过" in officer.post(f"{page}/submit", follow_redirects=True).text
    chosen = {"members": [str(user.user_id) for user in users]}
    assert "评委已确定" in officer.post(f"{page}/panel", data=chosen, follow_redirects=True).text
    for index, user in enumerate(users):
        client, review = sign_in(user=user), f"/certification/senior-reviews/{key}"
        assert "待您投票的评审" in client.get("/").text
        assert "TJ2026-0001" in client.get("/certification/senior-reviews/").text
        material = re.search(r"/senior-reviews/materials/[0-9a-f-]+", client.get(review).text)[0]
        assert client.post(f"/certification{material}").data == PDF.data
        assert client.post(review, data={"vote": "for", "score": "x"}).status_code == 422
        done = client.post(review, data={"vote": "for", "score": str(80 + index)}, follow_redirects=True).text
        assert "评审意见已提交" in done
        assert client.get(page).status_code == 403
    assert "81" not in re.sub(
        r"u-[0-9a-f]{10}|\d{4}-\d\d-\d\d[ \d:]*", "", words(officer.get(page).text).split("专家评审")[-1]
    )
    assert "评审结论已汇总" in officer.post(f"{page}/conclude", follow_redirects=True).text
    posted = {"starts_on": "2026-11-02", "contact": "考评部 0571-00000000"}
    assert "公示已开始" in officer.post(f"{page}/publicity", data=posted, follow_redirects=True).text
    calendar.set(dt.date(2026, 11, 10))
    term = {"first": "2026-12-01", "last": "", "number": ""}
    assert "请填写聘任文号" in officer.post(f"{page}/appoint", data=term, follow_redirects=True).text
    term["number"] = "演示聘〔2026〕1号"
    assert "聘任已登记" in officer.post(f"{page}/appoint", data=term, follow_redirects=True).text
    assert officer.get(f"{page}/decision.pdf").data.startswith(b"%PDF")
    assert "待发证" in officer.get(home).text
    assert "没有符合条件的申报" in officer.get(f"{home}?state=refused").text
    assert "特级技师聘任" in officer.post(f"{page}/batch", follow_redirects=True).text
    assert sign_in(Role.EDITOR).post(f"{page}/submit").status_code == 403


def vars_of(row):
    return {name: getattr(row, name) for name in row.__slots__}
