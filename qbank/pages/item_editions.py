"""The edition under an item form: whether it is still in force, and what happened to it while somebody was typing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask_babel import gettext as _

from kernel.clock import today
from kernel.db import db
from kernel.http import current_actor
from qbank.models.standards import StandardLevel
from qbank.pages.item_wording import level_title
from qbank.repository import standards
from qbank.rules.standards import EditionStatus
from qbank.services.edition_apply import edition_state

OUT_OF_FORCE = "-"


@dataclass(frozen=True, slots=True)
class EditionNote:
    """That an edition is out of force, in words, and the level that took its place if there is one."""

    text: str
    new_level_id: uuid.UUID | None = None


def edition_note(level: StandardLevel) -> EditionNote | None:
    """Return what an author must know of the edition of a level; None while it is in force."""
    session, actor = db.session(), current_actor()
    state = edition_state(session, actor, level.standard_level_id, on=today())
    if state is not None:
        new = standards.get_level(session, state.new_level_id, actor=actor)
        text = _(
            "本等级的这一版细目表已于 %(day)s 由“%(edition)s”代替；在这一版中保存的试题不会进入新版的试卷",
            day=state.effective_on.isoformat(),
            edition=new.edition.label,
        )
        return EditionNote(text, new.standard_level_id)
    if level.edition.status is EditionStatus.RETIRED:
        return EditionNote(_("标准版本“%(edition)s”已停用，新的试卷不再使用它", edition=level.edition.label))
    return None


def edition_mark(level: StandardLevel) -> str:
    """Return what a form carries to tell later whether its edition is still what it was."""
    return f"{level.standard_level_id}{OUT_OF_FORCE if edition_note(level) else ''}"


def edition_changed(level: StandardLevel, mark: str) -> str:
    """Return what happened to the edition since the form with this mark was shown; empty when nothing did."""
    if not mark or mark == edition_mark(level):
        return ""
    if has_moved(level, mark):
        moved: str = _(
            "您修改期间，这道题已随标准换版转到“%(level)s”。您填写的内容都保留在下面，鉴定点已换成新版中的，请核对后再保存",
            level=level_title(level),
        )
        return moved
    note = edition_note(level)
    return "" if note is None else _("%(note)s。您填写的内容都保留在下面；仍要按这一版保存，请再次保存", note=note.text)


def has_moved(level: StandardLevel, mark: str) -> bool:
    """Say whether a form was shown for another level than the item's present one."""
    return bool(mark) and mark.removesuffix(OUT_OF_FORCE) != str(level.standard_level_id)
