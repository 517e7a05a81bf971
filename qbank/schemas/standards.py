"""JSON shapes of standards and outlines."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class StandardQuerySchema(Schema):
    """Filters of the list of standards."""

    q = fields.String(load_default="", validate=validate.Length(max=60))
    page = fields.Integer(load_default=1, validate=validate.Range(min=1))
    per_page = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))


class LevelSchema(Schema):
    """One level of an edition."""

    standard_level_id = fields.UUID(required=True)
    level_code = fields.String(required=True)
    name = fields.String(required=True)
    maps_to = fields.String(allow_none=True)
    status = fields.String(required=True, attribute="status.value")


class EditionSchema(Schema):
    """One edition of a standard."""

    standard_edition_id = fields.UUID(required=True)
    label = fields.String(required=True)
    effective_on = fields.Date(allow_none=True)
    status = fields.String(required=True, attribute="status.value")
    levels = fields.List(fields.Nested(LevelSchema), required=True)


class StandardSchema(Schema):
    """One standard with its editions."""

    occupational_standard_id = fields.UUID(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, attribute="kind.value")
    occupation_code = fields.String(required=True)
    occupation_name = fields.String(required=True)
    editions = fields.List(fields.Nested(EditionSchema), required=True)


class StandardListSchema(Schema):
    """One page of standards."""

    total = fields.Integer(required=True)
    page = fields.Integer(required=True)
    per_page = fields.Integer(required=True)
    standards = fields.List(fields.Nested(StandardSchema), required=True)


class OutlinePointSchema(Schema):
    """An assessment point."""

    point_id = fields.UUID(required=True)
    full_code = fields.String(required=True)
    name = fields.String(required=True)
    importance = fields.String(required=True, attribute="importance.value")


class OutlineScopeSchema(Schema):
    """A scope with computed figures; `importance_counts` are the numbers of X, Y and Z points."""

    scope_id = fields.UUID(required=True)
    full_code = fields.String(required=True)
    name = fields.String(required=True)
    depth = fields.Integer(required=True)
    weight_percent = fields.Decimal(as_string=True, allow_none=True)
    importance_counts = fields.List(fields.Integer(), required=True)
    scopes = fields.List(fields.Nested("OutlineScopeSchema"), required=True)
    points = fields.List(fields.Nested(OutlinePointSchema), required=True)


class OutlineSchema(Schema):
    """A whole content outline."""

    standard_level_id = fields.UUID(required=True)
    scopes = fields.List(fields.Nested(OutlineScopeSchema), required=True)
