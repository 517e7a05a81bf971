"""Read item files, apply the lint rules, and draw a seeded sample of hits for people to judge.

    .venv/bin/python tools/lint_precision.py FOLDER [--per-rule 20] [--seed 7] [--rule ID …]

Prints how many items each rule names, and up to `--per-rule` hits of each with the place they come from. The judged
table stands in docs/lint.md. Nothing is written.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from item_templates.contract import ItemContent
from item_templates.markup import one_line
from qbank.interchange.convert import read_items
from qbank.rules.lint import key_balance
from qbank.rules.lint.model import ItemText
from qbank.rules.lint.registry import LintFinding, lint

Case = tuple[str, ItemContent, LintFinding]


def read_folder(folder: Path) -> dict[str, list[ItemContent]]:
    """Return the items of every file that is understood, by file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix.lower() in {".md", ".sql"} or path.name == "expected.csv":
            continue
        report = read_items(path.read_bytes(), path.name)
        if report.error is None:
            found[str(path.relative_to(folder))] = [one.item.content for one in report.items]
    return found


def distinct(files: dict[str, list[ItemContent]]) -> list[tuple[str, ItemContent]]:
    """Return the items of all files, those that several files repeat only once."""
    seen: dict[tuple[str, ...], tuple[str, ItemContent]] = {}
    for name, contents in files.items():
        for content in contents:
            text = ItemText(content)
            seen.setdefault((content.type, text.stem, *text.choices), (name, content))
    return list(seen.values())


def show(case: Case) -> str:
    """Return a hit with its item on a few lines."""
    name, content, found = case
    text = ItemText(content)
    message = found.hit.template % found.hit.params if found.hit.params else found.hit.template
    options = "  ".join(
        f"{'*' if is_key else ''}{letter}.{option}"
        for letter, option, is_key in zip(text.letters, text.choices, text.keyed, strict=True)
    )
    key = f" [{content.key}]" if text.is_judgement else ""
    return f"  - {one_line(content.stem)}{key}\n    {options}\n    → {message}   ({name})"


def main() -> int:
    """Read, apply, count and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-rule", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rule", action="append", default=[])
    arguments = parser.parse_args()
    files = read_folder(arguments.folder)
    items = distinct(files)
    hits: defaultdict[str, list[Case]] = defaultdict(list)
    for name, content in items:
        for found in {one.rule.id: one for one in reversed(lint(content))}.values():
            hits[found.rule.id].append((name, content, found))
    print(f"{len(files)} files, {sum(map(len, files.values()))} items, {len(items)} different")
    for rule, cases in sorted(hits.items(), key=lambda entry: -len(entry[1])):
        if arguments.rule and rule not in arguments.rule:
            continue
        print(f"\n== {rule}: {len(cases)} items ({len(cases) / len(items):.1%})")
        drawn = random.Random(f"{arguments.seed}{rule}").sample(cases, min(arguments.per_rule, len(cases)))  # noqa: S311 - a sample, no secret
        print("\n".join(map(show, drawn)))
    print("\n== key_balance, by file")
    for name, contents in files.items():
        for finding in key_balance.findings(contents):
            print(f"  {name}: {finding.template % finding.context}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
