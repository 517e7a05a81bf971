"""Compare figures and times with R on the same data in one run: base R and what Debian packages hold (psych, eRm, psychotools).

Run ``python -m benchmarks.psychometrics_peers`` from the root of the repository, with ``Rscript`` on the path
(``apt-get install r-base-core r-cran-psych r-cran-erm r-cran-psychotools``). Without R it says so and stops. ``mirt``, ``ltm``,
``TAM``, ``difR`` and ``equate`` are no Debian packages: their published values stand in the tests instead.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.psychometrics import best, make_answers
from psychometrics.arrays import FloatArray
from psychometrics.behaviour import multiple_tests
from psychometrics.ctt import item_statistics, wilson_interval
from psychometrics.dif import logistic_dif, mantel_haenszel
from psychometrics.irt import Model, calibrate
from psychometrics.reliability import coefficient_alpha, item_covariance

BERKELEY = (
    (512, 313, 89, 19), (353, 207, 17, 8), (120, 205, 202, 391), (138, 279, 131, 244), (53, 138, 94, 299), (22, 351, 24, 317),
)  # fmt: skip
"""Bickel, Hammel & O'Connell (1975), Science 187, 398-404: men, then women, admitted and rejected, by department."""
N_DIF, N_FACTOR = 20, 30
RUNS = 3


@dataclass(frozen=True)
class Data:
    """The data that both sides read."""

    scores: FloatArray
    focal: FloatArray
    rasch: FloatArray
    chances: FloatArray


@dataclass(frozen=True)
class Task:
    """One piece of work: R's name for it, what it is, the largest difference that is no error, and our side."""

    name: str
    text: str
    tolerance: float
    work: Callable[[Data], FloatArray]


def make_data() -> Data:
    """Return answers of 10,000 persons to 100 items, a group, Rasch answers of 2,000 to 30, and p-values."""
    scores, _a, _b = make_answers(10_000, Model.TWO_PL)
    rng = np.random.default_rng(7)
    difficulty = np.linspace(-2, 2, 30)
    rasch = (rng.random((2_000, 30)) < 1 / (1 + np.exp(difficulty - rng.normal(size=(2_000, 1))))).astype(float)
    return Data(scores, (rng.random(len(scores)) < 0.4).astype(float), rasch, rng.beta(0.5, 1, 500))


def berkeley(_data: Data) -> FloatArray:
    """Return common odds ratio, chi-square and its chance for the Berkeley table."""
    rows = [
        (right, focal, department)
        for department, counts in enumerate(BERKELEY)
        for (right, focal), n in zip([(1, 0), (0, 0), (1, 1), (0, 1)], counts, strict=True)
        for _ in range(n)
    ]
    table = np.array(rows, float)
    found = mantel_haenszel(table[:, :1], table[:, 1] == 1, matching=table[:, 2])
    return np.array([found.odds_ratio[0], found.chi_square[0], found.p_value[0]])


def wilson(_data: Data) -> FloatArray:
    """Return the intervals of 1 to 50 out of 80."""
    return np.array(wilson_interval(np.arange(1, 51) / 80, np.full(50, 80.0))).T.ravel()


def all_mantel_haenszel(data: Data) -> FloatArray:
    """Return odds ratio and chi-square of every item."""
    found = mantel_haenszel(data.scores, data.focal == 1)
    return np.column_stack([found.odds_ratio, found.chi_square]).ravel()


def some_logistic(data: Data) -> FloatArray:
    """Return the likelihood-ratio statistics of the first items."""
    return logistic_dif(data.scores[:, :N_DIF], data.focal == 1, matching=data.scores.sum(axis=1)).both


def alpha(data: Data) -> FloatArray:
    """Return alpha and the item-rest correlations."""
    found = item_statistics(data.scores, np.ones(data.scores.shape[1]))
    return np.array([coefficient_alpha(item_covariance(data.scores)), *found.item_rest])


def two_pl(data: Data) -> FloatArray:
    """Return slopes, and slopes times difficulties, of the first items."""
    found = calibrate(data.scores[:, :N_FACTOR], Model.TWO_PL).parameters
    return np.concatenate([found.a, found.a * found.b])


def rasch(data: Data) -> FloatArray:
    """Return Rasch difficulties in logits, centred."""
    found = calibrate(data.rasch, Model.RASCH).parameters
    logits = found.a * found.b
    return logits - logits.mean()


TASKS = (
    Task("berkeley", "Mantel–Haenszel, Berkeley table: base R mantelhaen.test", 1e-6, berkeley),
    Task("wilson", "Wilson intervals, 50 shares: base R prop.test", 1e-9, wilson),
    Task("benjamini_hochberg", "Benjamini–Hochberg, 500 p-values: base R p.adjust", 0.0,
         lambda data: multiple_tests(data.chances).astype(float)),
    Task("mantel_haenszel", "Mantel–Haenszel, 10,000 × 100: base R mantelhaen.test", 1e-6, all_mantel_haenszel),
    Task("logistic", "logistic DIF (2 df), 10,000 × 20: base R glm", 1e-5, some_logistic),
    Task("psych_alpha", "alpha and item-rest correlations, 10,000 × 100: psych::alpha", 1e-6, alpha),
    Task("psych_irt_fa", "2PL, 10,000 × 30: psych::irt.fa (approximate, by tetrachorics)", 0.3, two_pl),
    Task("erm_rasch", "Rasch, 2,000 × 30: eRm::RM (conditional likelihood)", 0.02, rasch),
    Task("psychotools_rasch", "Rasch, 2,000 × 30: psychotools::raschmodel (conditional likelihood)", 0.02, rasch),
)  # fmt: skip


def run_r(data: Data) -> dict[str, tuple[float, FloatArray]]:
    """Return R's seconds and values by task; a package that is not installed leaves its tasks out."""
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(f"{folder}/scores.csv", data.scores, "%d", ",")
        np.savetxt(f"{folder}/rasch.csv", data.rasch, "%d", ",")
        np.savetxt(f"{folder}/focal.txt", data.focal, "%d")
        np.savetxt(f"{folder}/chances.txt", data.chances, "%.17g")
        script = Path(__file__).with_suffix(".R")
        done = subprocess.run(["Rscript", "--vanilla", str(script), folder], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 2]
    return {name: (float(seconds), np.array(values.split(), float)) for name, seconds, values in rows}


def row(task: Task, data: Data, peer: tuple[float, FloatArray] | None) -> str:
    """Return one row of the table."""
    seconds, values = best(lambda: task.work(data), RUNS)
    if peer is None:
        return f"| {task.text} | {seconds:.4f} | not installed | | |"
    gap = float(np.abs(values - peer[1]).max())
    verdict = "same" if gap <= task.tolerance else "DIFFERENT"
    return f"| {task.text} | {seconds:.4f} | {peer[0]:.3f} | {gap:.2g} | {task.tolerance:g}: {verdict} |"


def main() -> None:
    """Print the table; exit 1 where a figure differs, 2 without R."""
    if shutil.which("Rscript") is None:
        print("R is not installed: no peer to compare with (apt-get install r-base-core r-cran-psych r-cran-erm)")
        sys.exit(2)
    data = make_data()
    peers = run_r(data)
    rows = [row(task, data, peers.get(task.name)) for task in TASKS]
    print("| work, data: peer | ours, s | R, s | largest difference | tolerance |\n|---|---|---|---|---|")
    print("\n".join(rows))
    sys.exit(any("DIFFERENT" in text for text in rows))


if __name__ == "__main__":
    main()
