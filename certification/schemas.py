"""Shapes of the JSON API."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from certification.rules.inbound import MOST_ROWS, SENT_MODES

AWARD_FIELDS = ("contest", "rank", "certificate")


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


class CredentialSchema(Schema):
    """A certificate as a signed verifiable credential."""

    file_name = fields.String()
    media_type = fields.String(metadata={"description": "application/vc+jwt"})
    credential = fields.String(metadata={"description": "compact JWS whose payload is the credential"})


class CursorSchema(Schema):
    """Where to go on, and how much to take."""

    cursor = fields.UUID(
        load_default=None, metadata={"description": "`next_cursor` of the call before; left out at first"}
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class CertificateChangeSchema(Schema):
    """Something that happened to a certificate, and what it is worth now."""

    event_id = fields.UUID()
    act = fields.String(metadata={"description": "issued, held, released, superseded or revoked"})
    at = fields.DateTime()
    number = fields.String()
    state = fields.String(metadata={"description": "valid, expired, held, superseded or revoked, as it is now"})
    name = fields.String(metadata={"description": "masked"})
    id_number = fields.String(metadata={"description": "masked"})
    occupation_code = fields.String()
    occupation = fields.String()
    trade = fields.String()
    level_code = fields.String()
    level = fields.String()
    issued_on = fields.Date()
    expires_on = fields.Date(allow_none=True)
    superseded_by = fields.String(allow_none=True)
    batch_id = fields.UUID()


class CertificateChangesSchema(Schema):
    """One helping of changes; `next_cursor` repeats the last cursor when there is nothing new."""

    changes = fields.List(fields.Nested(CertificateChangeSchema))
    next_cursor = fields.UUID(allow_none=True)
    has_more = fields.Boolean()


class ResultChangeSchema(Schema):
    """One decision about one candidate."""

    decision_id = fields.UUID()
    decided_at = fields.DateTime()
    number = fields.Integer(metadata={"description": "which decision about this candidate, from 1"})
    outcome = fields.String(metadata={"description": "passed, failed, absent, void or pending"})
    batch_id = fields.UUID()
    batch_code = fields.String()
    admission_number = fields.String()
    name = fields.String(metadata={"description": "masked"})
    id_number = fields.String(metadata={"description": "masked"})


class ResultChangesSchema(Schema):
    """One helping of decisions; `next_cursor` repeats the last cursor when there is nothing new."""

    changes = fields.List(fields.Nested(ResultChangeSchema))
    next_cursor = fields.UUID(allow_none=True)
    has_more = fields.Boolean()


class InboundResultSchema(Schema):
    """One component of one candidate."""

    admission_number = fields.String(required=True, validate=validate.Length(1, 64))
    component = fields.String(required=True, validate=validate.OneOf([mode.value for mode in SENT_MODES]))
    state = fields.String(load_default="scored", validate=validate.OneOf(["scored", "absent", "void"]))
    score = fields.String(
        load_default="",
        validate=validate.Regexp(r"^([0-9]{1,3}(\.[0-9]{1,2})?)?$"),
        metadata={"description": "0 to 100 as text, at most two decimals; exactly with the state scored"},
    )

    contest = fields.String(load_default="", validate=validate.Length(0, 60))
    rank = fields.String(load_default="", validate=validate.Regexp(r"^([0-9]{1,4})?$"))
    certificate = fields.String(
        load_default="",
        validate=validate.Length(0, 60),
        metadata={"description": "with contest and rank, exactly with the component competition, which has no score"},
    )

    @validates_schema
    def check_score(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse a score beside an absence, none where there should be one, and an award beside anything else."""
        is_award = data["component"] == "competition"
        if {bool(data[name]) for name in AWARD_FIELDS} != {is_award}:
            raise ValidationError("contest, rank and certificate stand exactly with the component competition", "rank")
        if is_award and (data["state"] != "scored" or data["score"]):
            raise ValidationError("a competition has no score and no absence", "score")
        if not is_award and (data["state"] == "scored") != bool(data["score"]):
            raise ValidationError("a score stands exactly with the state scored", "score")


class InboundDataSchema(Schema):
    """The results of one batch."""

    batch_id = fields.UUID(required=True)
    is_correction = fields.Boolean(
        load_default=False, metadata={"description": "replaces what the same system sent before, once a person looked"}
    )
    results = fields.List(fields.Nested(InboundResultSchema), required=True, validate=validate.Length(1, MOST_ROWS))


class InboundSchema(Schema):
    """A message with component results."""

    type = fields.String(required=True, validate=validate.Equal("results.recorded"))
    timestamp = fields.DateTime(required=True)
    data = fields.Nested(InboundDataSchema, required=True)


class InboundAnswerSchema(Schema):
    """What a delivery is answered, the first time and again."""

    delivery_id = fields.UUID()
    n_rows = fields.Integer()
    state = fields.String(metadata={"description": "waiting for a person's look, or accepted by rule"})
