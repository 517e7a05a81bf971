"""Near-copies, enemies and the rules of good items, at work in a bank."""

from __future__ import annotations

import pytest

from blueprints.services.bank import load_pool
from item_templates.contract import Choice, ItemContent
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, permissions_of
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from qbank.models.curation import CurationRun, ItemPair
from qbank.public_pairs import similar_among
from qbank.repository import pairs as repository
from qbank.rules.items import ItemStatus
from qbank.rules.pairs import PairOrigin, PairState
from qbank.services import duplicates, items, lint
from qbank.services.similar import similar_in_file, similar_items
from tests.factories.standards import make_level
from tests.qbank.item_bank import approve, make_draft, point_id, submit


@pytest.fixture
def level_id(organisation):
    return make_level(organisation.organisation_id).standard_level_id


@pytest.fixture
def user(make_user):
    return make_user(Role.EDITOR)


@pytest.fixture
def editor(user):
    return Actor(user.user_id, user.organisation_id, user.name, permissions_of([Role.EDITOR]), frozenset({Role.EDITOR}))


@pytest.fixture
def other_editor(make_actor, other_organisation):
    return make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)


def judged(stem: str, *, key: bool = True) -> ItemContent:
    return ItemContent("true_false", stem, key=key)


def chosen(stem: str, *options: str, key: str = "A") -> ItemContent:
    choices = tuple(Choice(letter, text) for letter, text in zip("ABCD", options, strict=False))
    return ItemContent("single_choice", stem, choices, key)


OIL = "运行中的油浸式变压器上层油温一般不得超过85摄氏度。"
OIL_EDITED = "运行中油浸变压器的上层油温一般不得超过85摄氏度。"
ARC = "断路器的灭弧室用于熄灭触头分断时产生的电弧。"


def check(editor, level_id) -> None:
    with unit_of_work(editor) as uow:
        job = duplicates.start_check(uow, level_id)
    run_job(job.job_id)


@pytest.fixture
def oil(editor, level_id):
    return [make_draft(editor, level_id, judged(stem)) for stem in (OIL, OIL_EDITED, ARC)]


def open_pairs(session, editor, level_id):
    session.expire_all()
    return repository.list_pairs(session, level_id, actor=editor)[0]


def test_the_check_of_a_level_puts_copies_beside_each_other(session, editor, level_id, oil):
    make_draft(editor, level_id, judged(OIL.replace("，", "") + " ", key=False))
    check(editor, level_id)
    rows = open_pairs(session, editor, level_id)
    origins = [(row.pair.origin, {row.first.item_id, row.second.item_id}) for row in rows]
    assert origins[0][0] is PairOrigin.EXACT
    assert (PairOrigin.NEAR, {oil[0].item_id, oil[1].item_id}) in origins
    assert not any(oil[2].item_id in pair for _origin, pair in origins)
    assert session.query(CurationRun).one().n_items == 4


def decide(editor, row, state, **kwargs):
    with unit_of_work(editor) as uow:
        return duplicates.decide(uow, row.pair.item_pair_id, version=row.pair.version, state=state, **kwargs)


def test_of_a_duplicate_one_is_retired_and_names_the_other(session, editor, level_id, oil):
    check(editor, level_id)
    row = open_pairs(session, editor, level_id)[0]
    with pytest.raises(InvalidInputError):
        decide(editor, row, PairState.DUPLICATE, retired_item_id=oil[2].item_id)
    decide(editor, row, PairState.DUPLICATE, retired_item_id=oil[1].item_id)
    session.refresh(oil[1])
    assert oil[1].status is ItemStatus.RETIRED
    assert oil[0].code in oil[1].retired_reason


def test_pairs_found_different_are_not_shown_again(session, editor, level_id, oil):
    check(editor, level_id)
    row = open_pairs(session, editor, level_id)[0]
    decide(editor, row, PairState.DIFFERENT)
    with pytest.raises(ConflictError), unit_of_work(editor) as uow:
        duplicates.decide(uow, row.pair.item_pair_id, version=1, state=PairState.ENEMY)
    check(editor, level_id)
    assert open_pairs(session, editor, level_id) == []
    assert similar_items(session, editor, judged(OIL), item_id=oil[0].item_id) == []


def test_a_pair_of_others_does_not_exist(session, editor, other_editor, level_id, oil):
    check(editor, level_id)
    row = open_pairs(session, editor, level_id)[0]
    assert repository.list_pairs(session, level_id, actor=other_editor) == ([], 0)
    with pytest.raises(NotFoundError):
        decide(other_editor, row, PairState.DIFFERENT)


def test_a_stem_that_states_another_key_is_suggested(session, editor, level_id):
    asks = make_draft(
        editor, level_id, chosen("三相异步电动机的过载保护一般采用（　）。", "热继电器", "熔断器", "接触器", "按钮")
    )
    tells = make_draft(
        editor,
        level_id,
        judged("热继电器用作三相异步电动机的过载保护，其整定电流应与电动机额定电流相符。"),
        point_ids=[point_id(level_id, "A-A-A-002")],
    )
    check(editor, level_id)
    row = open_pairs(session, editor, level_id)[0]
    assert (row.pair.origin, row.pair.clue) == (PairOrigin.CLUE, "热继电器")
    assert {row.first.item_id, row.second.item_id} == {asks.item_id, tells.item_id}


def test_enemies_reach_assembly_and_pass_on_where_marked(session, editor, make_actor, level_id):
    reviewers = [make_actor(Role.REVIEWER) for _ in range(3)]
    drafts = [make_draft(editor, level_id, judged(f"第{n}种介质进入储罐前须化验{n * 7}项指标。")) for n in range(4)]
    submit(editor, *drafts)
    for draft in drafts:
        approve(draft, reviewers)
    a, b, c, d = drafts
    with unit_of_work(editor) as uow:
        duplicates.add_enemies(uow, a.item_id, b.code, is_transitive=True)
        duplicates.add_enemies(uow, b.item_id, c.code, is_transitive=True)
        duplicates.add_enemies(uow, c.item_id, d.code)
        with pytest.raises(InvalidInputError):
            duplicates.add_enemies(uow, a.item_id, a.code)
    enemies = {item.id: set(item.enemies) for item in load_pool(session, editor, level_id).items}
    keys = {name: str(item.item_id) for name, item in zip("abcd", drafts, strict=True)}
    assert enemies[keys["a"]] == {keys["b"], keys["c"]}
    assert enemies[keys["c"]] == {keys["a"], keys["b"], keys["d"]}
    assert enemies[keys["d"]] == {keys["c"]}


def test_the_items_like_one_item_are_found_beside_it(session, editor, level_id, oil):
    found = similar_items(session, editor, judged(OIL), item_id=oil[0].item_id)
    assert [(one.item.item_id, one.is_exact) for one in found] == [(oil[1].item_id, False)]
    warmer = similar_items(session, editor, judged(OIL.replace("85", "95")))
    assert warmer[0].differs_in_numbers
    assert similar_items(session, editor, judged("完全无关的一道题目，谈论税收政策。")) == []


def test_a_file_is_compared_with_the_bank_and_with_itself(session, editor, level_id, oil):
    file = [
        judged(OIL),
        judged("母线槽连接处的温升用红外热像仪测量。"),
        judged("母线槽各连接处的温升用红外热像仪测量。"),
        judged("别的。"),
    ]
    found = similar_in_file(session, editor, file, standard_level_id=level_id)
    assert (found[0].is_exact, found[0].code) == (True, oil[0].code)
    assert found[2].other_place == 1
    assert set(found) == {0, 2}


def test_alike_items_of_a_form_are_named(session, editor, level_id, oil):
    pairs = similar_among(session, editor, [one.current_version_id for one in oil])
    assert [(one.origin, one.similarity > 80) for one in pairs] == [(PairOrigin.NEAR, True)]


ABSOLUTE = judged("所有电气设备在任何情况下都必须停电检修。")


def test_a_waiver_takes_a_hit_away_and_shows_its_reason(session, editor, level_id):
    item = make_draft(editor, level_id, ABSOLUTE)
    assert [one.rule.id for one in lint.lint_item(session, editor, item.item_id, ABSOLUTE).findings] == [
        "absolute_words"
    ]
    for reason in ("", "短"):
        with pytest.raises(InvalidInputError), unit_of_work(editor) as uow:
            lint.waive(uow, item.item_id, "absolute_words", reason=reason)
    with unit_of_work(editor) as uow:
        lint.waive(uow, item.item_id, "absolute_words", reason="规程原文如此规定")
    with pytest.raises(ConflictError), unit_of_work(editor) as uow:
        lint.waive(uow, item.item_id, "absolute_words", reason="规程原文如此规定")
    result = lint.lint_item(session, editor, item.item_id, ABSOLUTE)
    assert (result.findings, result.waived[0][1].reason) == ([], "规程原文如此规定")
    with unit_of_work(editor) as uow:
        lint.withdraw_waiver(uow, item.item_id, "absolute_words")
    assert lint.lint_item(session, editor, item.item_id, ABSOLUTE).findings


def test_the_check_of_a_level_counts_by_rule_and_leaves_waived_hits_out(session, editor, level_id):
    first, second = (make_draft(editor, level_id, ABSOLUTE, source=str(n)) for n in range(2))
    with unit_of_work(editor) as uow:
        lint.waive(uow, second.item_id, "absolute_words", reason="规程原文如此规定")
        job = lint.start_lint(uow, level_id)
    run_job(job.job_id)
    session.expire_all()
    run = session.query(CurationRun).one()
    assert run.report["counts"] == {"absolute_words": 1}
    assert run.report["items"] == {"absolute_words": [str(first.item_id)]}


def test_the_organisation_s_words_count_and_its_abbreviations_do_not(session, editor, other_editor):
    with unit_of_work(editor) as uow:
        assert lint.add_words(uow, "残废，聋哑", advice="改为规范称谓") == 2
        lint.add_words(uow, "AGV", is_known=True)
    content = judged("残废人员不得操作 AGV 小车。")
    assert [one.rule.id for one in lint.lint_content(session, editor, content)] == ["sensitive_words"]
    assert [one.rule.id for one in lint.lint_content(session, other_editor, content)] == ["abbreviations"]


def test_removing_an_item_takes_its_pairs_from_the_list(session, editor, level_id, oil):
    check(editor, level_id)
    with unit_of_work(editor) as uow:
        items.remove_draft(uow, oil[0].item_id)
    assert open_pairs(session, editor, level_id) == []
    assert session.query(ItemPair).count() == 1
