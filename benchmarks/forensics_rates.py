"""Simulate honest sittings and count how often each index of forensics, drift and fairness raises an alarm by chance.

Run ``python -m benchmarks.forensics_rates [--forms 100] [--persons 60] [--items 50]`` from the root of the repository. Every
form is answered by persons of standard normal ability under the Rasch model with four options; abilities and parameters are
estimated from the answers, as in the product. "below 5 %" and "below 1 %" are the shares of single tests; "leads" is what remains
after Benjamini–Hochberg as the product applies it.
"""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr, stdtr

from psychometrics.ability import maximum_a_posteriori
from psychometrics.arrays import FloatArray, IntArray
from psychometrics.behaviour import answer_changes, multiple_tests, response_times, score_gains
from psychometrics.copying import omega, wrong_matches
from psychometrics.dif import purified_dif
from psychometrics.irt import Model, calibrate, usable_items
from psychometrics.person_fit import simulated_chances, standardised_log_likelihood
from qbank.public_statistics import HistoryRow
from web.analysis.drift import Sitting, anchors, compare_session

N_PAIRS = 150
PASSED = 0.6
LEADS, FAIRNESS = 0.01, 0.05
DAY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Form:
    """Answers of one simulated sitting: right or wrong, and the option (0 is the key)."""

    scores: FloatArray
    chosen: IntArray


def sit(rng: Generator, n: int, k: int) -> Form:
    """Return honest answers; weak persons prefer the first distractor of every item, able ones none."""
    theta, b = rng.normal(size=(n, 1)), rng.normal(size=k)
    right = rng.random((n, k)) < 1 / (1 + np.exp(b - theta))
    lure = rng.random((n, k)) < 1 / (1 + np.exp(theta))
    wrong = np.where(lure, 1, rng.integers(1, 4, (n, k)))
    used = usable_items(right.astype(float))
    return Form(right[:, used].astype(float), np.where(right, 0, wrong)[:, used])


def chances(rng: Generator, form: Form) -> Iterator[tuple[str, FloatArray, float]]:
    """Yield the name of every index, its chances over a form, and the rate at which the product controls it."""
    items = calibrate(form.scores, Model.RASCH).parameters
    theta = maximum_a_posteriori(form.scores, items).theta
    pairs = [rng.choice(len(form.scores), 2, replace=False) for _ in range(N_PAIRS)]
    both = [[omega(form.scores, theta, items, *pair).omega_p for pair in (one, one[::-1])] for one in pairs]
    yield "omega, a pair (two directions, doubled)", np.minimum(1, 2 * np.min(both, axis=1)), LEADS
    k2 = [wrong_matches(form.scores, *pair, options=form.chosen).k2 for pair in pairs]
    yield "K2, a pair (asked for beside omega, no lead by itself)", np.array(k2), 0.0
    fit = standardised_log_likelihood(form.scores, theta, items, prior_slope=-theta).lz_star
    far = np.asarray(ndtr(fit))
    beyond = multiple_tests(far, rate=LEADS)
    far[beyond] = simulated_chances(fit[beyond], theta[beyond], items)
    yield "lz*, a person (beyond the bar by simulation)", far, LEADS
    n, k = form.scores.shape
    seconds = np.exp(3.5 + 0.3 * rng.normal(size=(n, 1)) + 0.4 * rng.normal(size=(n, k)))
    yield "response times, a person", response_times(seconds).p_value, LEADS
    changes = rng.poisson(8, n) + 5
    yield "answer changes, a person", answer_changes(rng.binomial(changes, 0.55), changes), LEADS
    yield "score gains, a person who sits again", gain_chances(rng, n, k), LEADS


def gain_chances(rng: Generator, n: int, k: int) -> FloatArray:
    """Return the chances of gains of persons who failed a form of k items once and sit another after some teaching."""
    b, again = rng.normal(size=k), rng.normal(size=k)
    theta = rng.normal(size=(4 * n, 1))
    before = (rng.random((4 * n, k)) < 1 / (1 + np.exp(b - theta))).mean(axis=1)
    back = np.flatnonzero(before < PASSED)[:n]
    taught = theta[back] + rng.normal(0.3, 0.3, (back.size, 1))
    after = (rng.random((back.size, k)) < 1 / (1 + np.exp(again - taught))).mean(axis=1)
    return np.asarray(stdtr(back.size - 3, -score_gains(before[back], after)))


def drift_chances(rng: Generator, n: int, k: int) -> FloatArray:
    """Return the chances of drift of a session against two before it; its candidates are abler on the whole."""
    sittings = [Sitting(uuid.UUID(int=s + 1), str(s), DAY + timedelta(days=s)) for s in range(3)]
    b = rng.normal(size=k)
    rows = [
        HistoryRow(uuid.UUID(int=1), f"T{j}", uuid.UUID(int=100 + j), 1, True, f"exam_session:{one.exam_session_id}", n,
                   date(2026, 1, 1), float(rng.binomial(n, 1 / (1 + np.exp(b[j] - 0.3 * s))) / n), None)
        for s, one in enumerate(sittings) for j in range(k)
    ]  # fmt: skip
    changes = compare_session(anchors(rows, {one.exam_session_id: one for one in sittings}), sittings[2]).changes
    return np.array([1.0 if not one.robust_z > 1.645 else one.p_value for one in changes])


def fairness_chances(rng: Generator, n: int, k: int) -> FloatArray:
    """Return the chances of Mantel-Haenszel for two groups of different ability, the negligible ones (class A) put aside."""
    focal = rng.random(n) < 0.4
    theta = rng.normal(size=(n, 1)) - 0.5 * focal[:, None]
    scores = (rng.random((n, k)) < 1 / (1 + np.exp(rng.normal(size=k) - theta))).astype(float)
    found = purified_dif(scores, focal).mantel_haenszel
    return np.where(np.isin(found.ets_class, ("B", "C")), found.p_value, 1.0)


def simulate(n_forms: int, n: int, k: int) -> dict[str, tuple[list[FloatArray], float]]:
    """Return the chances of every index, form by form, with its rate."""
    found: dict[str, tuple[list[FloatArray], float]] = {}
    for seed in range(n_forms):
        rng = np.random.default_rng(seed)
        own = [*chances(rng, sit(rng, n, k))]
        own.append(("drift beyond the other items, an item", drift_chances(rng, n, k), LEADS))
        own.append(("Mantel–Haenszel class B or C, an item (5 x persons)", fairness_chances(rng, 5 * n, k), FAIRNESS))
        for name, values, rate in own:
            found.setdefault(name, ([], rate))[0].append(values)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name, usual in (("forms", 100), ("persons", 60), ("items", 50)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    options = parser.parse_args()
    print("| index | tests | below 5 % | below 1 % | leads | forms with a lead |\n|---|---|---|---|---|---|")
    for name, (values, rate) in simulate(options.forms, options.persons, options.items).items():
        together = np.concatenate(values)
        leads = [int(multiple_tests(one, rate=rate).sum()) if rate else 0 for one in values]
        with_lead = sum(n > 0 for n in leads)
        small = [f"{100 * np.nanmean(together < limit):.2f} %" for limit in (0.05, 0.01)]
        print(f"| {name} | {together.size:,} | {small[0]} | {small[1]} | {sum(leads)} | {with_lead} of {len(values)} |")


if __name__ == "__main__":
    main()
