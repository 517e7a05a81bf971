"""Add a latent trait model to a report."""

from __future__ import annotations

from typing import Any

import numpy as np

from psychometrics.ability import eap
from psychometrics.arrays import BoolArray, FloatArray
from psychometrics.behaviour import multiple_tests
from psychometrics.irt import Calibration, Model, Parameters, calibrate, usable_items
from psychometrics.irt_errors import StandardErrors, standard_errors
from psychometrics.item_fit import residual_correlations, residual_fit, score_fit
from psychometrics.logistic import item_information
from web.analysis.marking import Marked
from web.analysis.numbers import plain

LEAST = {Model.RASCH: 10, Model.TWO_PL: 30, Model.THREE_PL: 100}
"""Below this many candidates no parameter is given."""
USUAL = {Model.RASCH: 100, Model.TWO_PL: 250, Model.THREE_PL: 1000}
"""Below this many the report asks for care: Linacre (1994); de Ayala (2009), The Theory and Practice of IRT, ch. 5-6."""
MIN_ITEMS = 3
EXTREME_A, EXTREME_B = 5.0, 8.0
THETA = np.linspace(-4, 4, 33)
MIN_FOR_FIT = 100
"""Persons with every item below which S-X2 is not given: Orlando & Thissen (2000) found its chances right from there."""
MIN_OF_ITEM = 30
"""Answers to an item from which it is calibrated where candidates had forms of their own: Linacre (1994), within one logit."""
MIN_OF_PAIR = 200
"""Persons with both items from which Q3 is looked at there: chance then moves a correlation by a third of what is flagged."""
DEPENDENT = 0.2
"""Q3 so far above the mean of all pairs asks for a look: Christensen, Makransky & Horton (2017)."""


def add_calibration(report: dict[str, Any], marked: Marked, name: str) -> None:
    """Calibrate the items under a model; put parameters, errors and convergence into the report."""
    if name == "ctt":
        return
    model = Model(name)
    scores = marked.scores / marked.max_scores
    usable = usable_items(scores)
    if marked.presented is not None:
        usable &= (~np.isnan(scores)).sum(axis=0) >= MIN_OF_ITEM
    report["model"] = _empty_model(name)
    flags = report["model"]["flags"]
    for item in report["items"]:
        item.update(a=None, b=None, c=None, se={"a": None, "b": None, "c": None}, fit=None)
    if len(scores) < LEAST[model]:
        flags.append("too_few_for_model")
    elif usable.sum() < MIN_ITEMS:
        flags.append("too_few_calibrated")
    else:
        _calibrate(report, marked, usable, model)
    for item in report["items"]:
        if item["a"] is None:
            item["flags"].append("not_calibrated")


def _empty_model(name: str) -> dict[str, Any]:
    figures = ("log_likelihood", "aic", "bic", "max_change", "n_parameters", "se_method")
    head = {"name": name, "metric": "logistic", "D": 1.0, "converged": False, "iterations": 0, "n_items": 0}
    return head | dict.fromkeys(figures) | {"information": None, "dependent_pairs": [], "flags": []}


def _calibrate(report: dict[str, Any], marked: Marked, usable: BoolArray, model: Model) -> None:
    used = (marked.scores / marked.max_scores)[:, usable]
    used = used[~np.isnan(used).all(axis=1)]
    found = calibrate(used, model)
    errors = standard_errors(used, found)
    report["model"] |= _model_figures(found, errors, len(used))
    flags = report["model"]["flags"]
    if len(used) < USUAL[model]:
        flags.append("few_for_model")
    if not found.converged:
        flags.append("not_converged")
    if np.isnan(errors.a).all():
        flags.append("no_standard_error")
    ability = eap(used, found.parameters)
    spread = float(ability.theta.var())
    report["model"]["eap_reliability"] = plain(spread / (spread + float(np.mean(ability.se**2))))
    chosen = [report["items"][j] for j in np.flatnonzero(usable)]
    for place, item in enumerate(chosen):
        _add_parameters(item, found, errors, place)
    _add_fit(chosen, used, found, ability.theta)
    least = 0 if marked.presented is None else MIN_OF_PAIR
    report["model"]["dependent_pairs"] = _dependent_pairs(
        chosen, _residual_correlations(used, found.parameters, ability.theta, least)
    )


def _model_figures(found: Calibration, errors: StandardErrors, n: int) -> dict[str, Any]:
    k, log_likelihood = found.n_parameters, found.log_likelihood
    return {
        "converged": found.converged,
        "iterations": found.n_iterations,
        "max_change": found.max_change,
        "log_likelihood": plain(log_likelihood),
        "n_parameters": k,
        "aic": plain(2 * k - 2 * log_likelihood),
        "bic": plain(k * float(np.log(n)) - 2 * log_likelihood),
        "n_candidates": n,
        "n_items": found.parameters.a.size,
        "n_quadrature_points": found.n_points,
        "se_method": errors.method,
        "information": _information(found.parameters),
    }


def _information(items: Parameters) -> dict[str, Any]:
    total = item_information(THETA, items.a, items.b, items.c, scale=1.0).sum(axis=1)
    return {"theta": [plain(value) for value in THETA], "information": [plain(value) for value in total]}


def _add_parameters(item: dict[str, Any], found: Calibration, errors: StandardErrors, place: int) -> None:
    now = found.parameters
    item["a"], item["b"] = plain(now.a[place]), plain(now.b[place])
    item["c"] = plain(now.c[place]) if found.model is Model.THREE_PL else None
    item["se"] = {name: plain(getattr(errors, name)[place]) for name in ("a", "b", "c")}
    if abs(now.a[place]) > EXTREME_A or not abs(now.b[place]) <= EXTREME_B or now.a[place] <= 0:
        item["flags"].append("extreme_parameter")


def _add_fit(items: list[dict[str, Any]], scores: FloatArray, found: Calibration, theta: FloatArray) -> None:
    """Put mean squares and, with enough persons who reached everything, S-X2 beside each item's parameters."""
    squares = residual_fit(scores, theta, found.parameters)
    complete = scores[~np.isnan(scores).any(axis=1)]
    by_score = score_fit(complete, found.parameters, found.model) if len(complete) >= MIN_FOR_FIT else None
    misfits = multiple_tests(by_score.p_value) if by_score else np.zeros(len(items), bool)
    for place, item in enumerate(items):
        item["fit"] = {name: plain(getattr(squares, name)[place]) for name in ("infit", "outfit")}
        item["fit"] |= {
            "s_x2": plain(by_score.statistic[place]) if by_score else None,
            "df": int(by_score.df[place]) if by_score else 0,
            "p": plain(by_score.p_value[place]) if by_score else None,
        }
        if misfits[place]:
            item["flags"].append("misfit")


def _residual_correlations(scores: FloatArray, parameters: Parameters, theta: FloatArray, least: int) -> FloatArray:
    """Return Q3 of every pair that enough persons answered both of."""
    q3 = residual_correlations(scores, theta, parameters)
    if least:
        seen = (~np.isnan(scores)).astype(np.float64)
        q3[seen.T @ seen < least] = np.nan
    return q3


def _dependent_pairs(items: list[dict[str, Any]], q3: FloatArray) -> list[dict[str, Any]]:
    """Return the pairs whose residuals go together, the strongest first, and flag both items."""
    first, second = np.triu_indices(len(items), 1)
    values = q3[first, second]
    if np.isnan(values).all():
        return []
    stand_out = np.flatnonzero(np.nan_to_num(values - np.nanmean(values)) > DEPENDENT)
    pairs = [(float(values[k]), items[first[k]], items[second[k]]) for k in stand_out]
    for _value, one, other in pairs:
        one["flags"].append(f"dependent_on:{other['item']}")
        other["flags"].append(f"dependent_on:{one['item']}")
    ordered = sorted(pairs, key=lambda pair: -pair[0])
    return [{"items": [one["item"], other["item"]], "q3": plain(value)} for value, one, other in ordered]
