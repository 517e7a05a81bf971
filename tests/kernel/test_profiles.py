from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kernel import profiles
from kernel.errors import ForbiddenError, InvalidInputError
from kernel.identity.permissions import Role
from kernel.profiles import RuleKey, registry
from kernel.uow import unit_of_work

JANUARY, JUNE = date(2026, 1, 1), date(2026, 6, 1)


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setattr(registry, "_KEYS", {})
    profiles.declare(
        RuleKey("test.count", 5, "题数", minimum=1, maximum=9),
        RuleKey("test.share", 0.5, "比例", minimum=0, maximum=1),
        RuleKey("test.switch", default=False, label="开关"),
        RuleKey("test.way", "one", "方式", choices=("one", "two")),
    )


@pytest.fixture
def admin(make_actor):
    return make_actor(Role.ORGANISATION_ADMIN)


def publish(actor, overrides, *, on=JANUARY):
    with unit_of_work(actor) as uow:
        return profiles.publish(uow, overrides, effective_on=on)


def test_without_a_version_every_default_holds(session, organisation):
    assert profiles.values(session, organisation.organisation_id)["test.count"] == 5


def test_the_version_of_the_day_holds(session, admin):
    publish(admin, {"test.count": "6"})
    publish(admin, {"test.count": "7"}, on=JUNE)
    held = {
        day: profiles.value(session, admin.organisation_id, "test.count", on=day)
        for day in (date(2025, 12, 31), JANUARY, date(2026, 5, 31), JUNE)
    }
    assert list(held.values()) == [5, 6, 6, 7]


def test_a_version_holds_from_the_first_minute_of_its_day_in_china(session, admin, monkeypatch):
    publish(admin, {"test.count": 6}, on=JUNE)
    minutes = {datetime(2026, 5, 31, 15, 59, tzinfo=UTC): 5, datetime(2026, 5, 31, 16, 0, tzinfo=UTC): 6}
    for moment, expected in minutes.items():
        monkeypatch.setattr("kernel.clock.now", lambda moment=moment: moment)
        assert profiles.value(session, admin.organisation_id, "test.count") == expected


def test_of_two_versions_for_one_day_the_later_one_holds(session, admin):
    publish(admin, {"test.count": 6})
    publish(admin, {"test.count": 8})
    assert profiles.value(session, admin.organisation_id, "test.count", on=JANUARY) == 8


def test_only_what_differs_from_the_default_is_kept(admin):
    row = publish(admin, {"test.count": "5", "test.share": "0.25", "test.switch": "on"})
    assert row.overrides == {"test.share": 0.25, "test.switch": True}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("test.count", "0"),
        ("test.count", "10"),
        ("test.count", "2.5"),
        ("test.count", ""),
        ("test.share", "nan"),
        ("test.share", "1.01"),
        ("test.way", "three"),
        ("test.unknown", 1),
    ],
)
def test_wrong_values_are_refused(admin, session, name, wrong):
    with pytest.raises(InvalidInputError):
        publish(admin, {name: wrong})
    assert profiles.values(session, admin.organisation_id)["test.count"] == 5


def test_organisations_do_not_share_rules(session, admin, other_organisation):
    publish(admin, {"test.count": 9})
    assert profiles.value(session, other_organisation.organisation_id, "test.count") == 5


def test_only_who_may_publishes(make_actor):
    with pytest.raises(ForbiddenError):
        publish(make_actor(Role.EDITOR), {"test.count": 6})


def test_declaring_a_name_twice_with_another_meaning_is_a_mistake_of_ours():
    profiles.declare(RuleKey("test.way", "one", "方式", choices=("one", "two")))
    with pytest.raises(ValueError, match=r"test\.way"):
        profiles.declare(RuleKey("test.way", "two", "方式", choices=("one", "two")))
