"""Review and workflow as the JSON interface carries them, field by field."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from kernel.identity.permissions import Role
from qbank.rules.review import MAX_STAGES, Decision
from qbank.rules.workflow import MAX_DAYS, RequiredField, VoteRule


class ReviewQuerySchema(Schema):
    """What the queue may be narrowed by."""

    level = fields.UUID(load_default=None, allow_none=True)
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class ReviewQueueItemSchema(Schema):
    """An item that waits for this reviewer; its content is read as an item."""

    item_id = fields.UUID()
    item_version_id = fields.UUID()
    code = fields.String()
    type = fields.String()
    stage = fields.String()
    number = fields.Integer()
    submitted_at = fields.AwareDateTime(allow_none=True)


class ReviewQueueSchema(Schema):
    """What waits for this reviewer, the oldest first."""

    total = fields.Integer()
    items = fields.List(fields.Nested(ReviewQueueItemSchema))


class ReviewDecisionSchema(Schema):
    """A decision on the version that was seen."""

    item_version_id = fields.UUID(required=True)
    decision = fields.Enum(Decision, by_value=True, required=True)
    comment = fields.String(load_default="", validate=validate.Length(max=2000))


class ReviewOutcomeSchema(Schema):
    """Where an item stands after a decision."""

    item_id = fields.UUID()
    status = fields.String()


class WorkflowStageSchema(Schema):
    """A stage; targets are ``next``, ``approved``, ``draft``, ``retired`` or ``stage:<name>``."""

    name = fields.String(required=True, validate=validate.Length(1, 40))
    role = fields.Enum(Role, by_value=True, load_default=Role.REVIEWER)
    quorum = fields.Integer(load_default=1, validate=validate.Range(1, 9))
    vote = fields.Enum(VoteRule, by_value=True, load_default=VoteRule.UNANIMOUS)
    required = fields.List(fields.Enum(RequiredField, by_value=True), load_default=list)
    days = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, MAX_DAYS))
    escalate_to = fields.Enum(Role, by_value=True, load_default=None, allow_none=True)
    hides_author = fields.Boolean(load_default=False)
    hides_votes = fields.Boolean(load_default=False)
    is_required = fields.Boolean(load_default=True)
    on_approve = fields.String(load_default="next", validate=validate.Length(max=60))
    on_return = fields.String(load_default="draft", validate=validate.Length(max=60))
    on_reject = fields.String(load_default="retired", validate=validate.Length(max=60))


class WorkflowSchema(Schema):
    """The version of a workflow in force; publishing names the number that it was based on."""

    number = fields.Integer(required=True)
    note = fields.String(load_default="", validate=validate.Length(max=200))
    stages = fields.List(
        fields.Nested(WorkflowStageSchema), required=True, validate=validate.Length(1, MAX_STAGES)
    )  # fmt: skip
