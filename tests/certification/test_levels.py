"""Levels beyond the five, and special abilities: numbers, wording, filing, from the rule profile to the public page."""

from __future__ import annotations

import datetime as dt
import io

import pypdf
import pytest

from certification.models import CertificationBatch
from certification.repository import certificates as certificate_repository
from certification.rules import keys
from certification.rules.english_names import BILINGUAL, ENGLISH_NAMES
from certification.rules.levels import (
    ABILITY_NUMBERS,
    LEVEL_CODES,
    LEVEL_ORDER,
    check_pattern,
    level_codes,
    level_order,
    number_series,
)
from certification.services import certificates, compliance, filing, lookup
from kernel import profiles
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.identity.actor import system_actor
from kernel.profiles.registry import all_keys
from kernel.skill_levels import ADDED_LEVELS, scale
from kernel.uow import unit_of_work
from tests.factories.certification import candidate

DAY = dt.date(2026, 11, 10)
PREFIX = "S000011000001"
VALUES = {name: key.default for name, key in all_keys().items()}
ABILITY = {
    "level_code": "ability",
    "level_name": "专项职业能力",
    "occupation_code": "",
    "occupation_name": "手工面点制作",
}


def publish(organisation, **values):
    with unit_of_work(system_actor(organisation.organisation_id)) as uow:
        profiles.publish(uow, values, effective_on=dt.date(2026, 1, 1))


def text_of(pdf):
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_the_scale_is_the_new_eight_levels_and_an_installation_may_name_others():
    """人社厅发〔2020〕104号 三: five national levels, 学徒工, 特级技师 and 首席技师 may be added."""
    names = [level.name for level in scale(VALUES)]
    assert names == [
        "学徒工",
        "五级/初级工",
        "四级/中级工",
        "三级/高级工",
        "二级/技师",
        "一级/高级技师",
        "特级技师",
        "首席技师",
    ]
    other = scale({ADDED_LEVELS: "expert=特级专家:6"})
    assert [level.code for level in other] == ["5", "4", "3", "2", "1", "expert"]


@pytest.mark.parametrize(
    "text", ["expert=特级专家", "5=又一个五级:8", "a=甲:6,b=乙:6", "a=甲:8,b=甲:9", "ability=专项:9"]
)
def test_an_added_level_that_clashes_or_cannot_be_read_is_refused_before_it_is_published(text):
    with pytest.raises(InvalidInputError):
        all_keys()[ADDED_LEVELS].check(text)


def test_letters_are_given_by_code_or_name_and_an_empty_one_blocks_with_the_level_named():
    assert level_codes({LEVEL_CODES: "特级技师=T，chief_tech = S"}) | {"ability": None} == {
        "5": "5", "4": "4", "3": "3", "2": "2", "1": "1", "apprentice": None, "special_tech": "T", "chief_tech": "S",
        "ability": None,
    }  # fmt: skip
    for level, name in (
        ("apprentice", "学徒工"),
        ("special_tech", "特级技师"),
        ("chief_tech", "首席技师"),
        ("4A", "4A"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            number_series(level, VALUES)
        assert caught.value.context["level"] == name
    given = number_series("special_tech", VALUES | {LEVEL_CODES: "特级技师=T"})
    assert given.compose(PREFIX, year=2026, serial=7) == "S00001100000126T000007"


@pytest.mark.parametrize(
    "text", ["特级技师", "特级技师=t", "特级技师=TT", "特级技师=1", "特级技师=T,首席技师=T", "三级=4"]
)
def test_a_letter_that_would_make_numbers_ambiguous_is_refused_before_it_is_published(text):
    with pytest.raises(InvalidInputError):
        all_keys()[LEVEL_CODES].check(text)


@pytest.mark.parametrize("pattern", ["{prefix}", "{serial:6}", "{yy}{serial:2}", "{yy}{serial:4}{serial:4}", "zx{yy}{serial:6}",
                                     "{prefix}{prefix}{yyyy}{serial:8}", "{day}{yy}{serial:6}"])  # fmt: skip
def test_a_pattern_that_cannot_number_special_abilities_is_refused(pattern):
    with pytest.raises(InvalidInputError):
        check_pattern(pattern)


def test_the_order_and_years_of_levels_are_the_welders_unless_the_profile_says_otherwise(office, organisation):
    """DOMAIN 4.5, 焊工 standard: 四级 after 4 years of 五级, 三级 after 5 of 四级, 二级 after 4 of 三级."""
    steps = level_order(VALUES[LEVEL_ORDER])
    assert {level: (step.previous, step.years) for level, step in steps.items()} == {
        "4": ("5", 4), "3": ("4", 5), "2": ("3", 4), "1": ("2", 4),
    }  # fmt: skip
    _parcel, batch_id = office.receive([candidate(1)])
    office.decide(batch_id, {"1": "80"})
    order = [f for f in compliance.check_batch_data(db.session(), office.batch(batch_id)) if f.check_id == "O04"]
    assert order[0].values == {"years": 5, "previous": "4"}
    publish(organisation, **{LEVEL_ORDER: "2=3:4"})
    again = compliance.check_batch_data(db.session(), office.batch(batch_id))
    assert "O04" not in {finding.check_id for finding in again}
    with pytest.raises(InvalidInputError):
        all_keys()[LEVEL_ORDER].check("3=4")


def test_a_special_ability_goes_from_its_filing_to_a_certificate_without_a_level(office, organisation, app):
    with pytest.raises(InvalidInputError) as caught:
        office.act(
            filing.add_filed_scope,
            occupation_code="",
            trade_name="",
            level_code="专项职业能力",
            filed_on=DAY,
            number="",
        )
    assert set(caught.value.fields) == {"ability_name"}
    _parcel, batch_id = office.receive([candidate(1), candidate(2)], **ABILITY)
    office.decide(batch_id, {"1": "80", "2": "85"})
    office.publish(batch_id)
    found = {f.check_id: str(f) for f in compliance.check_batch_data(db.session(), office.batch(batch_id))}
    assert found["O03"] == "专项职业能力“手工面点制作”不在本机构备案范围内"
    assert not {"O01", "O02", "O04"} & set(found)
    office.act(
        filing.add_filed_scope, occupation_code="", trade_name="", level_code="专项职业能力", filed_on=DAY, number="演示",
        ability_name="手工面点制作",
    )  # fmt: skip
    office.approve(batch_id)
    with pytest.raises(InvalidInputError, match="编号规则尚未设置"):
        office.act(certificates.number_batch, batch_id, issued_on=DAY)
    bilingual = {BILINGUAL: True, ENGLISH_NAMES: "手工面点制作=Pastry making"}
    publish(
        organisation,
        **{ABILITY_NUMBERS: "ZX{province}{yyyy}{serial:6}", keys.ABILITY_VALIDITY_YEARS: 2, keys.VALIDITY_YEARS: 9},
        **bilingual,
    )
    office.issue(batch_id)
    first, second = certificate_repository.list_batch_certificates(db.session(), batch_id)
    assert (first.number, second.number) == ("ZX112026000001", "ZX112026000002")
    sheet = certificates.sheet_of(db.session(), first, base_url="https://kaoku.invalid")
    said = text_of(certificates.certificates_pdf([sheet], created_at=certificates.issue_moment(first)))
    for expected in (
        "专项职业能力证书",
        "专项职业能力Specialability手工面点制作Pastrymaking",
        f"有效期至：{DAY.year + 2}年",
        "通过专项职业能力考核",
        first.number,
    ):
        assert expected in said
    assert "职业技能等级" not in said
    assert "工种" not in said
    page = app.test_client().post("/certificates", data={"number": first.number, "name": "演示考生1"}).text
    assert "专项职业能力证书" in page
    assert "手工面点制作" in page
    assert "工种" not in page
    assert lookup.look_up(db.session(), number="zx112026 000001", name="演示考生1").is_valid


def test_a_chief_technician_is_numbered_once_the_letter_is_set(office, organisation):
    _parcel, batch_id = office.receive([candidate(1)])
    office.decide(batch_id, {"1": "80"})
    office.publish(batch_id)
    office.approve(batch_id)
    with unit_of_work(system_actor()) as uow:
        batch = uow.session.get(CertificationBatch, batch_id)
        batch.level_code, batch.level_name = "chief_tech", "首席技师"
    with pytest.raises(InvalidInputError, match="等级“首席技师”的证书等级码尚未设置"):
        office.act(certificates.number_batch, batch_id, issued_on=DAY)
    publish(organisation, **{LEVEL_CODES: "首席技师=S"})
    office.issue(batch_id)
    (row,) = certificate_repository.list_batch_certificates(db.session(), batch_id)
    assert row.number == "S00001100000126S000001"
    assert "职业技能等级首席技师" in text_of(
        certificates.certificates_pdf(
            [certificates.sheet_of(db.session(), row, base_url="https://kaoku.invalid")],
            created_at=certificates.issue_moment(row),
        )
    )
