"""JSON shapes of correction cases, corrections and migrations between editions."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from qbank.rules.corrections import CaseState, ReportSource


class CaseQuerySchema(Schema):
    """Filters of the list of correction cases."""

    q = fields.String(load_default="", validate=validate.Length(max=60))
    state = fields.Enum(CaseState, by_value=True, load_default=None)
    source = fields.Enum(ReportSource, by_value=True, load_default=None)
    page = fields.Integer(load_default=1, validate=validate.Range(min=1))
    per_page = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))


class CaseReportSchema(Schema):
    """A report about one item."""

    item_id = fields.UUID(required=True)
    text = fields.String(required=True, validate=validate.Length(min=1, max=2000))
    evidence = fields.String(load_default="", validate=validate.Length(max=2000))


class CaseSchema(Schema):
    """A correction case."""

    correction_case_id = fields.UUID(required=True)
    code = fields.String(required=True)
    source = fields.Enum(ReportSource, by_value=True, required=True)
    state = fields.Enum(CaseState, by_value=True, required=True)
    item_id = fields.UUID(allow_none=True)
    item_version_id = fields.UUID(allow_none=True)
    item_code = fields.String(required=True)
    place = fields.String(required=True)
    text = fields.String(required=True)
    evidence = fields.String(required=True)
    outcome = fields.String(allow_none=True)
    reason = fields.String(required=True)
    reported_at = fields.AwareDateTime(required=True)


class CaseListSchema(Schema):
    """One page of correction cases."""

    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    per_page = fields.Integer(required=True)
    items = fields.List(fields.Nested(CaseSchema), required=True)


class CorrectionQuerySchema(Schema):
    """From which moment on corrections are wanted."""

    since = fields.AwareDateTime(load_default=None)


class CorrectionSchema(Schema):
    """A correction of an item that took effect."""

    item_correction_id = fields.UUID(required=True)
    item_id = fields.UUID(required=True)
    old_version_id = fields.UUID(required=True)
    new_version_id = fields.UUID(allow_none=True)
    change = fields.String(required=True)
    case_code = fields.String(required=True)
    corrected_at = fields.AwareDateTime(required=True)


class CorrectionListSchema(Schema):
    """Corrections, oldest first."""

    items = fields.List(fields.Nested(CorrectionSchema), required=True)


class MappedPointSchema(Schema):
    """A point of the old edition with the points of the new one that it became."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    fate = fields.String(required=True)
    targets = fields.List(fields.String(), required=True)
    confidence = fields.Integer(required=True)
    is_decided = fields.Boolean(required=True)
    n_items = fields.Integer(required=True)


class MigrationSchema(Schema):
    """A migration between two editions with all its points."""

    outline_migration_id = fields.UUID(required=True)
    old_level_id = fields.UUID(required=True)
    new_level_id = fields.UUID(required=True)
    state = fields.String(required=True)
    effective_on = fields.Date(allow_none=True)
    n_undecided = fields.Integer(required=True)
    points = fields.List(fields.Nested(MappedPointSchema), required=True)
    missing = fields.List(fields.String(), required=True)
