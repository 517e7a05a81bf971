"""Paragraphs of a Word document as lines: text with sub- and superscripts, bold and underlined stretches, pictures, formulas."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lxml.etree import _Element

from item_templates.formulas.latex import to_latex
from item_templates.formulas.omml import M
from item_templates.formulas.omml_reader import read_omml
from qbank.interchange.lines import BLANKS, MARK_TAGS, Line, Mark, merge_marks
from qbank.interchange.numbering import W, value

A_BLIP = "{http://schemas.openxmlformats.org/drawingml/2006/main}blip"
V_IMAGE = "{urn:schemas-microsoft-com:vml}imagedata"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
BLANK = "____"
DOC_PROPERTIES = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
MEDIA_PREFIX = "media:"
MC_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED = frozenset(
    {f"{W}{name}" for name in ("pPr", "rPr", "del", "moveFrom", "instrText", "delText", "txbxContent", "sectPr")}
)
_BREAKS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-", f"{W}softHyphen": ""}
_SYMBOLS = {
    ("wingdings", 0xFC): "√",
    ("wingdings", 0xFB): "×",
    ("wingdings", 0xFE): "√",
    ("wingdings", 0xFD): "×",
    ("wingdings 2", 0x50): "√",
    ("wingdings 2", 0x4F): "×",
    ("wingdings 2", 0x52): "√",
    ("wingdings 2", 0x51): "×",
    ("symbol", 0xB0): "°",
    ("symbol", 0xB1): "±",
    ("symbol", 0xB4): "×",
    ("symbol", 0xB8): "÷",
    ("symbol", 0xA3): "≤",
    ("symbol", 0xB3): "≥",
    ("symbol", 0x57): "Ω",
    ("symbol", 0x6D): "μ",
    ("symbol", 0x70): "π",
    ("symbol", 0x71): "θ",
    ("symbol", 0x6A): "φ",
    ("symbol", 0x44): "Δ",
}


@dataclass(slots=True)
class Parts:
    """What paragraphs refer to: pictures by relationship id; constructs that cannot be read are counted in `lost`."""

    pictures: Mapping[str, tuple[str, bytes]]
    lost: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Writer:
    parts: Parts
    text: list[str] = field(default_factory=list)
    length: int = 0
    marks: list[Mark] = field(default_factory=list)
    media: list[tuple[str, bytes]] = field(default_factory=list)

    def put(self, piece: str) -> None:
        self.text.append(piece)
        self.length += len(piece)

    def mark(self, start: int, tag: str) -> None:
        if self.length == start:
            return
        self.marks.append(Mark(start, self.length, tag))


def paragraph_line(paragraph: _Element, parts: Parts, locator: str) -> Line:
    """Return a paragraph as one line; line breaks inside it are newline characters."""
    writer = _Writer(parts)
    for child in paragraph:
        _walk(child, writer)
    return _draw_blanks(Line(locator, "".join(writer.text), merge_marks(writer.marks), tuple(writer.media)))


def _draw_blanks(line: Line) -> Line:
    """Return the line with underscores for underlined white space: a blank to be filled in."""
    for drawn in reversed([mark for mark in line.marks if mark.tag == "u"]):
        inner = line.text[drawn.start : drawn.end]
        if len(inner) < 2 or inner.strip(BLANKS) or "\n" in inner:
            continue
        by = len(BLANK) - len(inner)
        marks = tuple(
            replace(m, start=m.start + by * (m.start >= drawn.end), end=m.end + by * (m.end >= drawn.end))
            for m in line.marks
            if m != drawn
        )
        line = replace(line, text=line.text[: drawn.start] + BLANK + line.text[drawn.end :], marks=marks)
    return line


def split_line(line: Line) -> Iterator[Line]:
    """Yield the lines of a paragraph that holds line breaks; empty ones are left out."""
    position = 0
    joined = False
    for piece in line.text.split("\n"):
        end = position + len(piece)
        if piece.strip(BLANKS):
            part = line.cut(position, end)
            yield Line(part.locator, part.text, part.marks, part.media, joined, line.blank_before, line.automatic)
            joined = True
        position = end + 1


def _walk(element: _Element, writer: _Writer) -> None:
    tag = element.tag
    if not isinstance(tag, str) or tag in _SKIPPED or tag == MC_FALLBACK:
        if tag == f"{W}txbxContent":
            writer.parts.lost.append("text_box")
        return
    if tag == f"{W}r":
        _run(element, writer)
    elif tag == f"{M}oMath":
        latex = to_latex(read_omml(element))
        writer.put(f"\\({html.escape(latex, quote=False)}\\)" if latex else "")
    else:
        for child in element:
            _walk(child, writer)


def _run(run: _Element, writer: _Writer) -> None:
    settings = run.find(f"{W}rPr")
    start = writer.length
    script = value(settings.find(f"{W}vertAlign")) if settings is not None else None
    tag = {"subscript": "sub", "superscript": "sup"}.get(script or "")
    inner = _Writer(writer.parts)
    for child in run:
        _run_child(child, inner)
    text = "".join(inner.text)
    tags = _run_tags(settings)
    writer.put(f"<{tag}>{text}</{tag}>" if tag and text.strip(BLANKS) else text)
    writer.media += inner.media
    for name in tags:
        writer.mark(start, name)


def _run_tags(settings: _Element | None) -> list[str]:
    if settings is None:
        return []
    bold, italic = _is_on(settings.find(f"{W}b")), _is_on(settings.find(f"{W}i"))
    underlined = value(settings.find(f"{W}u")) not in (None, "none")
    return [tag for tag, is_set in zip(MARK_TAGS, (bold, italic, underlined), strict=True) if is_set]


def _run_child(child: _Element, writer: _Writer) -> None:
    tag = child.tag
    if tag == f"{W}t":
        writer.put(html.escape(child.text or "", quote=False))
    elif tag in _BREAKS:
        writer.put("" if child.get(f"{W}type") == "page" else _BREAKS[str(tag)])
    elif tag == f"{W}sym":
        writer.put(_symbol(child, writer.parts))
    elif tag in (f"{W}drawing", f"{W}pict", f"{W}object") or str(tag).endswith("}AlternateContent"):
        _pictures(child, writer)
    elif tag not in _SKIPPED and isinstance(tag, str):
        for grandchild in child:
            _run_child(grandchild, writer)


def _pictures(element: _Element, writer: _Writer) -> None:
    if element.tag == f"{W}object":
        writer.parts.lost.append("embedded_object")
    if next(element.iter(f"{W}txbxContent"), None) is not None:
        writer.parts.lost.append("text_box")
    own = _own_name(element)
    seen: set[str] = set()
    for node in element.iter(A_BLIP, V_IMAGE):
        relation = node.get(f"{R}embed") or node.get(f"{R}id") or ""
        picture = writer.parts.pictures.get(relation)
        if relation in seen:
            continue
        seen.add(relation)
        if picture is None:
            writer.parts.lost.append("external_picture")
            continue
        name, alt = own or (picture[0], "")
        alternative = f' alt="{html.escape(alt)}"' if alt else ""
        writer.put(f'<img src="media:{name}"{alternative}>')
        writer.media.append((name, picture[1]))


def _own_name(element: _Element) -> tuple[str, str] | None:
    """Return media id and alternative text of a picture that our writer set."""
    described = next(element.iter(DOC_PROPERTIES), None)
    name = "" if described is None else described.get("name", "")
    if described is None or not name.startswith(MEDIA_PREFIX):
        return None
    return picture_name(name.removeprefix(MEDIA_PREFIX)), described.get("descr", "")


def _symbol(element: _Element, parts: Parts) -> str:
    font = (element.get(f"{W}font") or "").casefold()
    try:
        code = int(element.get(f"{W}char") or "0", 16) & 0xFF
    except ValueError:
        code = 0
    found = _SYMBOLS.get((font, code))
    if found is None:
        parts.lost.append("symbol")
        return "□"
    return found


def _is_on(element: _Element | None) -> bool:
    return element is not None and value(element) not in ("0", "false", "off", "none")


def picture_name(target: str) -> str:
    """Return the name under which a picture part is known in media references."""
    name = posixpath.basename(target.replace("\\", "/"))
    return "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name)
