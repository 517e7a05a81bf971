"""The authors' guides in the product: one page an item type, with its example as a candidate and a reviewer see it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from flask import Blueprint, url_for
from markupsafe import Markup

from item_templates import registry
from item_templates.canonical import item_from_json
from item_templates.contract import ItemContent
from item_templates.guides import guide_html, guide_source
from kernel.errors import NotFoundError
from kernel.http import render_page, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from qbank.pages.item_wording import Options, type_label, type_options

bp = Blueprint("item_guides", __name__, url_prefix="/items/guides")
READERS = (Permission.ITEM_WRITE, Permission.ITEM_REVIEW, Permission.ITEM_READ)


@dataclass(frozen=True, slots=True)
class GuidePage:
    """The guide of one item type with its example, and the way to the others."""

    type: str
    type_label: str
    body: Markup
    content: ItemContent
    item_template: str
    review_template: str
    others: Options

    @property
    def has_example(self) -> bool:
        """Whether the example can be shown: one with pictures only in the bank that holds them."""
        return not self.content.media


@bp.get("/")
@requires(*READERS)
def index() -> tuple[str, int]:
    """Show the guide of the first item type."""
    return _page(registry.all_types()[0].name)


@bp.get("/<name>")
@requires(*READERS)
def show(name: str) -> tuple[str, int]:
    """Show the guide of an item type."""
    if name not in dict(type_options()):
        raise NotFoundError(N_("没有这种题型"))
    return _page(name)


def _page(name: str) -> tuple[str, int]:
    item_type = registry.get(name)
    page = GuidePage(
        type=name,
        type_label=type_label(name),
        body=Markup(guide_html(guide_source(item_type))),  # noqa: S704 - our own text, escaped where it is written
        content=item_from_json(json.loads(registry.example_text(item_type))).content,
        item_template=registry.template_name(item_type, "item"),
        review_template=registry.template_name(item_type, "review"),
        others=[(url_for("item_guides.show", name=one), label) for one, label in type_options()],
    )
    return render_page("qbank/items/guide.html", page)
