"""What stands beside an item: hits of rules with their waivers, similar items, enemies, tags and figures."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel import profiles
from kernel.db import db
from kernel.errors import DomainError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import user_names
from kernel.uow import UnitOfWork, unit_of_work
from psychometrics.ctt import wilson_interval
from qbank.models.curation import ItemPair, ItemStatistics, LintWaiver
from qbank.models.items import Item
from qbank.pages.curation_wording import LintView, SimilarView, lint_views, similar_views
from qbank.pages.items import READ
from qbank.pages.wording import form_text, refusal
from qbank.repository import curation as curation_repository
from qbank.repository import items as repository
from qbank.repository import pairs as pair_repository
from qbank.rules.pairs import ORIGIN_LABELS, STATE_LABELS
from qbank.rules.statistics import ALIKE_LABELS, CARRIER_LABELS, LEAST_ANSWERS, Carrier
from qbank.services import curation, disclosures, duplicates, lint, statistics
from qbank.services import items as services
from qbank.services.similar import similar_items
from qbank.services.statistics import PooledRow

ABOUT_KEYS = frozenset({"longest_key", "clue_words", "absolute_words", "similar_options"})
"""Rules whose words let the reader guess the key: seeing them is noted as seeing it."""
OF_SESSION = re.compile(r"exam_session:([0-9a-f-]{36}):([0-9a-f-]{36})")
"""The source of figures that come from a form of a session."""

bp = Blueprint("item_curation", __name__, url_prefix="/items")


@dataclass(frozen=True, slots=True)
class WaivedLine:
    """A waived hit with who waived it and why."""

    view: LintView
    waiver: LintWaiver
    by: str


@dataclass(frozen=True, slots=True)
class PairLine:
    """Another item with which this one makes a pair."""

    pair: ItemPair
    other: Item
    origin: str
    state: str


@dataclass(frozen=True, slots=True)
class FigureLine:
    """What one analysis found about one version on one carrier; `interval` is None where nothing was measured."""

    figures: ItemStatistics
    number: int
    source: str
    href: str
    carrier: str
    interval: tuple[float, float] | None
    is_enough: bool


@dataclass(frozen=True, slots=True)
class ChecksPage:
    """Everything that stands beside an item."""

    item: Item
    findings: list[LintView]
    waived: list[WaivedLine]
    similar: list[SimilarView]
    pairs: list[PairLine]
    tags: Sequence[str]
    statistics: Sequence[FigureLine]
    least: int
    pooled: PooledRow | None
    alike: str
    may_write: bool
    may_decide: bool


@bp.get("/<uuid:item_id>/checks")
@requires(*READ)
def checks(item_id: uuid.UUID) -> tuple[str, int] | str:
    """Show what stands beside an item; as a fragment inside its page."""
    item = repository.get_item(db.session(), item_id, actor=current_actor())
    page = checks_page(item)
    if request.headers.get("HX-Request"):
        return render_template("qbank/curation/checks_fragment.html", page=page)
    return render_page("qbank/curation/checks.html", page)


def checks_page(item: Item) -> ChecksPage:
    """Return what stands beside an item."""
    session, actor = db.session(), current_actor()
    version = repository.get_versions(session, [item.current_version_id])[item.current_version_id]
    content = services.content_of(version)
    result = lint.lint_item(session, actor, item.item_id, content)
    if any(one.rule.id in ABOUT_KEYS for one in (*result.findings, *(hit for hit, _waiver in result.waived))):
        disclosures.disclose(session, actor, item, item.current_version_id, way="page")
    pairs = pair_repository.pairs_of_item(session, item.item_id, actor=actor)
    may_write = actor.may(Permission.ITEM_WRITE)
    figures = curation_repository.statistics_of(session, item.item_id)
    pooled = _pooled(figures, actor)
    least = int(profiles.value(session, actor.organisation, LEAST_ANSWERS.name))
    return ChecksPage(
        item=item,
        findings=lint_views(result.findings),
        waived=_waived(result),
        similar=similar_views(similar_items(session, actor, content, item_id=item.item_id)),
        pairs=[
            PairLine(pair, other, _(ORIGIN_LABELS[pair.origin]), _(STATE_LABELS[pair.state])) for pair, other in pairs
        ],
        tags=curation_repository.tags_of(session, [item.item_id])[item.item_id],
        statistics=figure_lines(figures, least),
        least=least,
        pooled=pooled,
        alike=_(ALIKE_LABELS[pooled.alike]) if pooled else "",
        may_write=may_write,
        may_decide=may_write and actor.may(Permission.ITEM_READ),
    )


def _pooled(rows: Sequence[tuple[ItemStatistics, int]], actor: Actor) -> PooledRow | None:
    """Return what items alike say of the version in use."""
    versions = list(dict.fromkeys(one.item_version_id for one, _number in rows))
    found = statistics.pooled_of_versions(db.session(), versions, organisation_id=actor.organisation)
    return next(iter(found.values()), None)


def figure_lines(rows: Sequence[tuple[ItemStatistics, int]], least: int) -> list[FigureLine]:
    """Return the figures of an item; all carriers together only where there are several, or nobody noted which."""
    carriers: dict[tuple[uuid.UUID, str], int] = {}
    for one, _number in rows:
        if one.carrier is not Carrier.ALL:
            key = (one.item_version_id, one.source)
            carriers[key] = carriers.get(key, 0) + 1
    return [
        _figure_line(one, number, least)
        for one, number in rows
        if one.carrier is not Carrier.ALL or carriers.get((one.item_version_id, one.source)) != 1
    ]


def _figure_line(one: ItemStatistics, number: int, least: int) -> FigureLine:
    interval = None
    if one.proportion_correct is not None and one.n:
        low, high = wilson_interval([one.proportion_correct], [one.n])
        interval = (float(low[0]), float(high[0]))
    sat = OF_SESSION.fullmatch(one.source)
    href = ""
    if sat and current_actor().may(Permission.STATISTICS_READ):
        href = url_for("analyses.report", exam_session_id=sat[1], form_id=sat[2])
    source = _("场次统计") if sat else one.source
    return FigureLine(one, number, source, href, _(CARRIER_LABELS[one.carrier]), interval, one.n >= least)


def _waived(result: lint.ItemLint) -> list[WaivedLine]:
    names = user_names(db.session(), [one.created_by for _hit, one in result.waived if one.created_by])
    return [
        WaivedLine(lint_views([hit])[0], waiver, names.get(waiver.created_by, "") if waiver.created_by else "")
        for hit, waiver in result.waived
    ]


def _act(item_id: uuid.UUID, message: str, act: Callable[[UnitOfWork], object]) -> Response:
    address = url_for("items.detail", item_id=item_id)
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except DomainError as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, message)


@bp.post("/<uuid:item_id>/waivers")
@requires(Permission.ITEM_WRITE)
def waive(item_id: uuid.UUID) -> Response:
    """Let a rule not count for an item, or count again."""
    rule, reason = form_text("rule"), form_text("reason")
    if form_text("act") == "withdraw":
        return _act(item_id, _("豁免已撤销"), lambda uow: lint.withdraw_waiver(uow, item_id, rule))
    return _act(item_id, _("已豁免，审题人会看到理由"), lambda uow: lint.waive(uow, item_id, rule, reason=reason))


@bp.post("/<uuid:item_id>/tags")
@requires(Permission.ITEM_WRITE)
def tag(item_id: uuid.UUID) -> Response:
    """Put a tag on an item, or take one off."""
    change = curation.remove_tag if form_text("act") == "remove" else curation.add_tag
    return _act(item_id, _("标签已更新"), lambda uow: change(uow, [item_id], form_text("tag")))


@bp.post("/<uuid:item_id>/enemies")
@requires(Permission.ITEM_WRITE)
def add_enemy(item_id: uuid.UUID) -> Response:
    """Declare another item the enemy of this one."""

    def act(uow: UnitOfWork) -> None:
        duplicates.add_enemies(
            uow, item_id, form_text("code"), is_transitive=form_text("transitive") == "1", reason=form_text("reason")
        )

    return _act(item_id, _("已设为互斥，组卷时不会同时出现"), act)
