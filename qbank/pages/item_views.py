"""Views of the item list that people keep, and tags of one item."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, requires
from kernel.uow import unit_of_work
from qbank.pages.items import READ, VIEW_FIELDS
from qbank.pages.wording import act_and_return, form_text, refusal
from qbank.services import curation

bp = Blueprint("item_views", __name__, url_prefix="/items")


@bp.post("/views")
@requires(*READ)
def save() -> Response:
    """Keep the filters of the address under a name."""
    parameters = {name: value for name in VIEW_FIELDS if (value := request.args.get(name, "").strip()[:100])}
    address = url_for("items.index") + "?" + urlencode(parameters)
    try:
        with unit_of_work(current_actor()) as uow:
            view = curation.save_view(
                uow, name=form_text("name"), parameters=parameters, is_shared=form_text("shared") == "1"
            )
    except InvalidInputError as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, _("视图“%(name)s”已保存", name=view.name))


@bp.post("/views/<uuid:saved_view_id>/remove")
@requires(*READ)
def remove(saved_view_id: uuid.UUID) -> Response:
    """Throw away a view of one's own."""
    return act_and_return(url_for("items.index"), _("视图已删除"), lambda uow: curation.remove_view(uow, saved_view_id))
