"""The outcome of one form a candidate as its page shows it: exposure, overlap, spread, rules, and the forms by pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import AssemblyRun
from blueprints.pages.outcome import FormView, check_range, form_view, load_stems, plain_figure
from blueprints.pages.wording import say, type_label
from blueprints.rules.fly_outcomes import dealt_items, set_label
from blueprints.rules.specs import blueprint_of
from blueprints.services.bank import scope_lines
from kernel.http import Paging
from kernel.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule over all forms: what it asks for, and the least and greatest value reached."""

    text: str
    wanted: str
    got: str
    met: bool


@dataclass(frozen=True, slots=True)
class FlyForm:
    """One line of the table of forms."""

    number: int
    label: str
    difficulty: str
    information: str
    most_shared: int


@dataclass(frozen=True, slots=True)
class FlyView:
    """Everything the page shows of very many forms."""

    exposure: Mapping[str, Any]
    rate: str
    least_rate: str
    allowed_rate: str
    multiple: str
    uses: list[dict[str, Any]]
    overlap: Mapping[str, Any]
    difficulty: Sequence[float] | None
    information: Sequence[Sequence[float]]
    distances: list[str]
    rules: list[RuleLine]
    forms: list[FlyForm]


def fly_view(session: Session, actor: Actor, run: AssemblyRun, paging: Paging) -> FlyView:
    """Return the figures of a finished run and one page of its forms."""
    result: Mapping[str, Any] = run.result or {}
    scopes = {line.code: line for line in scope_lines(session, actor, run.standard_level_id)}
    exposure, figures = result["exposure"], result["figures"]
    least, rate = exposure["least_rate"], exposure["rate"]
    rules = [
        RuleLine(
            say(one["text"], scopes, one["rule"]), check_range(*one["wanted"]), _reached(one["least"], one["most"]),
            not one["n_broken"],
        )
        for one in result["rules"]
    ]  # fmt: skip
    return FlyView(
        exposure=exposure, rate=_percent(rate), least_rate=_percent(least),
        allowed_rate=_percent(exposure["allowed_uses"] / run.n_forms),
        multiple=f"{rate / least:.2f}" if least else "–",
        uses=[{"label": _("%(n)s 份", n=label), "count": count} for label, count in figures["uses"]],
        overlap=figures["overlap"], difficulty=figures["difficulty"], information=figures["information"] or [],
        distances=[_percent(one) for one in exposure["distances"]], rules=rules,
        forms=_forms(figures["forms"], paging),
    )  # fmt: skip


def _forms(rows: Sequence[Sequence[Any]], paging: Paging) -> list[FlyForm]:
    shown = list(enumerate(rows, 1))[paging.offset : paging.offset + paging.per_page]
    return [
        FlyForm(number, set_label(number), _known(level), _known(told), most) for number, (level, told, most) in shown
    ]


def fly_form(session: Session, actor: Actor, run: AssemblyRun, number: int) -> tuple[list[str], FormView]:
    """Return the types of the blueprint and one form of a run in full; stems only while the forms are not taken over."""
    blueprint = blueprint_of(run.spec)
    scopes = {line.code: line for line in scope_lines(session, actor, run.standard_level_id)}
    form = {"items": dealt_items(run.result or {}, number - 1), "checks": []}
    stems = {} if run.accepted_at else load_stems(session, actor, [form])
    used = repository.items_in_other_forms(session, run.standard_level_id, run.assembly_run_id, actor=actor)
    columns = [type_label(rule.type) for rule in blueprint.types if rule.count]
    return columns, form_view(set_label(number), form, (blueprint, scopes), stems, {str(one) for one in used})


def _reached(least: str, most: str) -> str:
    low, high = plain_figure(least), plain_figure(most)
    return low if low == high else f"{low}～{high}"


def _percent(share: float) -> str:
    return f"{Decimal(str(100 * share)):.2f}%"


def _known(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
