"""Recusal: every rule of the table, when relations hold, who may declare and decide, and that a page enforces it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from kernel import conflicts, profiles
from kernel.clock import today
from kernel.conflicts import RULES, ConflictOfInterestError, CycleRole, Party, RelationKind, Severity
from kernel.conflicts import rules as pure
from kernel.conflicts.models import ConflictRelation
from kernel.conflicts.repository import RelationFilter, list_relations
from kernel.conflicts.rules import COOLING_KEY, RULE_LABELS, Relation, RelationStatus
from kernel.conflicts.services import Declaration, decide_relation, declare_relation, withdraw_relation
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work

PERSON, OTHER = uuid.uuid4(), uuid.uuid4()
NUMBER = "110101199001010015"
R, K = CycleRole, RelationKind


def party(role, user_id=None, **known):
    return Party(role, user_id, **({"name": "某人"} | known))


def second_of(rule):
    """Return the other one of a rule: a candidate by the index of the number, or a member of staff."""
    return party(rule.second, number_index="i") if rule.second is R.CANDIDATE else party(rule.second, OTHER)


def relation_to(other, kind):
    if other.user_id:
        return Relation(kind, PERSON, other_user_id=other.user_id)
    return Relation(kind, PERSON, other_index="i")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule_id)
def test_each_rule_finds_its_pair_of_roles_and_no_other_relation(rule):
    first, second = party(rule.first, PERSON), second_of(rule)
    for kind in RelationKind:
        found = list(pure.conflicts([first], [second], [relation_to(second, kind)], {}))
        assert (rule in {one.rule for one in found}) is (kind in rule.kinds)
    strangers = list(pure.conflicts([first], [second], [], {}))
    assert rule not in {one.rule for one in strangers}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule_id)
def test_each_rule_says_its_id_names_the_person_and_can_be_switched_off(rule):
    first, second = party(rule.first, PERSON, name="甲"), second_of(rule)
    kind = next(iter(rule.kinds))
    relations = [relation_to(second, kind)]
    found = next(one for one in pure.conflicts([first], [second], relations, {}) if one.rule is rule)
    assert rule.rule_id in found.text
    assert found.context["person"] in found.text
    assert rule.rule_id in RULE_LABELS[rule.rule_id]
    off = {rule.key: Severity.OFF.value}
    assert rule not in {one.rule for one in pure.conflicts([first], [second], relations, off)}
    warned = {rule.key: Severity.WARN.value}
    assert {one.severity for one in pure.conflicts([first], [second], relations, warned) if one.rule is rule} == {
        Severity.WARN
    }


def test_rules_have_one_id_each_and_every_refusal_of_access_to_a_live_form_covers_trainers():
    assert len({rule.rule_id for rule in RULES}) == len(RULES)
    for role in (R.ASSEMBLER, R.APPROVER, R.INVIGILATOR, R.MARKER):
        refusing = [
            rule for rule in RULES if rule.first is role and rule.second is R.CANDIDATE and K.TRAINER in rule.kinds
        ]
        assert [rule.severity for rule in refusing] == [Severity.REFUSE]


def test_a_relation_works_in_both_directions():
    told_by_the_other = Relation(K.KIN, OTHER, other_user_id=PERSON)
    found = list(pure.conflicts([party(R.REVIEWER, PERSON)], [party(R.AUTHOR, OTHER)], [told_by_the_other], {}))
    assert [one.rule.rule_id for one in found] == ["COI-02"]


@pytest.mark.parametrize(
    ("known", "is_named"),
    [
        ({"other_index": "i"}, True),
        ({"other_index": "j"}, False),
        ({"other_name": "张三", "other_employer": "演示（集团）公司"}, True),
        ({"other_name": "李四", "other_employer": "演示(集团)公司"}, False),
        ({"other_employer": "演示(集团)公司 "}, True),
        ({"other_employer": "别的公司"}, False),
    ],
)
def test_a_candidate_is_known_by_number_by_name_and_employer_or_by_employer_alone(known, is_named):
    candidate = party(R.CANDIDATE, name="张三", number_index="i", employer="演示（集团）公司")
    assert Relation(K.TRAINER, PERSON, **known).names(candidate) is is_named


def test_who_taught_somebody_stays_bound_for_the_cooling_time_and_kin_only_while_it_lasts():
    today = date(2026, 11, 22)
    taught = Relation(K.TRAINER, PERSON, other_index="i", since=date(2025, 1, 1), until=date(2026, 1, 1))
    assert taught.holds(today, 365)
    assert not taught.holds(today, 100)
    assert not taught.holds(date(2024, 12, 31), 365)
    employer = Relation(K.EMPLOYER, PERSON, other_employer="x", until=date(2026, 1, 1))
    assert not employer.holds(today, 365)
    assert employer.holds(date(2026, 1, 1), 0)


@pytest.fixture
def people(make_actor):
    return make_actor(Role.REVIEWER, name="审题甲"), make_actor(Role.AUTHOR, name="命题乙")


def declare(actor, declaration, **kwargs):
    with unit_of_work(actor) as uow:
        return declare_relation(uow, declaration, **kwargs)


def check(session, first, second):
    one = Party(R.REVIEWER, first.user_id, first.name)
    other = Party(R.AUTHOR, second.user_id, second.name)
    return conflicts.require_none(session, first.organisation, [one], [other])


def test_a_declaration_counts_at_once_and_the_refusal_names_rule_and_person(session, people):
    reviewer, author = people
    check(session, reviewer, author)
    declare(author, Declaration(K.KIN, other_user_id=reviewer.user_id))
    with pytest.raises(ConflictOfInterestError, match=r"COI-02.*审题甲") as caught:
        check(session, reviewer, author)
    assert caught.value.context["rule"] == "COI-02"
    assert conflicts.related_users(session, reviewer.organisation, Party(R.REVIEWER, reviewer.user_id), R.AUTHOR) == {
        author.user_id
    }


def test_an_administrator_confirms_or_rejects_for_a_reason_but_never_an_own_declaration(session, people, make_actor):
    reviewer, author = people
    admin = make_actor(Role.ORGANISATION_ADMIN)
    row = declare(author, Declaration(K.KIN, other_user_id=reviewer.user_id))
    with pytest.raises(ForbiddenError), unit_of_work(author) as uow:
        decide_relation(uow, row.conflict_relation_id, version=row.version, is_true=False, reason="x")
    with pytest.raises(InvalidInputError, match="理由"), unit_of_work(admin) as uow:
        decide_relation(uow, row.conflict_relation_id, version=row.version, is_true=False)
    with unit_of_work(admin) as uow:
        decide_relation(uow, row.conflict_relation_id, version=row.version, is_true=False, reason="同名不同人")
    assert row.status is RelationStatus.REJECTED
    check(session, reviewer, author)
    own = declare(admin, Declaration(K.KIN, other_user_id=author.user_id))
    with pytest.raises(ForbiddenError, match="其他管理员"), unit_of_work(admin) as uow:
        decide_relation(uow, own.conflict_relation_id, version=own.version, is_true=True)
    entered = declare(admin, Declaration(K.TEACHER, other_user_id=author.user_id), person_id=reviewer.user_id)
    assert entered.status is RelationStatus.CONFIRMED


def test_a_confirmed_declaration_cannot_be_withdrawn_by_its_person(session, people, make_actor):
    reviewer, author = people
    row = declare(author, Declaration(K.KIN, other_user_id=reviewer.user_id))
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        decide_relation(uow, row.conflict_relation_id, version=row.version, is_true=True)
    with pytest.raises(ConflictError, match="管理员撤销"), unit_of_work(author) as uow:
        withdraw_relation(uow, row.conflict_relation_id, reason="x")


@pytest.mark.parametrize(
    ("declaration", "field"),
    [
        (Declaration(K.KIN), "other_number"),
        (Declaration(K.KIN, other_employer="某厂"), "other_name"),
        (Declaration(K.SELF, other_name="甲", other_employer="某厂"), "other_number"),
        (Declaration(K.KIN, other_number="123"), "other_number"),
        (Declaration(K.TRAINER, other_employer="某厂", since=date(2026, 2, 1), until=date(2026, 1, 1)), "until"),
    ],
)
def test_a_declaration_without_a_recognisable_other_one_is_refused_beside_its_field(people, declaration, field):
    with pytest.raises(InvalidInputError) as caught:
        declare(people[1], declaration)
    assert list(caught.value.fields) == [field]


def test_an_identity_number_is_kept_as_index_and_mask_only(session, people):
    row = declare(people[1], Declaration(K.KIN, other_number=NUMBER))
    kept = [str(getattr(row, column.name)) for column in ConflictRelation.__table__.columns]
    assert row.other_index
    assert not any(NUMBER in text for text in kept)


def test_declarations_of_others_and_of_other_organisations_are_not_seen(
    session, people, make_actor, other_organisation
):
    reviewer, author = people
    row = declare(author, Declaration(K.KIN, other_user_id=reviewer.user_id))
    assert list_relations(session, actor=reviewer, wanted=RelationFilter())[1] == 0
    assert list_relations(session, actor=author, wanted=RelationFilter())[1] == 1
    outside = make_actor(Role.ORGANISATION_ADMIN, organisation_id=other_organisation.organisation_id)
    assert list_relations(session, actor=outside, wanted=RelationFilter())[1] == 0
    with pytest.raises(NotFoundError), unit_of_work(outside) as uow:
        withdraw_relation(uow, row.conflict_relation_id, reason="x")
    with pytest.raises(NotFoundError):
        declare(author, Declaration(K.KIN, other_user_id=outside.user_id))


def test_a_rule_profile_switches_a_rule_and_the_cooling_time(session, people, organisation):
    reviewer, author = people
    yesterday = today() - timedelta(days=1)
    declare(author, Declaration(K.TEACHER, other_user_id=reviewer.user_id, until=yesterday))
    with pytest.raises(ConflictOfInterestError, match="COI-03"):
        check(session, reviewer, author)
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, {COOLING_KEY: 0}, effective_on=date(2020, 1, 1))
    check(session, reviewer, author)
    declare(author, Declaration(K.KIN, other_user_id=reviewer.user_id))
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, {COOLING_KEY: 0, "conflicts.rule.COI-02": "提示"}, effective_on=date(2020, 1, 1))
    assert [one.rule.rule_id for one in check(session, reviewer, author)] == ["COI-02"]


def test_people_declare_and_administrators_decide_in_the_browser(session, sign_in, make_user):
    author, admin = make_user(Role.AUTHOR, name="命题人"), make_user(Role.ORGANISATION_ADMIN)
    client = sign_in(user=author)
    data = {"kind": "trainer", "other_employer": "某培训班", "since": "2026-01-01", "until": "", "note": "授课"}
    assert client.post("/declarations/", data=data).status_code == 303
    assert "某培训班" in client.get("/declarations/").text
    refused = client.post("/declarations/", data={"kind": "kin"})
    assert refused.status_code == 422
    row = session.query(ConflictRelation).one()
    manager = sign_in(user=admin)
    assert "待确认的回避申报" in manager.get("/").text
    address = f"/declarations/{row.conflict_relation_id}/decide"
    assert client.post(address, data={"act": "confirm", "version": 1}).status_code == 403
    assert manager.post(address, data={"act": "confirm", "version": row.version}).status_code == 303
    session.expire_all()
    assert session.query(ConflictRelation).one().status is RelationStatus.CONFIRMED
