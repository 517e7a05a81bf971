"""The Markdown that people write in item texts, as HTML: paragraphs, emphasis, lists, line breaks, pictures."""

from __future__ import annotations

import html
import re

_FORMULA = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]|\$\$.+?\$\$", re.DOTALL)
_ITEM = re.compile(r"^\s{0,3}(?:([-*+])|\d{1,3}[.)])\s+")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\(([^()\s]+)\)")
_LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\([^()\s]+\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)([^\n]+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=\S)([^*_\n]+?)(?<=\S)\1(?![\w*])")
_CODE = re.compile(r"`([^`\n]+)`")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]#+.!-])")


def markdown_html(text: str) -> str:
    """Return the HTML of a Markdown text; formulas pass untouched."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\ue000{len(kept) - 1}\ue001"

    text = _FORMULA.sub(keep, text.replace("\r\n", "\n").replace("\ue000", "").replace("\ue001", ""))
    text = _ESCAPED.sub(lambda match: f"&#{ord(match[1])};", text)
    blocks = [_block(block) for block in re.split(r"\n\s*\n", text.strip("\n")) if block.strip()]
    written = blocks[0].removeprefix("<p>").removesuffix("</p>") if len(blocks) == 1 else "".join(blocks)
    return re.sub("\ue000(\\d+)\ue001", lambda match: kept[int(match[1])], written)


def _block(block: str) -> str:
    lines = block.split("\n")
    first = _ITEM.match(lines[0])
    if first:
        tag = "ul" if first[1] else "ol"
        return f"<{tag}>{''.join(f'<li>{_inline(one)}</li>' for one in _list_items(lines))}</{tag}>"
    heading = _HEADING.match(lines[0])
    if heading and len(lines) == 1:
        return f"<p><b>{_inline(heading[1])}</b></p>"
    return f"<p>{_inline(block.strip())}</p>"


def _list_items(lines: list[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        match = _ITEM.match(line)
        if match:
            items.append(line[match.end() :])
        elif items:
            items[-1] += f" {line.strip()}"
    return items


def _inline(text: str) -> str:
    text = re.sub(r" {2,}\n", "<br>", text)
    text = _CODE.sub(lambda match: html.escape(match[1], quote=False), text)
    text = _PICTURE.sub(lambda match: f'<img src="{html.escape(match[2])}" alt="{html.escape(match[1])}">', text)
    text = _LINK.sub(r"\1", text)
    text = _STRONG.sub(r"<strong>\2</strong>", text)
    return _EMPHASIS.sub(r"<em>\2</em>", text).replace("\n", " ")
