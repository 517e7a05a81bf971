"""Printing a form or its key; every download is recorded like a look."""

from __future__ import annotations

import io
import uuid

from flask import Blueprint, request, send_file
from werkzeug.wrappers import Response

from blueprints.services import prints
from kernel.db import db
from kernel.http import current_actor, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("form_prints", __name__, url_prefix="/forms")


@bp.post("/<uuid:form_id>/print")
@requires(Permission.FORM_READ)
def download(form_id: uuid.UUID) -> Response:
    """Answer a form or its key as PDF or Word."""
    document, file_format = request.form.get("document", ""), request.form.get("format", "")
    with unit_of_work(current_actor()) as uow:
        prints.record_print(uow, form_id, document=document, file_format=file_format)
    sheet = prints.print_form(db.session(), current_actor(), form_id, document=document, file_format=file_format)
    return send_file(io.BytesIO(sheet.data), sheet.mime, as_attachment=True, download_name=sheet.name)
