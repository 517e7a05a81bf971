"""Time item analysis, item bias and calibration on simulated answers of 1,000 to 100,000 persons.

Run ``python -m benchmarks.psychometrics`` from the root of the repository; ``--small`` leaves 100,000 persons out. Every
time is the best of several runs; parameters are compared with those that made the answers, and where the package
``girth`` is installed it calibrates the same data.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from psychometrics.arrays import FloatArray
from psychometrics.ctt import item_statistics
from psychometrics.dif import logistic_dif, mantel_haenszel
from psychometrics.irt import Calibration, Model, calibrate
from psychometrics.irt_errors import standard_errors
from psychometrics.reliability import alpha_if_deleted, coefficient_alpha, item_covariance

N_ITEMS = 100
RUNS = {1_000: 5, 10_000: 3, 100_000: 2}


def make_answers(n: int, model: Model) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return answers with the slopes and difficulties that made them."""
    rng = np.random.default_rng(20)
    a = np.ones(N_ITEMS) if model is Model.RASCH else rng.lognormal(0, 0.3, N_ITEMS)
    b = rng.normal(size=N_ITEMS)
    c = 0.2 if model is Model.THREE_PL else 0.0
    chance = c + (1 - c) / (1 + np.exp(-a * (rng.normal(size=(n, 1)) - b)))
    return (rng.random((n, N_ITEMS)) < chance).astype(np.float64), a, b


def best(work: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Return the shortest time and the last result."""
    times, result = [], None
    for _ in range(runs):
        begin = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begin)
    return min(times), result


def classical(scores: FloatArray) -> float:
    """Return alpha after the full classical table."""
    item_statistics(scores, np.ones(scores.shape[1]))
    covariance = item_covariance(scores)
    alpha_if_deleted(covariance)
    return coefficient_alpha(covariance)


def line(name: str, n: int, seconds: float, note: str = "") -> None:
    """Print one row of the table."""
    print(f"| {name} | {n:,} x {N_ITEMS} | {seconds:.3f} | {note} |")


def rmse(found: FloatArray, truth: FloatArray) -> float:
    """Return the root of the mean squared difference."""
    return float(np.sqrt(np.mean((found - truth) ** 2)))


def report_calibration(n: int, model: Model) -> None:
    """Time one model and its standard errors."""
    scores, a, b = make_answers(n, model)
    found: Calibration
    seconds, found = best(lambda: calibrate(scores, model), RUNS[n])
    error = f"RMSE a {rmse(found.parameters.a, a):.4f}, b {rmse(found.parameters.b, b):.4f}"
    note = f"log-likelihood {found.log_likelihood:.2f}, {found.n_iterations} passes, {error}"
    line(f"calibration {model.value}", n, seconds, note + ("" if found.converged else ", not converged"))
    seconds, errors = best(lambda: standard_errors(scores, found), 1)
    line(f"standard errors {model.value}", n, seconds, errors.method)


def report_peer(n: int) -> None:
    """Time girth on the same 2PL answers where it is installed."""
    if importlib.util.find_spec("girth") is None:
        return
    from girth import twopl_mml

    scores, a, b = make_answers(n, Model.TWO_PL)
    seconds, found = best(lambda: twopl_mml(scores.T.astype(int)), 1)
    error = f"RMSE a {rmse(found['Discrimination'], a):.4f}, b {rmse(found['Difficulty'], b):.4f}"
    line("girth 2pl", n, seconds, error)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--small", action="store_true", help="leave 100,000 persons out")
    sizes = [n for n in RUNS if n < 100_000 or not parser.parse_args().small]
    print("| work | persons x items | seconds | |\n|---|---|---|---|")
    for n in sizes:
        scores, _, _ = make_answers(n, Model.TWO_PL)
        focal = np.arange(n) % 2 == 0
        seconds, alpha = best(lambda scores=scores: classical(scores), RUNS[n])
        line("classical table", n, seconds, f"alpha {alpha:.4f}")
        line("Mantel-Haenszel", n, best(lambda scores=scores, focal=focal: mantel_haenszel(scores, focal), RUNS[n])[0])
        line("logistic regression", n, best(lambda scores=scores, focal=focal: logistic_dif(scores, focal), RUNS[n])[0])
        for model in Model:
            report_calibration(n, model)
    report_peer(1_000)


if __name__ == "__main__":
    main()
