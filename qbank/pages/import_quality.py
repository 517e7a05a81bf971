"""What the rules say about the items of a file, and what they are like, before they are imported."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass

from flask import Blueprint
from flask_babel import gettext as _

from kernel.db import db
from kernel.http import current_actor, render_page, requires
from kernel.identity.permissions import Permission
from qbank.pages.item_wording import place
from qbank.pages.wording import SEVERITY_KINDS, SEVERITY_LABELS
from qbank.repository.imports import get_run
from qbank.rules.lint import key_balance
from qbank.rules.lint.registry import BY_ID
from qbank.services import import_runs, lint
from qbank.services.import_runs import PreviewItem
from qbank.services.similar import FileMatch, similar_in_file

bp = Blueprint("import_quality", __name__, url_prefix="/imports")
MOST_ITEMS = 2_000
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class RuleLine:
    """How many items of the file a rule names, and the first of them."""

    id: str
    title: str
    kind: str
    label: str
    n: int
    places: str


@dataclass(frozen=True, slots=True)
class MatchLine:
    """An item of the file and what it is most like."""

    place: str
    text: str
    percent: str
    other: str


@dataclass(frozen=True, slots=True)
class QualityPage:
    """The summary of a file."""

    run_id: uuid.UUID
    file_name: str
    n_items: int
    n_looked_at: int
    rules: list[RuleLine]
    sets: list[str]
    matches: list[MatchLine]
    n_matches: int
    has_level: bool


@bp.get("/<uuid:run_id>/quality")
@requires(Permission.ITEM_IMPORT)
def show(run_id: uuid.UUID) -> tuple[str, int]:
    """Show the summary of a file that waits to be imported."""
    session, actor = db.session(), current_actor()
    run = get_run(session, run_id, actor=actor)
    items = import_runs.load_preview(run).items
    looked = items[:MOST_ITEMS]
    contents = [one.content for one in looked]
    level = run.standard_level_id
    matches = similar_in_file(session, actor, contents, standard_level_id=level) if level else {}
    page = QualityPage(
        run_id=run_id,
        file_name=run.file_name,
        n_items=len(items),
        n_looked_at=len(looked),
        rules=_rules(looked),
        sets=[_(one.template) % one.context for one in key_balance.findings(contents)],
        matches=[_match(looked, match) for match in sorted(matches.values(), key=lambda one: one.place)[:MOST_LINES]],
        n_matches=len(matches),
        has_level=level is not None,
    )
    return render_page("qbank/curation/import_quality.html", page)


def _rules(items: tuple[PreviewItem, ...]) -> list[RuleLine]:
    found = lint.lint_contents(db.session(), current_actor(), [one.content for one in items])
    counted: Counter[str] = Counter()
    places: dict[str, list[str]] = {}
    for item, hits in zip(items, found, strict=True):
        for rule in {hit.rule.id for hit in hits}:
            counted[rule] += 1
            places.setdefault(rule, []).append(place(item.locator))
    return [
        RuleLine(
            id=rule,
            title=_(BY_ID[rule].title),
            kind=SEVERITY_KINDS[BY_ID[rule].severity],
            label=_(SEVERITY_LABELS[BY_ID[rule].severity]),
            n=n,
            places="；".join(places[rule][:10]) + (" …" if n > 10 else ""),
        )
        for rule, n in counted.most_common()
    ]


def _match(items: tuple[PreviewItem, ...], match: FileMatch) -> MatchLine:
    other = match.code if match.other_place is None else place(items[match.other_place].locator)
    return MatchLine(place(items[match.place].locator), items[match.place].content.stem, f"{match.similarity}%", other)
