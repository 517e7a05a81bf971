"""Counting uses over organisations: against plain sums, whatever the uses; the pure part of the ledger."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.rules.exposure import YEAR, Caps, Use, exposures, over_caps
from qbank.rules.sharing import Answers, drift

TODAY = date(2026, 6, 1)
KEYS = [uuid.UUID(int=number) for number in range(1, 7)]
USES = st.builds(
    Use,
    form_id=st.sampled_from(KEYS[:3]),
    session_id=st.sampled_from(KEYS),
    site=st.sampled_from(["东", "西"]),
    region=st.sampled_from(["", "33", "东"]),
    day=st.integers(0, 500).map(lambda n: TODAY - timedelta(days=n)),
    n_candidates=st.integers(1, 60),
    organisation_id=st.sampled_from(KEYS[:2]),
)
HOLDING = st.fixed_dictionaries({form: st.lists(st.sampled_from(KEYS), unique=True) for form in KEYS[:3]})


@settings(max_examples=40, deadline=None)
@given(st.lists(USES, max_size=30), HOLDING)
def test_what_all_organisations_used_is_the_sum_of_what_each_did(
    uses: list[Use], holding: dict[uuid.UUID, list[uuid.UUID]]
) -> None:
    whole = exposures(uses, holding)
    parts = [exposures([use for use in uses if use.organisation_id == one], holding) for one in KEYS[:2]]
    for item_id in KEYS:
        met = [use for use in uses if item_id in holding[use.form_id]]
        assert (item_id in whole) == bool(met)
        if met:
            found = whole[item_id]
            assert found.n_candidates == sum(use.n_candidates for use in met)
            assert found.n_candidates == sum(part[item_id].n_candidates for part in parts if item_id in part)
            assert found.sessions == {use.session_id for use in met}
            assert found.organisations == {use.organisation_id for use in met}
            assert (found.first, found.last) == (min(use.day for use in met), max(use.day for use in met))


@settings(max_examples=40, deadline=None)
@given(st.lists(USES, max_size=30), HOLDING, st.integers(1, 90), st.integers(1, 3))
def test_an_item_is_barred_when_the_uses_of_all_reach_a_cap_within_the_year(
    uses: list[Use], holding: dict[uuid.UUID, list[uuid.UUID]], most: int, at_site: int
) -> None:
    recent = [use for use in uses if use.day > TODAY - YEAR]
    barred = over_caps(uses, holding, Caps(most, at_site), TODAY)
    in_region = over_caps(uses, holding, Caps(in_region=at_site), TODAY)
    assert over_caps(uses, holding, Caps(candidates_in_region=most), TODAY) <= over_caps(
        uses, holding, Caps(most), TODAY
    )
    for item_id in KEYS:
        met = [use for use in recent if item_id in holding[use.form_id]]
        sites = {site: {use.session_id for use in met if use.site == site} for site in ("东", "西")}
        reached = sum(use.n_candidates for use in met) >= most or any(len(one) >= at_site for one in sites.values())
        assert (item_id in barred) == reached
        places = {
            place: {use.session_id for use in met if (use.region or use.site) == place} for place in ("东", "西", "33")
        }
        assert (item_id in in_region) == any(len(one) >= at_site for one in places.values())
    for one in KEYS[:2]:
        alone = [use for use in uses if use.organisation_id == one]
        assert over_caps(alone, holding, Caps(most, at_site), TODAY) <= barred


@settings(max_examples=40, deadline=None)
@given(st.integers(30, 400), st.integers(30, 400), st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_drift_is_the_same_lead_from_either_side(n_here: int, n_there: int, here: float, there: float) -> None:
    one, other = (
        drift(Answers(n_here, here), Answers(n_there, there)),
        drift(Answers(n_there, there), Answers(n_here, here)),
    )
    assert one is not None
    assert other is not None
    assert abs(one.z + other.z) < 1e-9
    assert one.is_lead == other.is_lead
    assert not drift(Answers(n_here, here), Answers(n_there, here)).is_lead  # type: ignore[union-attr]
