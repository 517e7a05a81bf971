"""Shapes of batches, sessions and scores in the JSON API; identity numbers never leave by it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from exam_delivery.rules.states import SessionStatus


class ExamPageQuerySchema(Schema):
    """Paging of lists."""

    page = fields.Integer(load_default=1, validate=validate.Range(min=1))
    per_page = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))


class ExamBatchQuerySchema(ExamPageQuerySchema):
    """Filters of batches."""

    q = fields.String(load_default="")


class ExamBatchCreateSchema(Schema):
    """A new batch."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    standard_level_id = fields.UUID(required=True)


class ExamBatchSchema(Schema):
    """A batch."""

    exam_batch_id = fields.UUID()
    code = fields.String()
    name = fields.String()
    standard_level_id = fields.UUID()
    occupation_code = fields.String()
    occupation_name = fields.String()
    level_code = fields.String()
    level_name = fields.String()
    status = fields.String()
    created_at = fields.DateTime()


class ExamBatchListSchema(Schema):
    """One page of batches."""

    total = fields.Integer()
    page = fields.Integer()
    per_page = fields.Integer()
    batches = fields.List(fields.Nested(ExamBatchSchema))


class ExamSessionQuerySchema(ExamPageQuerySchema):
    """Filters of sessions."""

    status = fields.String(load_default="", validate=validate.OneOf(["", *(status.value for status in SessionStatus)]))


class ExamCountsSchema(Schema):
    """People and attempts of a session."""

    n_registered = fields.Integer()
    n_numbered = fields.Integer()
    n_seated = fields.Integer()
    n_void = fields.Integer()
    n_absent = fields.Integer()
    n_prepared = fields.Integer()
    n_in_progress = fields.Integer()
    n_submitted = fields.Integer()


class ExamSessionSchema(Schema):
    """A session with its counts."""

    exam_session_id = fields.UUID()
    exam_batch_id = fields.UUID()
    name = fields.String()
    status = fields.String()
    form_ids = fields.List(fields.String())
    opens_at = fields.DateTime()
    starts_at = fields.DateTime()
    ends_at = fields.DateTime()
    duration_seconds = fields.Integer()
    late_cutoff_minutes = fields.Integer()
    earliest_submit_minutes = fields.Integer()
    counts = fields.Nested(ExamCountsSchema)


class ExamSessionListSchema(Schema):
    """One page of sessions."""

    total = fields.Integer()
    page = fields.Integer()
    per_page = fields.Integer()
    sessions = fields.List(fields.Nested(ExamSessionSchema))


class ScoreQuerySchema(ExamPageQuerySchema):
    """Filters of scores."""

    session = fields.UUID(load_default=None)
    state = fields.String(load_default="")


class ScoreSchema(Schema):
    """One person's score; `score` is a decimal string, null while there is none."""

    registration_id = fields.UUID()
    admission_number = fields.String(allow_none=True)
    name = fields.String()
    state = fields.String()
    score = fields.Decimal(as_string=True, allow_none=True)
    max_score = fields.Decimal(as_string=True, allow_none=True)
    version = fields.Integer(allow_none=True)


class ScoreListSchema(Schema):
    """One page of scores."""

    total = fields.Integer()
    page = fields.Integer()
    per_page = fields.Integer()
    scores = fields.List(fields.Nested(ScoreSchema))


class SessionConflictSchema(Schema):
    """Two people whom a rule keeps apart; `text` names rule and person in Chinese."""

    rule = fields.String()
    is_refused = fields.Boolean()
    role = fields.String()
    user_id = fields.UUID(allow_none=True)
    candidate_id = fields.UUID(allow_none=True)
    exam_room_id = fields.UUID(allow_none=True)
    text = fields.String()


class SessionConflictsSchema(Schema):
    """Everything that speaks against a session's arrangement."""

    total = fields.Integer()
    conflicts = fields.List(fields.Nested(SessionConflictSchema))
