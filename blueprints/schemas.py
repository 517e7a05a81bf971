"""JSON shapes of blueprints and forms; fields are listed one by one, so that no item text can slip out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from blueprints.rules.states import BlueprintStatus, FormStatus


class BlueprintSchema(Schema):
    """A blueprint with its rules."""

    blueprint_id = fields.UUID(attribute="exam_blueprint_id")
    standard_level_id = fields.UUID()
    occupation_code = fields.Str()
    occupation_name = fields.Str()
    level_code = fields.Str()
    level_name = fields.Str()
    name = fields.Str()
    spec = fields.Dict()
    n_items = fields.Int()
    total_score = fields.Decimal(as_string=True, allow_none=True)
    duration_minutes = fields.Int()
    status = fields.Enum(BlueprintStatus, by_value=True)
    version = fields.Int()
    version_number = fields.Int()
    approved_at = fields.AwareDateTime(allow_none=True)


class BlueprintVersionSchema(Schema):
    """A numbered version: what the blueprint said when it was published."""

    number = fields.Int()
    name = fields.Str()
    spec = fields.Dict()
    n_items = fields.Int()
    total_score = fields.Decimal(as_string=True, allow_none=True)
    duration_minutes = fields.Int()
    created_at = fields.AwareDateTime()


class BlueprintCreateSchema(Schema):
    """A new blueprint; without `spec` it starts with the level's defaults."""

    standard_level_id = fields.UUID(required=True)
    name = fields.Str(load_default="", validate=validate.Length(max=120))
    spec = fields.Dict(load_default=None, allow_none=True)


class FormSchema(Schema):
    """A form without its items."""

    form_id = fields.UUID(attribute="exam_form_id")
    standard_level_id = fields.UUID()
    occupation_code = fields.Str()
    level_code = fields.Str()
    name = fields.Str()
    label = fields.Str()
    n_slots = fields.Int()
    total_score = fields.Decimal(as_string=True)
    duration_minutes = fields.Int()
    status = fields.Enum(FormStatus, by_value=True)


class PageQuerySchema(Schema):
    """Which page of a list."""

    page = fields.Int(load_default=1, validate=validate.Range(min=1))
    per_page = fields.Int(load_default=50, validate=validate.Range(min=1, max=200))
