"""Find the greatest test information of a real pool under its real constraints, and compare it with the known optimum.

Run ``python -m benchmarks.assembly_pools --data FOLDER``, where the folder holds ``itempool_science_data.csv``,
``itemattrib_science_data.csv`` and ``constraints_science_data.csv`` (they belong to a package under the GPL and are not
shipped). The blueprint is the constraint table in the project's own terms; the cost of an item is the information it
lacks, so the cheapest form is the most informative one.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from blueprints.assembly.blueprint import Blueprint, parse_blueprint
from blueprints.assembly.columns import build_columns
from blueprints.assembly.draw import draw_disjoint
from blueprints.assembly.engine import verified
from blueprints.assembly.highs import Deadline
from blueprints.assembly.pool import PoolItem

KNOWN = {-1.0: 15.789288, 0.0: 19.798275, 1.0: 18.132015}
"""Optima that other solvers proved."""
RANGES = {"DRAG": [2, 4], "EQTN": [12, 15], "FILL": [1, 2], "GRAPH": [1, 3], "HOTS": [1, 3], "MATCH": [2, 4],
          "SRMU": [1, 2], "SRSI": [5, 8]}  # fmt: skip
CELLS = (
    ("S1", [17, 20]), ("S2 S4", [6, 8]), ("S3", [2, 4]), ("1A", [2, 3]), ("1B 1C 1I 1G", [5, 6]), ("1D 1F", [5, 6]),
    ("1E 1J 1K", [3, 4]), ("1H", [1, 1]), ("2A", [2, 2]), ("2B 2C 2D", [1, 1]), ("4A 4D", [1, 1]), ("4B 4E", [1, 1]),
    ("4C 4F", [1, 1]), ("3A 3D", [3, 3]), ("3B 3E", [2, 3]), ("3C 3F", [0, 3]),
)  # fmt: skip
DEEP = (("S1", 2, [7, 30]), ("S2 S4", 3, [2, 30]), ("S3", 3, [2, 30]))
N_ITEMS, MICRO, RUNS = 30, 1e6, 5
BEYOND = 9


def read_pool(folder: Path) -> list[PoolItem]:
    """Return the pool: standard and objective as point, level as difficulty, depth of knowledge as cognitive level."""
    with (folder / "itemattrib_science_data.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return [
        PoolItem(
            row["ID"], row["TYPE"], f"S{row['STANDARD']}-{row['OBJECTIVE']}", difficulty=int(row["LEVEL"]),
            cognitive=row["DOK"], enemies=("SC00002",) if row["ID"] == "SC00001" else (),
            item_set="together" if row["ID"] in ("SC00005", "SC00006") else None,
        )
        for row in rows
    ]  # fmt: skip


def read_information(folder: Path, theta: float) -> dict[str, float]:
    """Return each item's information: three-parameter logistic, or generalised partial credit."""
    with (folder / "itempool_science_data.csv").open() as stream:
        return {row["ID"]: _information(row, theta) for row in csv.DictReader(stream)}


def _information(row: dict[str, str], theta: float) -> float:
    a, *rest = (float(row[f"PAR{k}"]) for k in range(1, 5) if row[f"PAR{k}"] != "NA")
    if row["MODEL"] == "3PL":
        b, c = rest
        p = c + (1 - c) / (1 + np.exp(-a * (theta - b)))
        return float(a**2 * (1 - p) / p * ((p - c) / (1 - c)) ** 2)
    steps = np.concatenate([[0.0], np.cumsum(a * (theta - np.array(rest)))])
    p = np.exp(steps - steps.max())
    p /= p.sum()
    score = np.arange(len(p))
    return float(a**2 * (p @ score**2 - (p @ score) ** 2))


def weak_items(folder: Path) -> list[str]:
    """Return the items that the constraint table leaves out for their point-biserial."""
    with (folder / "itemattrib_science_data.csv").open() as stream:
        return [row["ID"] for row in csv.DictReader(stream) if float(row["PTBIS"]) < 0.15]


def make_blueprint(pool: list[PoolItem], weak: list[str]) -> Blueprint:
    """Return constraints C1 to C36 in the terms of a blueprint."""
    kinds, points = sorted({item.type for item in pool}), sorted({item.point for item in pool})
    return parse_blueprint({
        "n_items": N_ITEMS,
        "types": [{"type": kind, "count": RANGES.get(kind, [0, N_ITEMS]), "score_each": 1} for kind in kinds],
        "difficulty": {"counts": {"3": 10, "4": 10, "5": 10}},
        "cells": [
            *({"scope": _scopes(names, points), "count": count} for names, count in CELLS),
            *({"scope": _scopes(names, points), "cognitive": [str(n) for n in range(least, BEYOND)], "count": count}
              for names, least, count in DEEP),
        ],
        "include": ["SC00003", "SC00004"], "exclude": weak,
    })  # fmt: skip


def _scopes(names: str, points: list[str]) -> list[str]:
    """Return standards as scopes, and objectives as the points of every standard that has them."""
    wanted = names.split()
    return [name for name in wanted if name[0] == "S"] + [
        point for point in points if point.partition("-")[2] in wanted
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the three files")
    folder = parser.parse_args().data
    pool = read_pool(folder)
    blueprint = make_blueprint(pool, weak_items(folder))
    print("| theta | information | known optimum | status | wall, best | processor, best |\n|---|---|---|---|---|---|")
    for theta, known in KNOWN.items():
        wall, processor, found = [], [], read_information(folder, theta)
        for _ in range(RUNS):
            start, used = time.perf_counter(), time.process_time()
            columns = build_columns(pool, blueprint)
            information = np.array([found[item.id] for item in columns.items])
            cost = np.round((information.max() - information) * MICRO).astype(np.int64)
            draw = draw_disjoint(blueprint, replace(columns, cost=cost), 1, Deadline(60))
            verified(draw.forms, blueprint, columns)
            wall.append(time.perf_counter() - start)
            processor.append(time.process_time() - used)
        got = float(information[list(draw.forms[0])].sum())
        print(f"| {theta:g} | {got:.6f} | {known:.6f} | {draw.status} | {min(wall):.3f} s | {min(processor):.3f} s |")


if __name__ == "__main__":
    main()
