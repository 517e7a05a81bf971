"""The letter about parts that stay valid, to download."""

from __future__ import annotations

import uuid

from flask import Blueprint
from werkzeug.wrappers import Response

from certification.pages.wording import PDF, download
from certification.services import part_letters as services
from kernel.errors import NotFoundError
from kernel.http import current_actor, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work

bp = Blueprint("cert_part_letters", __name__, url_prefix="/certification/candidates")
MIME = {"pdf": PDF, "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}


@bp.post("/<uuid:record_id>/part-letter/<file_type>")
@requires(Permission.CERTIFICATION_WRITE)
def letter(record_id: uuid.UUID, file_type: str) -> Response:
    """Hand out the letter; noted in the journal, hence a post."""
    if file_type not in MIME:
        raise NotFoundError(N_("文件不存在"))
    with unit_of_work(current_actor()) as uow:
        name, content = services.make_letter(uow, record_id, file_type)
    return download(name, content, MIME[file_type])
