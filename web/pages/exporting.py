"""A session's answers as an archive for R: pseudonyms only, noted in the audit."""

from __future__ import annotations

import io
import uuid

from flask import Blueprint, send_file
from werkzeug.wrappers import Response

from exam_delivery import public as exam_delivery
from kernel import audit
from kernel.crypto import blind_index, purpose_key
from kernel.errors import NotFoundError
from kernel.http import current_actor, requires
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work
from qbank import public_statistics as bank
from web.analysis.carriers import UNKNOWN
from web.analysis.exporting import archive, prepare
from web.analysis.form_sets import units

bp = Blueprint("exporting", __name__, url_prefix="/analyses")
DIGITS = 10
"""Hexadecimal digits of a pseudonym: two candidates of a session share one less often than once in a million sessions."""


@bp.post("/sessions/<uuid:exam_session_id>/export")
@requires(Permission.STATISTICS_READ)
def export(exam_session_id: uuid.UUID) -> Response:
    """Download the answers of an analysed session, form by form; the forms of a set together."""
    with unit_of_work(current_actor()) as uow:
        name, data = _archive(uow, exam_session_id)
    return send_file(io.BytesIO(data), mimetype="application/zip", as_attachment=True, download_name=f"{name}-R.zip")


def _archive(uow: UnitOfWork, exam_session_id: uuid.UUID) -> tuple[str, bytes]:
    row, analyses = exam_delivery.find_analyses(uow.session, uow.actor, exam_session_id)
    if not analyses:
        raise NotFoundError(N_("这个场次还没有分析，不能导出作答"))
    tables = exam_delivery.load_form_tables(uow.session, uow.actor, exam_session_id)
    key = purpose_key("export-pseudonym")
    versions = {uuid.UUID(slot.item_version_id) for table in tables for slot in table.slots if slot.item_version_id}
    names = bank.name_versions(uow.session, uow.actor, sorted(versions))
    groups = exam_delivery.load_groups(uow.session, uow.actor, [one for table in tables for one in table.attempt_ids])
    carriers = {one: exam_delivery.CARRIERS.get(labels["carrier"], UNKNOWN) for one, labels in groups.items()}
    sets = exam_delivery.load_form_sets(uow.session, uow.actor, [table.form_id for table in tables])
    forms = [
        prepare(
            unit.table, names, lambda attempt: "c" + blind_index(key, str(exam_session_id), str(attempt))[:DIGITS],
            carriers,
        )
        for unit in units(tables, sets)
    ]  # fmt: skip
    after = {"forms": len(tables), "candidates": sum(len(table.scores) for table in tables)}
    audit.record(uow, "exam_session.export_answers", "exam_session", exam_session_id, after=after)
    return row.name, archive(row.name, forms)
