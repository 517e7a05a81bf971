"""The weight table of a level, by hand or from a file."""

from __future__ import annotations

import base64
import binascii
import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from flask import Blueprint, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires, uploaded_file
from kernel.i18n import N_
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.standards import StandardEdition
from qbank.pages.outlines import XLSX, LevelHead, level_head
from qbank.pages.wording import Errors, Remark, field_errors, form_text, form_version, refusal, remarks
from qbank.repository import standards as repository
from qbank.rules.figures import read_percent, show_number
from qbank.rules.weight_layouts import ParsedWeights
from qbank.rules.weights import WeightLine, check_weights, compare_with_outline, total_weights
from qbank.services import weights as services
from qbank.services.weight_export import write_weights

bp = Blueprint("weights", __name__, url_prefix="/standards")

FIRST_ROWS = (N_("职业道德"), N_("基础知识"))
N_BLANK_ROWS = 4
COLUMNS = ("function_name", "name", "scope_code", "theory_percent", "skill_percent")
KIND_LABELS = {services.WeightKind.THEORY: N_("理论知识权重表"), services.WeightKind.SKILL: N_("技能要求权重表")}


@dataclass(frozen=True, slots=True)
class WeightsPage:
    """The table as a form of rows; blank rows at the end are for new entries."""

    head: LevelHead
    rows: list[dict[str, str]]
    theory_total: str
    skill_total: str
    findings: list[Remark]
    import_href: str
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WeightImportPage:
    """Choosing a weight table, and looking at it before it is saved."""

    edition: StandardEdition
    kinds: list[tuple[str, str]]
    kind: str
    file_name: str = ""
    payload: str = ""
    parsed: ParsedWeights | None = None
    remarks: list[Remark] = field(default_factory=list)
    errors: Errors = field(default_factory=dict)

    @property
    def row_names(self) -> list[tuple[str, str]]:
        """Function and name of all rows, in the order of the file."""
        columns = self.parsed.columns if self.parsed else ()
        return list(dict.fromkeys((line.function_name, line.name) for c in columns for line in c.lines))

    def cell(self, column: int, name: tuple[str, str]) -> str:
        """Return the percent of a row in a column, empty when it is not tested."""
        lines = self.parsed.columns[column].lines if self.parsed else ()
        return next((show_number(ln.theory_percent) for ln in lines if (ln.function_name, ln.name) == name), "")


@bp.get("/levels/<uuid:level_id>/weights")
@requires(Permission.STANDARD_READ)
def edit(level_id: uuid.UUID) -> tuple[str, int]:
    """Show the weight table."""
    lines = services.weight_lines(db.session(), level_id)
    rows = [
        {
            "function_name": line.function_name, "name": line.name, "scope_code": line.scope_code,
            "theory_percent": show_number(line.theory_percent), "skill_percent": show_number(line.skill_percent),
        }
        for line in lines
    ]  # fmt: skip
    return _weights_page(level_id, rows or _first_rows(), lines, {})


def _blank_row(name: str = "") -> dict[str, str]:
    return {column: name if column == "name" else "" for column in COLUMNS}


def _first_rows() -> list[dict[str, str]]:
    return [_blank_row(_(name)) for name in FIRST_ROWS]


def _weights_page(
    level_id: uuid.UUID, rows: list[dict[str, str]], lines: Sequence[WeightLine], errors: Errors
) -> tuple[str, int]:
    level = repository.get_level(db.session(), level_id, actor=current_actor())
    head = level_head(level, "weights")
    tree = repository.load_tree(db.session(), level)
    found = [*check_weights(lines), *(compare_with_outline(lines, tree) if tree.scopes else ())]
    totals = total_weights(lines)
    blanks = [_blank_row() for _number in range(N_BLANK_ROWS)] if head.may_edit else []
    page = WeightsPage(
        head=head, rows=rows + blanks, theory_total=show_number(totals.theory_percent),
        skill_total=show_number(totals.skill_percent), findings=remarks(found),
        import_href=url_for("weights.upload", edition_id=level.standard_edition_id), errors=errors,
    )  # fmt: skip
    return render_page("qbank/standards/weights.html", page, status=422 if errors else 200)


@bp.post("/levels/<uuid:level_id>/weights")
@requires(Permission.STANDARD_WRITE)
def save(level_id: uuid.UUID) -> tuple[str, int] | Response:
    """Save the weight table; sums that are not 100 are shown after saving and stop publishing only."""
    rows = _form_rows()
    try:
        lines = [_line(row, number) for number, row in enumerate(rows, start=1)]
        with unit_of_work(current_actor()) as uow:
            services.save_weights(uow, level_id, lines, version=form_version())
    except InvalidInputError as exc:
        return _weights_page(level_id, rows, [], field_errors(exc))
    return redirect_with_message(url_for("weights.edit", level_id=level_id), _("权重表已保存"))


def _form_rows() -> list[dict[str, str]]:
    """Return the rows of the form in which anything is filled in."""
    lists = {column: request.form.getlist(column) for column in COLUMNS}
    n_rows = max(len(values) for values in lists.values())
    rows = [
        {column: values[i].strip() if i < len(values) else "" for column, values in lists.items()}
        for i in range(n_rows)
    ]
    return [row for row in rows if any(row.values())]


def _line(row: dict[str, str], number: int) -> WeightLine:
    theory = _percent(row["theory_percent"], number)
    skill = _percent(row["skill_percent"], number)
    return WeightLine(row["name"], row["function_name"], row["scope_code"], theory, skill)


def _percent(text: str, number: int) -> Decimal | None:
    value = read_percent(text) if text else None
    if text and value is None:
        raise InvalidInputError(N_("第 %(row)s 行：“%(text)s”不是 0 到 100 的数"), row=number, text=text[:20])
    return value


@bp.get("/editions/<uuid:edition_id>/weights.xlsx")
@requires(Permission.STANDARD_READ)
def export(edition_id: uuid.UUID) -> Response:
    """Send the weight tables of an edition as an Excel workbook."""
    edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
    levels = sorted(edition.levels, key=lambda level: (level.rank, level.level_code))
    tables = services.weight_tables(db.session(), [level.standard_level_id for level in levels])
    data = write_weights([(level.name, tables[level.standard_level_id]) for level in levels])
    name = _("权重表") + f"_{edition.standard.code}_{edition.label}.xlsx"
    return send_file(io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=name)


# --- from a file -----------------------------------------------------------------------------------------------------


def _kinds() -> list[tuple[str, str]]:
    return [(kind.value, _(label)) for kind, label in KIND_LABELS.items()]


def _kind() -> services.WeightKind:
    return services.WeightKind.SKILL if form_text("kind") == "skill" else services.WeightKind.THEORY


@bp.get("/editions/<uuid:edition_id>/weights/import")
@requires(Permission.STANDARD_WRITE)
def upload(edition_id: uuid.UUID) -> tuple[str, int]:
    """Show the form for a weight table."""
    edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
    return render_page("qbank/standards/weights_import.html", WeightImportPage(edition, _kinds(), "theory"))


@bp.post("/editions/<uuid:edition_id>/weights/import")
@requires(Permission.STANDARD_WRITE)
def preview(edition_id: uuid.UUID) -> tuple[str, int]:
    """Read the file and show it; nothing is saved."""
    edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
    try:
        file = uploaded_file()
        parsed = services.read_weight_file(file.data, edition)
    except InvalidInputError as exc:
        errors = field_errors(exc) if exc.fields else {"file": [refusal(exc)]}
        page = WeightImportPage(edition, _kinds(), _kind().value, errors=errors)
        return render_page("qbank/standards/weights_import.html", page, status=422)
    page = WeightImportPage(
        edition, _kinds(), _kind().value, file.name, base64.b64encode(file.data).decode("ascii"), parsed,
        remarks(parsed.findings),
    )  # fmt: skip
    return render_page("qbank/standards/weights_import.html", page)


@bp.post("/editions/<uuid:edition_id>/weights/import/confirm")
@requires(Permission.STANDARD_WRITE)
def confirm(edition_id: uuid.UUID) -> tuple[str, int] | Response:
    """Save the columns of the file that was looked at."""
    edition = repository.get_edition(db.session(), edition_id, actor=current_actor())
    address = url_for("standards.detail", standard_id=edition.occupational_standard_id)
    try:
        parsed = services.read_weight_file(base64.b64decode(form_text("payload"), validate=True), edition)
        with unit_of_work(current_actor()) as uow:
            n_levels = services.import_weights(uow, edition_id, parsed, kind=_kind())
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    except binascii.Error:
        return redirect_with_message(address, _("文件内容不完整，请重新上传"), "danger")
    return redirect_with_message(address, _("已更新 %(n)s 个等级的权重表", n=n_levels))
