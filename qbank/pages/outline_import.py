"""Importing an outline: upload, look at the findings, confirm. The file travels in the form: nothing is kept before."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import Upload, current_actor, redirect_with_message, render_page, requires, uploaded_file
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.pages.outlines import LevelHead, importance_options, level_head
from qbank.pages.wording import Errors, Remark, field_errors, form_text, refusal, remarks
from qbank.rules.outline import Importance
from qbank.rules.outline_builder import Difference
from qbank.rules.outline_layouts import ParsedOutline
from qbank.rules.readiness import check_outline
from qbank.rules.standards import LAYOUT_LABELS
from qbank.services import outline_import as services
from qbank.services import outlines as outline_services

bp = Blueprint("outline_import", __name__, url_prefix="/standards/levels")

MAX_BYTES = 2_000_000
SHOWN_CODES = 30
FIGURE_LABELS = {"ratio": N_("重要程度比例"), "weight": N_("鉴定比重"), "score": N_("分值之和")}


@dataclass(frozen=True, slots=True)
class UploadPage:
    """Choosing a file."""

    head: LevelHead
    importance_options: list[tuple[str, str]]
    n_points: int
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """What the file holds and what saving it would do."""

    head: LevelHead
    file_name: str
    payload: str
    default_importance: str
    parsed: ParsedOutline
    layout_label: str
    remarks: list[Remark]
    readiness: list[Remark]
    differences: tuple[Difference, ...]
    figure_labels: dict[str, str]
    changes: services.OutlineChanges
    n_old: int
    shown_codes: int = SHOWN_CODES


@bp.get("/<uuid:level_id>/import")
@requires(Permission.STANDARD_WRITE)
def upload(level_id: uuid.UUID) -> tuple[str, int]:
    """Show the form for a file."""
    return _upload_page(level_id, {})


def _upload_page(level_id: uuid.UUID, errors: Errors) -> tuple[str, int]:
    level, tree = outline_services.load_level_tree(db.session(), current_actor(), level_id)
    page = UploadPage(level_head(level, "outline"), importance_options(), tree.n_points, errors)
    return render_page("qbank/standards/import_upload.html", page, status=422 if errors else 200)


@bp.post("/<uuid:level_id>/import")
@requires(Permission.STANDARD_WRITE)
def preview(level_id: uuid.UUID) -> tuple[str, int]:
    """Read the file and show everything noteworthy; nothing is saved."""
    try:
        file = uploaded_file()
        if len(file.data) > MAX_BYTES:
            raise InvalidInputError(N_("细目表文件不应超过 2 MB"), fields={"file": [N_("细目表文件不应超过 2 MB")]})
        parsed = services.read_outline_file(file.data, default_importance=_default_importance())
    except InvalidInputError as exc:
        return _upload_page(level_id, field_errors(exc) if exc.fields else {"file": [refusal(exc)]})
    return _preview_page(level_id, file, parsed)


def _default_importance() -> Importance:
    text = form_text("importance")
    return Importance(text) if text in set(Importance) else Importance.CORE


def _preview_page(level_id: uuid.UUID, file: Upload, parsed: ParsedOutline) -> tuple[str, int]:
    level, tree = outline_services.load_level_tree(db.session(), current_actor(), level_id)
    page = PreviewPage(
        head=level_head(level, "outline"), file_name=file.name, payload=base64.b64encode(file.data).decode("ascii"),
        default_importance=_default_importance().value, parsed=parsed, layout_label=_(LAYOUT_LABELS[parsed.layout]),
        remarks=remarks(parsed.findings), readiness=remarks(check_outline(parsed.tree)),
        differences=parsed.differences, figure_labels={key: _(label) for key, label in FIGURE_LABELS.items()},
        changes=services.compare_outlines(tree, parsed.tree), n_old=tree.n_points,
    )  # fmt: skip
    return render_page("qbank/standards/import_preview.html", page)


@bp.post("/<uuid:level_id>/import/confirm")
@requires(Permission.STANDARD_WRITE)
def confirm(level_id: uuid.UUID) -> tuple[str, int] | Response:
    """Save the outline of the file that was looked at."""
    try:
        parsed = services.read_outline_file(_payload(), default_importance=_default_importance())
    except InvalidInputError as exc:
        return _upload_page(level_id, {"file": [refusal(exc)]})
    with unit_of_work(current_actor()) as uow:
        changes = services.import_outline(uow, level_id, parsed)
    message = _(
        "已导入：新增 %(added)s 个鉴定点，更新 %(changed)s 个，删除 %(removed)s 个，不变 %(same)s 个",
        added=len(changes.added), changed=len(changes.changed), removed=len(changes.removed), same=changes.n_same,
    )  # fmt: skip
    return redirect_with_message(url_for("outlines.show", level_id=level_id), message)


def _payload() -> bytes:
    try:
        data = base64.b64decode(request.form.get("payload", ""), validate=True)
    except binascii.Error as exc:
        raise InvalidInputError(N_("文件内容不完整，请重新上传")) from exc
    if not data:
        raise InvalidInputError(N_("文件内容不完整，请重新上传"))
    return data
