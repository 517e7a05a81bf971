"""Read Aiken: a stem, lettered options one a line, ``ANSWER: B``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from item_templates.contract import CanonicalItem, Choice, ItemContent
from item_templates.markup import from_plain
from kernel.i18n import N_
from qbank.interchange.guard import LIMITS, UnreadableFileError
from qbank.interchange.interpret import excerpt
from qbank.interchange.model import Notice, RawRecord, ReadResult

FORMAT = "aiken"
_OPTION = re.compile(r"\s*([A-Z])[.)]\s+(\S.*?)\s*$")
_SERIAL = re.compile(r"\s*(\d{1,5})\s*[.．、)）]\s*(?=\S)")
_ANSWER = re.compile(r"\s*ANSWER:\s*([A-Z])?\s*$")


@dataclass(slots=True)
class Block:
    """One question: where it begins, its lines, and the letter of its key."""

    line: int
    stem: list[str] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    key: str | None = None
    problem: str = ""


def read_aiken(text: str) -> ReadResult:
    """Return the items of an Aiken text, and what is no whole question."""
    result = ReadResult(FORMAT)
    found = list(itertools.islice(blocks(text.lstrip("\ufeff")), LIMITS.rows + 1))
    if len(found) > LIMITS.rows:
        raise UnreadableFileError("too_many_rows", N_("文件超过 20000 题，请拆分后分批导入"))
    _strip_serials(found)
    for number, block in enumerate(found, 1):
        _read(block, f"item {number}", result)
    return result


def _strip_serials(found: Sequence[Block]) -> None:
    """Take the numbers off the stems where they count the questions of the file."""
    serials = [_SERIAL.match(block.stem[0]) if block.stem else None for block in found]
    if len(found) > 1 and [one and int(one[1]) for one in serials] == list(range(1, len(found) + 1)):
        for block, serial in zip(found, serials, strict=True):
            block.stem[0] = block.stem[0][serial.end() if serial else 0 :]


def blocks(text: str) -> Iterator[Block]:
    """Yield the questions of a text; a new one begins after each ANSWER line."""
    block: Block | None = None
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip():
            continue
        block = block or Block(number)
        answer, option = _ANSWER.match(line), _OPTION.match(line)
        if answer:
            block.key = answer[1] or ""
            yield block
            block = None
        elif option and block.stem:
            block.options.append((option[1], option[2]))
        elif block.options:
            block.problem = line.strip()
        else:
            block.stem.append(line.strip())
    if block is not None:
        yield block


def _read(block: Block, locator: str, result: ReadResult) -> None:
    code, message = _refusal(block)
    stem = from_plain("\n".join(block.stem))
    if code:
        place = N_("第 %(line)s 行") % {"line": block.line}
        result.skipped.append(Notice(locator, code, f"{place}：{message}", excerpt(stem)))
        return
    choices = tuple(Choice(letter, from_plain(text)) for letter, text in block.options)
    content = ItemContent("single_choice", stem, choices, block.key, scoring={"method": "exact"})
    result.records.append(RawRecord(locator, stem, item=CanonicalItem("", content)))


def _refusal(block: Block) -> tuple[str, str]:
    letters = [letter for letter, _ in block.options]
    if block.problem:
        return "unreadable_line", N_("“%(text)s”既不是选项也不是 ANSWER 行") % {"text": block.problem[:20]}
    if len(letters) < 2:
        return "no_options", N_("选项少于两个，选项应写成“A. 内容”，每行一个")
    if len(set(letters)) < len(letters):
        return "ambiguous_options", N_("选项字母重复，无法确定各选项")
    if not block.key:
        return "no_key", N_("没有“ANSWER: 字母”一行")
    if block.key not in letters:
        return "key_outside_options", N_("答案 %(key)s 不是选项") % {"key": block.key}
    return "", ""


def looks_like_aiken(text: str) -> bool:
    """Say whether a text is Aiken throughout, so that no list in another manner is taken for it."""
    head = text[:65536]
    found = list(blocks(head))
    whole = found[:-1] if len(text) > len(head) else found
    if not whole or len(whole[0].stem) != 1 or _refusal(whole[0])[0]:
        return False
    return sum(not _refusal(one)[0] for one in whole) * 2 > len(whole)
