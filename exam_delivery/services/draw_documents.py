"""The sheet that names what was published of a session's draw: hung out before the exam, signed by witnesses."""

from __future__ import annotations

from sqlalchemy.orm import Session

from exam_delivery.documents.letters import Letter, letter_pdf
from exam_delivery.models import ExamSession
from exam_delivery.models.draw_commitments import DrawCommitment
from exam_delivery.rules.draw_commitments import KIND_LABELS
from exam_delivery.services.draw_commitments import Published
from kernel.clock import OFFICIAL_ZONE
from kernel.errors import ConflictError
from kernel.i18n import N_
from kernel.identity.repository import get_organisation

PROMISE = (
    "本场考试的试卷由组卷程序按随机种子从题库中抽取，抽取后封存。开考以前，我单位已将下列摘要向社会公布："
    "摘要不泄露种子和试题，但种子、题库、蓝图或试卷有任何改动，摘要都会不同。"
)
AFTER = "考试结束、成绩发布以后公布种子和随机数，任何人都可以在下列网址核对。"


def commitment_pdf(session: Session, row: ExamSession, published: Published, address: str) -> bytes:
    """Return the sheet as PDF.

    Raises
    ------
    ConflictError
        If nothing is published.
    """
    if not published.entries:
        raise ConflictError(N_("本场次还没有公布抽题承诺"))
    facts = published.entries[0][0].content["session"]
    entries = [entry for entry, _told in published.entries]
    lines = [line for entry in entries for line in _lines(entry)]
    letter = Letter(
        organisation=get_organisation(session, row.organisation_id).name, title="抽题承诺公示", number="",
        addressee=f"{facts['batch']}　{facts['name']}", paragraphs=(PROMISE, AFTER, address),
        facts=(("职业等级", f"{facts['occupation']} {facts['level']}"), ("开考时间", _time(row)), *lines),
        signed_on=entries[-1].published_at.astimezone(OFFICIAL_ZONE).date(),
        notes=("见证人（签名）：＿＿＿＿＿＿＿＿　　＿＿＿＿＿＿＿＿",),
    )  # fmt: skip
    return letter_pdf(letter)


def _time(row: ExamSession) -> str:
    return f"{row.starts_at.astimezone(OFFICIAL_ZONE):%Y年%m月%d日 %H:%M}"


def _lines(entry: DrawCommitment) -> list[tuple[str, str]]:
    content, draw = entry.content, entry.content["draw"] or {}
    at = f"{entry.published_at.astimezone(OFFICIAL_ZONE):%Y-%m-%d %H:%M}"
    late = "（开考后公布）" if content["is_late"] else ""
    digests = (
        ("种子承诺", draw.get("seed_digest", "")), ("题库摘要", draw.get("pool_digest", "")),
        ("蓝图摘要", draw.get("blueprint_digest", "")),
        *((f"试卷摘要{form['label']}", form["digest"]) for form in content["forms"]), ("承诺编号", entry.digest),
    )  # fmt: skip
    head = (
        f"第 {entry.number} 条",
        f"{KIND_LABELS[entry.kind]}，{at}{late}{content['reason'] and '：' + content['reason']}",
    )
    return [head, *((name, _grouped(value)) for name, value in digests if value)]


def _grouped(digest: str) -> str:
    """Return a digest in groups of eight, which people can compare and lines can break."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))
