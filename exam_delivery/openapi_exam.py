"""The candidate API described for the OpenAPI document; it is served by a program that knows no framework."""

from __future__ import annotations

from typing import Any

TAG = "exam"
MOMENT = {"type": "string", "format": "date-time", "description": "UTC with milliseconds and Z"}
NULLABLE_MOMENT = {"anyOf": [MOMENT, {"type": "null"}]}
STATUS = {"type": "string", "enum": ["waiting", "ready", "in_progress", "submitted"]}
TIMES: dict[str, Any] = {
    "status": STATUS,
    "server_time": MOMENT,
    "opens_at": MOMENT | {"description": "the start of the exam; start is refused before"},
    "deadline_at": NULLABLE_MOMENT,
    "earliest_submit_at": MOMENT | {"description": "missing where handing in is possible at any time"},
}
RESPONSE = {
    "type": "array",
    "items": {},
    "description": "what the item's interaction asks for; an empty list clears it",
}
SLOT_MAP = {"type": "object", "additionalProperties": {"type": "integer"}}
SCHEMAS: dict[str, dict[str, Any]] = {
    "ExamError": {
        "type": "object",
        "required": ["error", "message", "details"],
        "properties": {"error": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"}},
    },
    "ExamSignIn": {
        "type": "object",
        "required": ["admission_number", "id_number"],
        "properties": {"admission_number": {"type": "string"}, "id_number": {"type": "string"}},
    },
    "ExamSignedIn": {
        "type": "object",
        "properties": {
            "token": {"type": "string"},
            "first_seq": {
                "type": "integer",
                "description": "Number events of this sign-in above this and above every seq known so far.",
            },
            "attempt_id": {"type": "string", "format": "uuid"},
            **TIMES,
            "candidate": {"type": "object", "description": "name, admission_number, seat, room"},
            "session": {"type": "object", "description": "name, title, duration_seconds, rules, pledge"},
        },
    },
    "ExamTimes": {"type": "object", "properties": TIMES},
    "ExamForm": {
        "type": "object",
        "description": "sections with their slots in this candidate's order, and slots with stem and choices; never a key",
        "properties": {
            "form_id": {"type": "string"},
            "title": {"type": "string"},
            "sections": {"type": "array", "items": {"type": "object"}},
            "slots": {"type": "array", "items": {"type": "object"}},
            "stimuli": {
                "type": "array",
                "items": {"type": "string"},
                "description": "texts that several slots share; such slots follow each other and name theirs by the index `stimulus`",
            },
        },
    },
    "ExamSave": {
        "type": "object",
        "required": ["events"],
        "properties": {
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": 300,
                "items": {
                    "type": "object",
                    "required": ["slot", "seq"],
                    "properties": {
                        "slot": {"type": "integer", "minimum": 1},
                        "seq": {"type": "integer", "minimum": 0, "maximum": 2**53 - 1},
                        "response": RESPONSE,
                        "client_time": {"type": "string"},
                    },
                },
            }
        },
    },
    "ExamSaved": {
        "type": "object",
        "properties": {
            "acknowledged": SLOT_MAP | {"description": "the durable seq of each slot that was sent"},
            "server_time": MOMENT,
            "deadline_at": MOMENT,
        },
    },
    "ExamResponses": {
        "type": "object",
        "properties": {
            "responses": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": {"seq": {"type": "integer"}, "response": RESPONSE},
                },
            },
            **TIMES,
            "receipt": {"$ref": "#/components/schemas/ExamReceipt"},
        },
    },
    "ExamReceipt": {
        "type": "object",
        "properties": {
            "n_answers": {"type": "integer"},
            "digest": {"type": "string", "description": "SHA-256 of the canonical JSON of all durable answers by slot"},
            "submitted_at": MOMENT,
            "admission_number": {"type": "string"},
            "server_time": MOMENT,
        },
    },
}
REFUSALS = {
    401: "wrong_credentials, signed_out",
    403: "not_open, too_late, absent, void",
    404: "not_found",
    409: "attempt_taken_over, not_started, not_prepared, too_early, consent_needed",
    410: "attempt_closed: what was sent is kept as late and does not count",
    413: "too_large",
    422: "invalid_input",
    429: "too_many_attempts, with Retry-After",
    503: "busy, unavailable, with Retry-After; nothing was acknowledged",
}
ATTEMPT = {"name": "attempt_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
OF_ATTEMPT = (401, 404, 409, 503)


def _operation(
    name: str, summary: str, answer: str, refusals: tuple[int, ...], *, body: str = "", is_open: bool = False
) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": summary, "content": _json(answer)}}
    for status in refusals:
        responses[str(status)] = {"description": REFUSALS[status], "content": _json("ExamError")}
    operation: dict[str, Any] = {"tags": [TAG], "operationId": name, "summary": summary, "responses": responses}
    if body:
        operation["requestBody"] = {"required": True, "content": _json(body)}
    operation["security"] = [] if is_open else [{"bearer": []}]
    return operation


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def paths() -> dict[str, dict[str, Any]]:
    """Return the paths of the candidate API with their operations."""
    root = "/api/v1/exam"
    attempt = f"{root}/attempts/{{attempt_id}}"
    sign_in = _operation(
        "examSignIn", "Sign in by admission number and identity number", "ExamSignedIn", (401, 403, 409, 422, 429, 503),
        body="ExamSignIn", is_open=True,
    )  # fmt: skip
    read_form = _operation("examForm", "The form as rendered for this candidate", "ExamForm", (*OF_ATTEMPT, 403, 410))
    start = _operation(
        "examStart", "Start the clock once; repeating it answers the same", "ExamTimes", (*OF_ATTEMPT, 403)
    )
    read = _operation("examResponses", "This candidate's own durable answers", "ExamResponses", OF_ATTEMPT)
    save = _operation(
        "examSave", "Keep answers; acknowledged only once they are durable", "ExamSaved", (*OF_ATTEMPT, 410, 413, 422),
        body="ExamSave",
    )  # fmt: skip
    submit = _operation("examSubmit", "Hand in; repeating it answers the same receipt", "ExamReceipt", OF_ATTEMPT)
    return {
        f"{root}/sign-in": {"post": sign_in},
        f"{attempt}/form": {"parameters": [ATTEMPT], "get": read_form},
        f"{attempt}/start": {"parameters": [ATTEMPT], "post": start},
        f"{attempt}/responses": {"parameters": [ATTEMPT], "get": read, "put": save},
        f"{attempt}/submit": {"parameters": [ATTEMPT], "post": submit},
    }
