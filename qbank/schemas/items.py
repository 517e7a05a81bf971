"""Items as the JSON interface carries them, field by field."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from item_templates import registry
from qbank.rules.items import ItemStatus


class ItemQuerySchema(Schema):
    """What a list of items may be narrowed by."""

    q = fields.String(load_default="", validate=validate.Length(max=100))
    level = fields.UUID(load_default=None, allow_none=True)
    scope = fields.String(load_default="", validate=validate.Length(max=60))
    type = fields.String(load_default="", validate=validate.Length(max=40))
    status = fields.Enum(ItemStatus, by_value=True, load_default=None, allow_none=True)
    difficulty = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 5))
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
    per_page = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class ChoiceSchema(Schema):
    """An option."""

    id = fields.String(required=True, validate=validate.Length(1, 64))
    content = fields.String(required=True, validate=validate.Length(max=20_000))


class ItemSummarySchema(Schema):
    """One item in a list: no content."""

    item_id = fields.UUID()
    code = fields.String()
    type = fields.String()
    status = fields.Enum(ItemStatus, by_value=True)
    standard_level_id = fields.UUID()
    points = fields.List(fields.String())
    difficulty = fields.Integer(allow_none=True)
    n_versions = fields.Integer()
    n_used = fields.Integer()
    updated_at = fields.AwareDateTime()


class ItemListSchema(Schema):
    """One page of items."""

    total = fields.Integer()
    page = fields.Integer()
    per_page = fields.Integer()
    items = fields.List(fields.Nested(ItemSummarySchema))


class ItemSchema(ItemSummarySchema):
    """One item; `key`, `explanation`, `rubric`, `parameters` and `items` are there for readers of the bank and the item's author alone."""

    version = fields.Integer()
    item_version_id = fields.UUID()
    number = fields.Integer()
    content_digest = fields.String()
    stem = fields.String()
    choices = fields.List(fields.Nested(ChoiceSchema))
    targets = fields.List(fields.Nested(ChoiceSchema))
    score = fields.String()
    scoring = fields.Dict(keys=fields.String())
    source = fields.String()
    key = fields.Raw(allow_none=True)
    explanation = fields.String()
    rubric = fields.List(fields.Dict(keys=fields.String()))
    parameters = fields.Dict(keys=fields.String())
    items = fields.List(fields.Dict(keys=fields.String()))


class ItemCreateSchema(Schema):
    """A new item: the canonical item of item files, and the level it belongs to."""

    standard_level_id = fields.UUID(required=True)
    type = fields.String(required=True, validate=validate.OneOf([one.name for one in registry.all_types()]))
    stem = fields.String(required=True, validate=validate.Length(1, 20_000))
    choices = fields.List(fields.Nested(ChoiceSchema), load_default=list, validate=validate.Length(max=26))
    targets = fields.List(fields.Nested(ChoiceSchema), load_default=list, validate=validate.Length(max=26))
    key = fields.Raw(load_default=None, allow_none=True)
    explanation = fields.String(load_default="", validate=validate.Length(max=20_000))
    rubric = fields.List(fields.Dict(keys=fields.String()), load_default=list, validate=validate.Length(max=50))
    score = fields.Decimal(load_default="1", validate=validate.Range(min=0, max=1000))
    scoring = fields.Dict(keys=fields.String(), load_default=dict)
    parameters = fields.Dict(keys=fields.String(), load_default=dict)
    items = fields.List(fields.Dict(keys=fields.String()), load_default=list, validate=validate.Length(max=20))
    points = fields.List(fields.String(), load_default=list, validate=validate.Length(max=5))
    difficulty = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 5))
    source = fields.String(load_default="", validate=validate.Length(max=300))
