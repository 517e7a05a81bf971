"""Looking into a form that nobody may know yet: every look is an act, audited, and good for a few minutes."""

from __future__ import annotations

import hmac
import uuid
from datetime import datetime, timedelta

from blueprints import repository
from blueprints.models import ExamForm
from blueprints.rules.releases import ReleasePart
from blueprints.services import recusal, releases
from kernel import audit, crypto
from kernel.clock import now
from kernel.errors import ForbiddenError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork

VIEW_LASTS = timedelta(minutes=30)
PURPOSE = "form-view"


def open_view(uow: UnitOfWork, form_id: uuid.UUID, *, way: str = "screen") -> str:
    """Record that this person looks into a form and return the pass that shows its items for a while.

    `way` names how: ``screen``, ``pdf`` or ``docx``.
    """
    require(uow.actor, Permission.FORM_READ)
    form = repository.get_form(uow.session, form_id, actor=uow.actor)
    recusal.check_opening(uow.session, uow.actor, form_id)
    releases.check_open(uow.session, form, ReleasePart.DELIVERY)
    until = int((now() + VIEW_LASTS).timestamp())
    audit.record(uow, "form.view", "exam_form", form_id, after={"status": form.status.value, "way": way})
    return f"{until}.{_signature(uow.actor, form_id, until)}"


def check_view(actor: Actor, form: ExamForm, ticket: str) -> datetime:
    """Return until when a pass holds; raises ForbiddenError for another person's, another form's or an old one."""
    until, _, signature = ticket.partition(".")
    is_whole = until.isdigit() and len(until) < 12  # seconds since 1970
    if not is_whole or not hmac.compare_digest(signature, _signature(actor, form.exam_form_id, int(until))):
        raise ForbiddenError(N_("查看题面须先登记，请从试卷页面点击“查看题面”"))
    moment = datetime.fromtimestamp(int(until), tz=now().tzinfo)
    if moment < now():
        raise ForbiddenError(N_("本次查看已超时，请从试卷页面重新点击“查看题面”"))
    return moment


def _signature(actor: Actor, form_id: uuid.UUID, until: int) -> str:
    return crypto.blind_index(crypto.purpose_key(PURPOSE), str(actor.user_id), str(form_id), str(until))
