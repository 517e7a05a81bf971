"""Shapes of the JSON API."""

from __future__ import annotations

from marshmallow import Schema, fields


class PublicCertificateSchema(Schema):
    """A certificate as anybody may see it; every field stands in every answer."""

    state = fields.String(metadata={"description": "valid, expired, held, superseded, revoked or unknown"})
    number = fields.String()
    name = fields.String(metadata={"description": "masked"})
    id_number = fields.String(metadata={"description": "masked"})
    occupation = fields.String()
    trade = fields.String()
    level = fields.String()
    issued_on = fields.Date(allow_none=True)
    issuer = fields.String()
    superseded_by = fields.String()
    expires_on = fields.Date(allow_none=True, metadata={"description": "last day of validity; null without end"})


class BatchSchema(Schema):
    """A certification batch."""

    certification_batch_id = fields.UUID()
    code = fields.String()
    name = fields.String()
    occupation_code = fields.String()
    occupation_name = fields.String()
    level_code = fields.String()
    level_name = fields.String()
    n_registered = fields.Integer()
    state = fields.String()
    state_since = fields.DateTime()
    received_at = fields.DateTime()
