"""The rules of good items: their catalogue, a level's report, and the organisation's own words."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import MenuEntry, current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.curation import CurationRun, SensitiveWord
from qbank.models.items import Item
from qbank.pages.item_wording import Options, level_options, level_title, uuid_or_none
from qbank.pages.wording import SEVERITY_KINDS, SEVERITY_LABELS, Errors, act_and_return, field_errors, form_text
from qbank.repository import curation as repository
from qbank.repository import items as item_repository
from qbank.repository import standards
from qbank.rules.lint.model import LintRule
from qbank.rules.lint.registry import RULES, SET_RULE
from qbank.services import lint

bp = Blueprint("lint", __name__, url_prefix="/lint")
MENU = (
    MenuEntry(
        N_("标准与题库"), N_("命题规则"), "lint.catalogue", (Permission.ITEM_READ, Permission.ITEM_READ_OWN),
        icon="check-circle", order=60,
    ),
)  # fmt: skip
SHAPES = {"true_false": N_("判断题")}


@dataclass(frozen=True, slots=True)
class RuleCard:
    """A rule of the catalogue in the reader's language."""

    id: str
    title: str
    kind: str
    label: str
    explanation: str
    bad: str
    good: str
    basis: str


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """All rules, and the levels whose report may be seen."""

    cards: list[RuleCard]
    levels: Options
    may_check: bool
    may_list_words: bool


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many items of a level a rule names."""

    card: RuleCard
    n: int
    share: str
    href: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class SpreadLine:
    """Where the keys of a shape stand."""

    label: str
    bars: list[dict[str, object]]
    is_uneven: bool
    longest_run: int


@dataclass(frozen=True, slots=True)
class LevelLintPage:
    """The report of a level."""

    standard_level_id: uuid.UUID
    title: str
    run: CurationRun | None
    counts: list[RuleCount]
    spreads: list[SpreadLine]
    items: Sequence[Item]
    rule_title: str
    n_of_rule: int


@dataclass(frozen=True, slots=True)
class WordsPage:
    """The words that an organisation lists."""

    words: list[SensitiveWord]
    known: list[SensitiveWord]
    values: dict[str, str]
    errors: Errors = field(default_factory=dict)


def rule_card(rule: LintRule) -> RuleCard:
    """Return a rule in the reader's language."""
    return RuleCard(
        id=rule.id, title=_(rule.title), kind=SEVERITY_KINDS[rule.severity], label=_(SEVERITY_LABELS[rule.severity]),
        explanation=_(rule.explanation), bad=_(rule.bad), good=_(rule.good), basis=_(rule.basis),
    )  # fmt: skip


@bp.get("/")
@requires(Permission.ITEM_READ, Permission.ITEM_READ_OWN)
def catalogue() -> tuple[str, int]:
    """Show all rules with their examples."""
    actor = current_actor()
    may_check = actor.may(Permission.ITEM_READ)
    page = CataloguePage(
        cards=[rule_card(rule) for rule in (*RULES, SET_RULE)],
        levels=level_options(db.session(), actor) if may_check else [],
        may_check=may_check,
        may_list_words=may_check and actor.may(Permission.ITEM_WRITE),
    )
    return render_page("qbank/curation/rules.html", page)


@bp.get("/levels")
@requires(Permission.ITEM_READ)
def choose() -> Response:
    """Go to the report of the level that was chosen."""
    level_id = uuid_or_none(request.args.get("level", ""))
    if level_id is None:
        return redirect_with_message(url_for("lint.catalogue"), _("请先选择标准等级"), "warning")
    return redirect_with_message(url_for("lint.level", level_id=level_id), _("以下为最近一次检查的结果"), "info")


@bp.get("/levels/<uuid:level_id>")
@requires(Permission.ITEM_READ)
def level(level_id: uuid.UUID) -> tuple[str, int]:
    """Show how many items each rule names in a level, and the items of one rule."""
    session, actor = db.session(), current_actor()
    row = standards.get_level(session, level_id, actor=actor)
    run = repository.find_run(session, level_id, "lint", actor=actor)
    wanted = request.args.get("rule", "")
    report = run.report if run else {"counts": {}, "items": {}, "spreads": []}
    keys = [uuid.UUID(key) for key in report["items"].get(wanted, [])]
    page = LevelLintPage(
        standard_level_id=level_id,
        title=level_title(row),
        run=run,
        counts=_counts(level_id, report["counts"], run.n_items if run else 0, wanted),
        spreads=[_spread(one) for one in report["spreads"]],
        items=item_repository.list_by_ids(session, keys, actor=actor),
        rule_title=next((_(rule.title) for rule in RULES if rule.id == wanted), ""),
        n_of_rule=report["counts"].get(wanted, 0),
    )
    return render_page("qbank/curation/lint_level.html", page)


def _counts(level_id: uuid.UUID, counts: dict[str, int], n_items: int, wanted: str) -> list[RuleCount]:
    return [
        RuleCount(
            card=rule_card(rule),
            n=counts.get(rule.id, 0),
            share=f"{counts.get(rule.id, 0) / max(1, n_items):.1%}",
            href=url_for("lint.level", level_id=level_id, rule=rule.id),
            is_open=rule.id == wanted,
        )
        for rule in sorted(RULES, key=lambda rule: -counts.get(rule.id, 0))
    ]


def _spread(one: dict[str, object]) -> SpreadLine:
    shape = str(one["shape"])
    label = _(SHAPES[shape]) if shape in SHAPES else _("%(n)s 个选项的单选题", n=shape.rpartition("_")[2])
    counts: list[tuple[str, int]] = one["counts"]  # type: ignore[assignment]  # as the report keeps them
    bars: list[dict[str, object]] = [{"label": name, "value": n} for name, n in counts]
    return SpreadLine(label, bars, bool(one["uneven"]), int(str(one["run"])))


@bp.post("/levels/<uuid:level_id>/run")
@requires(Permission.ITEM_READ)
def run(level_id: uuid.UUID) -> Response:
    """Ask for the check of a level."""
    with unit_of_work(current_actor()) as uow:
        job = lint.start_lint(uow, level_id)
    return redirect_with_message(url_for("jobs.detail", job_id=job.job_id), _("检查已开始"))


@bp.get("/words")
@requires(Permission.ITEM_RETIRE)
def words() -> tuple[str, int]:
    """Show the organisation's words."""
    return _words({})


def _words(errors: Errors) -> tuple[str, int]:
    rows = repository.sensitive_words(db.session(), current_actor().organisation)
    page = WordsPage(
        words=[row for row in rows if not lint.is_abbreviation(row)],
        known=[row for row in rows if lint.is_abbreviation(row)],
        values=request.form.to_dict() if errors else {},
        errors=errors,
    )
    return render_page("qbank/curation/words.html", page, status=422 if errors else 200)


@bp.post("/words")
@requires(Permission.ITEM_RETIRE)
def add_words() -> tuple[str, int] | Response:
    """List words."""
    try:
        with unit_of_work(current_actor()) as uow:
            n = lint.add_words(
                uow, form_text("words"), advice=form_text("advice"), is_known=form_text("kind") == "known"
            )
    except InvalidInputError as exc:
        return _words(field_errors(exc))
    return redirect_with_message(url_for("lint.words"), _("已列入 %(n)s 个词", n=n))


@bp.post("/words/<uuid:word_id>/remove")
@requires(Permission.ITEM_RETIRE)
def remove_word(word_id: uuid.UUID) -> Response:
    """Take a word off the list."""
    return act_and_return(url_for("lint.words"), _("已移出词表"), lambda uow: lint.remove_word(uow, word_id))
