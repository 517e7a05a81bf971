"""Items in plain text: the one-line conventions in use, our own form, and lists as people type them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from kernel.i18n import N_
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.item_cutter import cut_lines
from qbank.interchange.labelled import FORM_MARK
from qbank.interchange.lines import BLANKS, Line, from_plain
from qbank.interchange.model import Notice, RawRecord, ReadResult
from qbank.interchange.option_lines import LETTERS

_HASH_CHOICE = re.compile(r"^\s*\d+#(?P<stem>[^#]+)#(?P<options>[^#$]+(?:\$[^#$]+){1,11})\s*$")
_HASH_JUDGEMENT = re.compile(r"^\s*\d+#(?P<stem>[^#$]+)\$(?P<key>[01])\s*$")
_CARET = re.compile(r"^\s*题目\s*[:：]\s*(?P<stem>.+?)\s*\^\*\^\s*答案\s*[:：]\s*(?P<answer>.*?)\s*$")
_SQL = re.compile(r"^\s*(?:INSERT\s+INTO|CREATE\s+TABLE|DROP\s+TABLE|LOCK\s+TABLES)\b", re.IGNORECASE | re.MULTILINE)
_HTML = re.compile(r"^\s*(?:<!DOCTYPE|<html|<\?xml)", re.IGNORECASE)
_LONG_GAP = re.compile(r"[ \t\u3000\xa0]{65,}")
GAP_CHARS = 64
"""A longer run of blanks says no more than one of this length, and costs the patterns of the line reader much time."""
FIRST_LINE = f"# {FORM_MARK}"
SHARE_FOR_CONVENTION = 0.8
EXCERPT_CHARS = 80


def read_text(text: str) -> ReadResult:
    """Return the records in a plain text; refuses data dumps, which are not item lists."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\x0c", "\n").lstrip("\ufeff")
    _refuse_dumps(text)
    rows = [(index, row) for index, row in enumerate(text.split("\n"), 1) if row.strip(BLANKS)]
    for pattern, build in _CONVENTIONS:
        if rows and sum(bool(pattern.match(row)) for _, row in rows) >= SHARE_FOR_CONVENTION * len(rows):
            return _read_convention(rows, pattern, build)
    own = text.startswith(FIRST_LINE)
    if not own:
        text = _LONG_GAP.sub(lambda gap: gap[0][:GAP_CHARS], text)
    return cut_lines(_lines(text)[1:] if own else _lines(text), "text", exact=own)


def _refuse_dumps(text: str) -> None:
    if _SQL.search(text[:200_000]):
        raise UnreadableFileError(
            "unsupported_format", N_("这是数据库导出的 SQL 文件，不能直接导入；请导出为 Excel、CSV 或 JSON 后再上传")
        )
    if _HTML.match(text):
        raise UnreadableFileError(
            "unsupported_format", N_("这是网页或 XML 文件，不是题目文本；请另存为 Word 或纯文本后再上传")
        )
    if re.match(r"^\s*[\[{]\s*[\"{\[]", text):
        raise UnreadableFileError("unsupported_format", N_("这是 JSON 数据，不是题目文本；请选择 JSON 格式导入"))


def _lines(text: str) -> list[Line]:
    lines: list[Line] = []
    blank = False
    for index, row in enumerate(text.split("\n"), 1):
        content = row.strip(BLANKS)
        if content:
            is_table = content.startswith("<table") and content.endswith("</table>")
            lines.append(Line(f"line {index}", from_plain(content), blank_before=blank, block=is_table))
        blank = not content
    return lines


def _read_convention(
    rows: Sequence[tuple[int, str]], pattern: re.Pattern[str], build: Callable[[str, re.Match[str]], RawRecord]
) -> ReadResult:
    result = ReadResult("text")
    for index, row in rows:
        match = pattern.match(row)
        if match:
            result.records.append(build(f"line {index}", match))
        else:
            message = N_("这一行与文件其他行的写法不同，无法识别")
            result.skipped.append(Notice(f"line {index}", "unreadable_line", message, row.strip()[:EXCERPT_CHARS]))
    return result


def _hash_choice(locator: str, match: re.Match[str]) -> RawRecord:
    texts = [from_plain(part.strip(BLANKS)) for part in match["options"].split("$")]
    options = list(zip(LETTERS, texts, strict=False))
    return RawRecord(locator, from_plain(match["stem"].strip(BLANKS)), "单项选择题", options, LETTERS[0])


def _hash_judgement(locator: str, match: re.Match[str]) -> RawRecord:
    answer = "正确" if match["key"] == "0" else "错误"
    stem = from_plain(match["stem"].strip(BLANKS))
    return RawRecord(locator, stem, "判断题", answer=answer)


def _caret(locator: str, match: re.Match[str]) -> RawRecord:
    return RawRecord(locator, from_plain(match["stem"]), answer=match["answer"])


_CONVENTIONS: tuple[tuple[re.Pattern[str], Callable[[str, re.Match[str]], RawRecord]], ...] = (
    (_HASH_JUDGEMENT, _hash_judgement),
    (_HASH_CHOICE, _hash_choice),
    (_CARET, _caret),
)
