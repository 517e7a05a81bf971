"""满意度调查 on the candidates' own page: shown, answered once, thanked for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.pages.own_results import Page, bp, proved
from certification.pages.wording import Errors, field_errors, form_text, refusal
from certification.rules.surveys import ASPECT_SETS, GRADE_LABELS, LONGEST_COMMENT
from certification.services import candidate_access as access
from certification.services import own_surveys as services
from certification.services.own_surveys import OwnSurvey
from exam_delivery.public_candidates import Proof
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import redirect_with_message, render_page
from kernel.uow import unit_of_work

__all__ = ["bp"]


@dataclass(frozen=True, slots=True)
class OwnSurveyPage:
    """A survey with its questions, and what was typed if it was refused."""

    own: OwnSurvey
    aspects: Sequence[tuple[str, str]]
    grades: Sequence[tuple[str, str]]
    longest: int
    filled: Mapping[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)


def _page(proof: Proof, survey_id: uuid.UUID, errors: Errors, status: int) -> Page:
    own = services.get_own_survey(db.session(), access.themselves(proof), proof.candidate_id, survey_id)
    page = OwnSurveyPage(
        own, [(code, _(label)) for code, label in ASPECT_SETS[own.survey.aspect_set].items()],
        [(str(grade.value), _(label)) for grade, label in GRADE_LABELS.items()], LONGEST_COMMENT,
        request.form if errors else {}, errors,
    )  # fmt: skip
    return render_page("certification/own/survey.html", page, status=status)


@bp.get("/surveys/<uuid:survey_id>")
@proved
def survey(proof: Proof, survey_id: uuid.UUID) -> Page:
    """Show the questions, or why there is nothing to answer."""
    return _page(proof, survey_id, {}, 200)


@bp.post("/surveys/<uuid:survey_id>")
@proved
def answer_survey(proof: Proof, survey_id: uuid.UUID) -> Page | Response:
    """Keep the answer."""
    back = url_for("cert_own.show")
    try:
        with unit_of_work(access.themselves(proof)) as uow:
            services.answer_survey(uow, proof, survey_id, grades=request.form, comment=form_text("comment"))
    except InvalidInputError as exc:
        return _page(proof, survey_id, field_errors(exc), exc.http_status)
    except ConflictError as exc:
        return redirect_with_message(back, refusal(exc), "warning")
    return redirect_with_message(back, _("问卷已提交，谢谢您的参与"))
