"""Proof-reading by program: what a finished file shows is compared, character by character, with what it was made from.

A script lists, in reading order, every text that a document must show. White space does not count. The characters of a
formula may stand in any order, and signs that are drawn to measure (roots, tall brackets) may be missing.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import docx
from docx.oxml.ns import qn

from blueprints.documents.layout import FormSheet, KeyPart, PrintedItem, PrintedPart
from blueprints.documents.runs import Rich, Run
from item_templates.formulas.omml import to_omml
from item_templates.formulas.typst import to_typst
from kernel.errors import DomainError
from kernel.i18n import N_

MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
SHOWN_TEXT = frozenset({qn("w:t"), MATH_TEXT})
STRETCHED = frozenset("√()[]{}|‖⌊⌋⌈⌉⟨⟩∣∥ˉ¯‾_^~ˆ˜˙¨→←∑∏∫∬∮⏟⏞")
EXCERPT = 24
SLACK = 40
_BLANK = re.compile(r"[\s\u200b\u2060\u2061\u00ad\ufeff]+")


class PrintMismatchError(DomainError):
    """A printed file shows something else than its source."""

    code = "print_mismatch"
    http_status = 409


@dataclass(frozen=True, slots=True)
class Piece:
    """Something a document shows: `number` is the item's, 0 for what stands around the items.

    A loose formula has a sign that is built from pieces, as a long arrow is: what stands for the pieces may be anything.
    """

    number: int
    text: str
    is_formula: bool = False
    is_loose: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where a document differs from its script."""

    number: int
    wanted: str
    got: str


@dataclass(frozen=True, slots=True)
class Proof:
    """How one format shows things: which pictures it can print, and how it sets formulas and pairs."""

    pictures: Container[str]
    is_word: bool = False

    def form(self, sheet: FormSheet, parts: Sequence[PrintedPart]) -> Iterator[Piece]:
        """Yield what a form shows."""
        numerals = "".join(part.numeral for part in parts)
        head = [
            sheet.organisation, sheet.title, "科目代码", sheet.occupation_code, "科目名称", sheet.occupation, sheet.level,
            "注意事项", *sheet.notes, "题号", numerals, "总分得分评分人",
        ]  # fmt: skip
        yield Piece(0, "".join(head))
        for part in parts:
            yield Piece(0, f"得分评分人{part.heading}")
            for item in part.items:
                yield from self._item(item)

    def key(self, sheet: FormSheet, parts: Sequence[KeyPart]) -> Iterator[Piece]:
        """Yield what a key with its scoring standard shows."""
        order = f"与{sheet.order_code}的试卷配套" if sheet.order_code else ""
        yield Piece(0, f"{sheet.organisation}{sheet.title}标准答案与评分标准{order}")
        for part in parts:
            yield Piece(0, part.heading)
            for row in part.rows:
                numbers, keys = "".join(str(number) for number, _ in row), "".join(key for _, key in row)
                yield Piece(row[0][0], f"题号{numbers}答案{keys}")
            for item in part.items:
                yield from self._key_item(item)

    def _item(self, item: PrintedItem) -> Iterator[Piece]:
        number = item.number
        if item.shared:
            yield Piece(number, item.shared_heading)
            yield from self._rich(number, item.shared)
        yield Piece(number, f"{item.lead}{number}.")
        yield from self._rich(number, item.stem)
        if item.score:
            yield Piece(number, f"（{item.score}分）")
        for key, text in self._options(item):
            yield Piece(number, f"{key}.")
            yield from self._rich(number, text)

    def _options(self, item: PrintedItem) -> list[tuple[str, Rich]]:
        """Return options as they follow each other: Word writes pairs line by line, print column by column."""
        left, right = list(item.choices), list(item.targets)
        if not (self.is_word and right):
            return [*left, *right]
        rows = max(len(left), len(right))
        return [side[place] for place in range(rows) for side in (left, right) if place < len(side)]

    def _key_item(self, item: dict[str, Any]) -> Iterator[Piece]:
        number = item["number"]
        yield Piece(number, f"{number}.（{item['score']}分）")
        yield from self._rich(number, item["answer"])
        if item["points"]:
            yield Piece(number, "评分要点分值")
        for text, score in item["points"]:
            yield from self._rich(number, text)
            yield Piece(number, score)
        if item["explanation"].blocks:
            yield Piece(number, "解析：")
            yield from self._rich(number, item["explanation"])

    def _rich(self, number: int, text: Rich) -> Iterator[Piece]:
        for block in text.blocks:
            rows = block["rows"] if block["k"] == "table" else [[block]]
            for row in rows:
                for cell in row:
                    yield from (self._run(number, run) for run in cell["runs"])

    def _run(self, number: int, run: Run) -> Piece:
        if run["k"] == "t":
            return Piece(number, run["v"])
        if run["k"] == "img":
            return Piece(number, "" if run["v"] in self.pictures else f"（图：{run['alt']}）")
        if self.is_word:
            return Piece(number, "".join(map(str, to_omml(run["v"]).itertext())), is_formula=True)
        tree = to_typst(run["v"])
        return Piece(number, "".join(_signs(tree)), is_formula=True, is_loose=_has_long_accent(tree))


def _signs(node: Any) -> Iterator[str]:
    """Yield the signs of a formula as it is printed; accents and fences are drawn."""
    if isinstance(node, list):
        for part in node:
            yield from _signs(part)
    elif isinstance(node, dict):
        if node.get("k") in {"letter", "number", "text", "symbol", "fn"}:
            yield str(node["v"])
            return
        for name, part in node.items():
            if isinstance(part, dict | list) and name != "k":
                yield from _signs(part)


def _has_long_accent(node: Any) -> bool:
    if isinstance(node, list):
        return any(_has_long_accent(part) for part in node)
    if not isinstance(node, dict):
        return False
    if node.get("k") == "accent" and len("".join(_signs(node["c"]))) > 1:
        return True
    return any(_has_long_accent(part) for part in node.values())


def first_difference(script: Sequence[Piece], shown: str) -> Difference | None:
    """Return the first place where a shown text is not what the script says, or None when it is that and no more."""
    text, place = fold(shown), 0
    pieces = _joined(script)
    for index, piece in enumerate(pieces):
        if piece.is_formula:
            following = pieces[index + 1].text if index + 1 < len(pieces) else ""
            end = _end_of_formula(piece, text, place, following)
            if end < 0:
                return Difference(piece.number, piece.text[:EXCERPT], text[place : place + EXCERPT])
            place = end
        elif text.startswith(piece.text, place):
            place += len(piece.text)
        else:
            return _difference(piece, text, place)
    return None if place == len(text) else Difference(0, "", text[place : place + EXCERPT])


def _joined(script: Sequence[Piece]) -> list[Piece]:
    """Return the pieces folded, without empty ones, neighbouring formulas of an item as one."""
    out: list[Piece] = []
    for piece in script:
        text, is_loose = fold_formula(piece.text) if piece.is_formula else fold(piece.text), piece.is_loose
        if not text:
            continue
        if piece.is_formula and out and out[-1].is_formula:
            before = out.pop()
            text, is_loose = before.text + text, before.is_loose or is_loose
        out.append(Piece(piece.number, text, piece.is_formula, is_loose))
    return out


def _difference(piece: Piece, text: str, place: int) -> Difference:
    same = next(
        (n for n, sign in enumerate(piece.text) if place + n >= len(text) or text[place + n] != sign), len(piece.text)
    )
    begin = max(0, same - EXCERPT // 3)
    return Difference(piece.number, piece.text[begin : begin + EXCERPT], text[place + begin : place + begin + EXCERPT])


def _end_of_formula(piece: Piece, text: str, place: int, following: str) -> int:
    """Return where a formula ends that begins at a place: its signs used up, and the next text stands there; else -1."""
    wanted = Counter(piece.text)
    for end in range(place, min(len(text), place + 3 * len(piece.text) + SLACK) + 1):
        if not text.startswith(following, end):
            continue
        got = Counter(fold_formula(text[place:end]))
        if got == wanted or (piece.is_loose and not wanted - got):
            return end
    return -1


def fold(text: str) -> str:
    """Return a text without white space, in composed form.

    Examples
    --------
    >>> fold("第 1 题　（ ）")
    '第1题（）'
    """
    return _BLANK.sub("", unicodedata.normalize("NFC", text))


def fold_formula(text: str) -> str:
    """Return the signs of a formula that must be there, letters without their mathematical style.

    Examples
    --------
    >>> fold_formula("𝑅 = √(2)")
    'R=2'
    """
    plain = unicodedata.normalize("NFKD", text).replace("−", "-").replace("∗", "*")
    return "".join(sign for sign in _BLANK.sub("", plain) if sign not in STRETCHED and not unicodedata.combining(sign))


def pdf_text(data: bytes, *, watermark: str = "", foot: tuple[str, str] = ("", "")) -> str:
    """Return what the pages of a PDF show from left to right, without watermark and foot; turned text is left out."""
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(data)).pages
    bodies = []
    for number, page in enumerate(pages, 1):
        body = fold(page.extract_text(orientations=(0,)))
        tail = fold(f"{foot[0]}第{number}页共{len(pages)}页{foot[1]}")
        bodies.append(body.removeprefix(fold(watermark)).removesuffix(tail))
    return "".join(bodies)


def docx_text(data: bytes) -> str:
    """Return what the body of a Word file shows, formulas included."""
    body = docx.Document(io.BytesIO(data)).element.body
    return "".join(node.text or "" for node in body.iter() if node.tag in SHOWN_TEXT)


def check(script: Iterator[Piece], shown: str) -> None:
    """Refuse a file that shows anything else than its script; the refusal names the item.

    Raises
    ------
    PrintMismatchError
        With the item's number and both texts.
    """
    found = first_difference(list(script), shown)
    if found is None:
        return
    if found.number:
        raise PrintMismatchError(
            N_("第 %(n)s 题打印出来的文字与题面不一致：应为“%(wanted)s”，实为“%(got)s”。文件没有生成，请修改试题或报告管理员"),
            n=found.number, wanted=found.wanted, got=found.got,
        )  # fmt: skip
    raise PrintMismatchError(
        N_("打印出来的文字与原文不一致：应为“%(wanted)s”，实为“%(got)s”。文件没有生成，请报告管理员"),
        wanted=found.wanted, got=found.got,
    )  # fmt: skip


def items_with(script: Iterator[Piece], text: str) -> list[int]:
    """Return the numbers of the items in which one of some characters stands."""
    return sorted({piece.number for piece in script if piece.number and set(text) & set(piece.text)})
