"""Released results for tests: people with valid numbers, and packages of them."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from decimal import Decimal
from functools import cache

from PIL import Image

from exam_delivery.public import BatchInfo, CandidateResult, ResultOutcome, ResultPackage
from kernel.national_id import check_character

OCCUPATION = ("4-04-05-05", "人工智能训练师")


def id_number(index: int) -> str:
    """Return a valid number: born 1990-01-01, even order numbers, so a woman."""
    first = f"3301{index // 400 + 2:02d}19900101{index % 400 * 2:03d}"
    return first + check_character(first)


def candidate(index: int, outcome: str = "scored", score: str | None = "75", **changes: object) -> CandidateResult:
    """Return one candidate's result."""
    values: dict[str, object] = {
        "candidate_id": uuid.uuid5(uuid.NAMESPACE_OID, f"candidate-{index}"),
        "admission_number": f"26112101{index:04d}",
        "name": f"演示考生{index}",
        "id_kind": "resident_id",
        "id_number": id_number(index),
        "sex": "female",
        "birth_date": dt.date(1990, 1, 1),
        "phone": "13800000000",
        "employer": "演示企业",
        "outcome": ResultOutcome(outcome),
        "theory_score": Decimal(score) if score is not None and outcome == "scored" else None,
        "attempt_id": uuid.uuid4() if outcome == "scored" else None,
    }
    return CandidateResult(**{**values, **changes})


def package(organisation_id: uuid.UUID, results: list[CandidateResult], **changes: object) -> ResultPackage:
    """Return a release of results; `batch_id` names the examination batch."""
    batch_id = changes.pop("batch_id", None) or uuid.uuid4()
    values: dict[str, object] = {
        "release_id": uuid.uuid4(),
        "organisation_id": organisation_id,
        "batch": BatchInfo(batch_id, f"B{batch_id.hex[:6]}", "2026 年第 11 批（演示）"),
        "session_names": ("上午场",),
        "standard_level_id": uuid.uuid4(),
        "occupation_code": OCCUPATION[0],
        "occupation_name": OCCUPATION[1],
        "level_code": "3",
        "level_name": "三级/高级工",
        "package_digest": uuid.uuid4().hex * 2,
        "released_at": dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC),
        "results": tuple(results),
    }
    return ResultPackage(**{**values, **changes})


@cache
def photo() -> bytes:
    """Return a small portrait-shaped picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (295, 413), "#dfe7f2").save(buffer, "JPEG")
    return buffer.getvalue()
