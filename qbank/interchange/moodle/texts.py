"""Texts of Moodle with their format and files, as item HTML with pictures; and item HTML with pictures as such texts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from item_templates.contract import Json
from item_templates.markup import from_plain, media_ids, sanitise
from kernel.i18n import N_
from qbank.interchange.guard import LIMITS
from qbank.interchange.moodle.answers import Lose
from qbank.interchange.moodle.markdown import markdown_html
from qbank.interchange.pictures import picture_type
from qbank.interchange.texts import to_html

_IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_SRC = re.compile(r"\bsrc\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)$")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_DISPLAY = re.compile(r"\\\[(.+?)\\\]|\$\$(.+?)\$\$", re.DOTALL)
_DROPPED = {
    "audio": N_("音频"), "video": N_("视频"), "iframe": N_("嵌入页面"), "object": N_("嵌入对象"),
    "embed": N_("嵌入对象"), "script": N_("脚本"), "svg": N_("矢量图"), "a": N_("链接"), "math": N_("MathML 公式"),
    "form": N_("表单"), "input": N_("表单"),
}  # fmt: skip
_TAGS = re.compile(rf"<({'|'.join(_DROPPED)})\b", re.IGNORECASE)
_EXTENSIONS = {"image/jpeg": "jpg"}
PLUGIN = "@@PLUGINFILE@@/"


@dataclass(slots=True)
class Pictures:
    """The pictures of one question: the data by media id, and the alternative texts."""

    data: dict[str, bytes] = field(default_factory=dict)
    alts: dict[str, str] = field(default_factory=dict)

    def add(self, data: bytes, name: str, alt: str) -> str:
        """Keep a picture and return its media id, which follows the file name where that may be one."""
        wanted = name.rpartition("/")[2].rpartition(".")[0] or name
        if not _ID.fullmatch(wanted) or self.data.get(wanted, data) != data:
            wanted = next(one for one, kept in self._numbered() if kept in (None, data))
        self.data[wanted] = data
        self.alts[wanted] = self.alts.get(wanted) or alt
        return wanted

    def _numbered(self) -> list[tuple[str, bytes | None]]:
        names = [f"m{number}" for number in range(1, len(self.data) + 2)]
        return [(name, self.data.get(name)) for name in names]

    def described(self, *texts: str) -> tuple[Mapping[str, Json], ...]:
        """Return the media entries of the pictures that the texts name, in order."""
        shown = dict.fromkeys(name for text in texts for name in media_ids(text) if name in self.data)
        return tuple(
            {
                "id": name,
                "digest": hashlib.sha256(self.data[name]).hexdigest(),
                "mime": picture_type(self.data[name]),
                "alt": self.alts[name],
            }
            for name in shown
        )


@dataclass(frozen=True, slots=True)
class TextReader:
    """Reads the text elements of one question; `pictures` grows, `lose` is told what cannot stay."""

    pictures: Pictures
    lose: Lose

    def html(self, element: etree._Element | None, default: str = "html") -> str:
        """Return the item HTML of an element with ``<text>`` and ``<file>`` children."""
        if element is None:
            return ""
        text = inner_text(element.find("text"))
        files = {urllib.parse.unquote(one.get("name") or ""): one.text or "" for one in element.findall("file")}
        return self.from_text(text, element.get("format") or default, files)

    def from_text(self, text: str, form: str, files: Mapping[str, str]) -> str:
        """Return the item HTML of a text in one of Moodle's formats."""
        if form == "plain_text":
            return from_plain(text)
        marked = markdown_html(text) if form == "markdown" else text
        marked = _DISPLAY.sub(lambda match: rf"\({(match[1] or match[2]).strip()}\)", marked)
        marked = _IMG.sub(lambda match: self._picture(match[0], files), marked)
        for name in dict.fromkeys(tag.lower() for tag in _TAGS.findall(marked)):
            self.lose(name, N_("文字中的%(what)s未导入") % {"what": _DROPPED[name]})
        return to_html(marked) if form == "moodle_auto_format" else sanitise(marked)

    def _picture(self, tag: str, files: Mapping[str, str]) -> str:
        source, alt = _attribute(_SRC, tag), _attribute(_ALT, tag)
        name = urllib.parse.unquote(source.removeprefix(PLUGIN).partition("?")[0])
        uri = _DATA_URI.match(source)
        encoded = uri[1] if uri else files.get(name.rpartition("/")[2], "")
        data = _decoded(encoded)
        if not data or not picture_type(data):
            self.lose(
                "picture",
                N_("图片 %(name)s 不在文件中，或不是 PNG、JPEG、GIF、WebP、BMP，未导入") % {"name": source[:60]},
            )
            return html.escape(f"[{alt}]") if alt else ""
        media_id = self.pictures.add(data, "" if uri else name, alt)
        return f'<img src="media:{media_id}" alt="{html.escape(alt)}">'


def inner_text(element: etree._Element | None) -> str:
    """Return what an element holds; markup that stands in it as elements, unescaped, comes as markup."""
    if element is None:
        return ""
    if not len(element):
        return element.text or ""
    children = "".join(etree.tostring(child, encoding="unicode") for child in element)
    return html.escape(element.text or "", quote=False) + children


def _attribute(pattern: re.Pattern[str], tag: str) -> str:
    found = pattern.search(tag)
    return html.unescape(next((one for one in found.groups() if one), "")) if found else ""


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if len(data) <= LIMITS.picture_bytes else b""


@dataclass(frozen=True, slots=True)
class TextWriter:
    """Writes item HTML as text elements of one question; `names` says how each medium's file is called."""

    names: Mapping[str, str]
    data: Mapping[str, bytes]

    @classmethod
    def of(cls, media: tuple[Mapping[str, Json], ...], pictures: Mapping[str, bytes]) -> TextWriter:
        """Return the writer for an item's media; `pictures` holds the data by digest."""
        data = {str(one["id"]): pictures[str(one["digest"])] for one in media if one.get("digest") in pictures}
        names = {name: f"{name}.{_extension(content)}" for name, content in data.items()}
        return cls(names, data)

    def write(self, parent: etree._Element, tag: str, text: str, **attributes: str) -> etree._Element:
        """Add an element with the text and the files it shows."""
        element = etree.SubElement(parent, tag, attrib={**attributes, "format": "html"})
        shown = [name for name in dict.fromkeys(media_ids(text)) if name in self.names]
        for name in shown:
            text = text.replace(f'src="media:{name}"', f'src="{PLUGIN}{self.names[name]}"')
        add_text(element, "text", text)
        for name in shown:
            file = etree.SubElement(element, "file", name=self.names[name], path="/", encoding="base64")
            file.text = base64.b64encode(self.data[name]).decode()
        return element


def _extension(data: bytes) -> str:
    mime = picture_type(data)
    return _EXTENSIONS.get(mime, mime.rpartition("/")[2] or "bin")


_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add_text(parent: etree._Element, tag: str, text: str) -> etree._Element:
    """Add a child with a text, as CDATA where it holds markup; what XML cannot carry is left out."""
    element = etree.SubElement(parent, tag)
    clean = _FORBIDDEN.sub("", text)
    has_markup = any(sign in clean for sign in "<&")
    element.text = etree.CDATA(clean) if has_markup and "]]>" not in clean else clean
    return element
