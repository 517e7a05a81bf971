"""Writing tasks as the JSON interface carries them, field by field."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from qbank.rules.writing import MAX_COUNT, MAX_LINES, TaskAct, TaskStatus


class WritingTaskQuerySchema(Schema):
    """What a list of tasks may be narrowed by."""

    status = fields.Enum(TaskStatus, by_value=True, load_default=None, allow_none=True)
    level = fields.UUID(load_default=None, allow_none=True)
    expert = fields.UUID(load_default=None, allow_none=True)
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
    per_page = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class WantedLineSchema(Schema):
    """So many items of one type for one point."""

    point = fields.String(required=True, validate=validate.Length(1, 60))
    type = fields.String(required=True, validate=validate.Length(1, 40))
    count = fields.Integer(required=True, validate=validate.Range(1, MAX_COUNT))
    difficulty = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 5))


class WritingTaskCreateSchema(Schema):
    """A new task; without an expert it is planned and issued later."""

    standard_level_id = fields.UUID(required=True)
    title = fields.String(required=True, validate=validate.Length(1, 120))
    instructions = fields.String(load_default="", validate=validate.Length(max=5000))
    expert_id = fields.UUID(load_default=None, allow_none=True)
    due_on = fields.Date(load_default=None, allow_none=True)
    lines = fields.List(
        fields.Nested(WantedLineSchema), required=True, validate=validate.Length(1, MAX_LINES)
    )  # fmt: skip


class WritingTaskLineSchema(WantedLineSchema):
    """A line with how far it is."""

    writing_task_line_id = fields.UUID()
    n_written = fields.Integer()
    n_submitted = fields.Integer()
    n_accepted = fields.Integer()


class WritingTaskSummarySchema(Schema):
    """One task in a list."""

    writing_task_id = fields.UUID()
    standard_level_id = fields.UUID()
    title = fields.String()
    instructions = fields.String()
    status = fields.Enum(TaskStatus, by_value=True)
    expert_id = fields.UUID(allow_none=True)
    due_on = fields.Date(allow_none=True)
    source = fields.String()
    n_wanted = fields.Integer()
    n_submitted = fields.Integer()
    n_accepted = fields.Integer()
    n_returned = fields.Integer()
    n_rejected = fields.Integer()


class WritingTaskSchema(WritingTaskSummarySchema):
    """One task with its lines."""

    lines = fields.List(fields.Nested(WritingTaskLineSchema))


class WritingTaskListSchema(Schema):
    """One page of tasks."""

    total = fields.Integer()
    page = fields.Integer()
    per_page = fields.Integer()
    tasks = fields.List(fields.Nested(WritingTaskSummarySchema))


class WritingActSchema(Schema):
    """Something to be done with a task; issuing needs an expert and a deadline, most others a reason."""

    act = fields.Enum(TaskAct, by_value=True, required=True)
    reason = fields.String(load_default="", validate=validate.Length(max=500))
    due_on = fields.Date(load_default=None, allow_none=True)
    expert_id = fields.UUID(load_default=None, allow_none=True)
