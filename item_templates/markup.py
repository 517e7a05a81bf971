r"""HTML of items: what may stand in it, how it is shown, and its text for comparison and lists."""

from __future__ import annotations

import html as html_entities
import itertools
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser

import nh3

from item_templates.contract import BLANK_MARK


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED_TAGS = _words(
    "p br b strong i em u sub sup table caption thead tbody tfoot tr th td colgroup col ul ol li img span"
)
ALLOWED_ATTRIBUTES = {
    "img": {"src", "alt"},
    "span": {"class"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_KNOWN_TAGS = ALLOWED_TAGS | _words(
    "a abbr address applet area article aside audio base basefont bdi bdo big blink blockquote body button canvas "
    "center cite code data datalist dd del details dfn dialog dir div dl dt embed fieldset figcaption figure font "
    "footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe input ins kbd label legend link "
    "main map mark marquee math menu meta meter nav nobr noframes noscript object optgroup option output param "
    "picture pre progress q rp rt ruby s samp script section select small source strike style summary svg template "
    "textarea time title track tt var video wbr xml xmp"
)
_TAG = re.compile(
    r"""<(?:!--.*?-->|![A-Za-z\[][^<>]*>|\?[A-Za-z][^<>]*>|
    /?([A-Za-z][A-Za-z0-9:-]*)(?=[\s/>])
    (?:[\s/]+[A-Za-z_@:][\w:.-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))
      |[\s/]+(?:hidden|nowrap|checked|disabled|selected|readonly|controls|async|defer|noshade|autofocus))*
    [\s/]*>)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_FORMULA = re.compile(r"\\\((?:(?!\\\(|\\\)|</|<(?:br|img|p|td)\b).)*\\\)", re.DOTALL)
_IMG = re.compile(r'<img((?:\s+[\w-]+="[^"]*")*)\s*/?>')
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_MEDIA_SOURCE = re.compile(r"media:[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLOCK_TAGS = frozenset({"p", "br", "tr", "li", "table", "ul", "ol", "caption"})
_PARAGRAPH_LIKE = _words("div h1 h2 h3 h4 h5 h6 blockquote section article pre dd dt")
_EMPTY_PARAGRAPHS = re.compile(r"<p>\s*</p>")
_DRAWN_BLANK = re.compile(r"（(?:\s|&nbsp;|_)*）|[（(](?:\s|&nbsp;|_)+[)）]|(?:<u>(?:\s|&nbsp;)+</u>)|_{2,}|＿{2,}")
_CJK = r"\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef"
_CJK_SPACE = re.compile(rf"(?<=[{_CJK}]) (?=\S)|(?<=\S) (?=[{_CJK}])")


def sanitise(html: str) -> str:
    r"""Return the HTML with nothing left but what an item may hold.

    Parameters
    ----------
    html : str
        HTML or plain text from a person or a file. A ``<`` that opens no HTML element (``若 a<b``) is taken as text,
        and so is everything between ``\(`` and ``\)``.

    Returns
    -------
    str
        Paragraphs, emphasis, sub- and superscript, tables, lists, ``<span class="blank">`` and pictures named
        ``media:ID`` with alternative text (empty when there was none). Applying it twice changes nothing.

    Examples
    --------
    >>> sanitise('<p onclick="x()">若 a<b，则<script>alert(1)</script>成立</p>')
    '<p>若 a&lt;b，则成立</p>'
    >>> sanitise('<img src="media:m1"><img src="https://example.org/a.png">')
    '<img src="media:m1" alt="">'
    """
    text = _CONTROL.sub("", html.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not any(mark in text for mark in "<>&\xa0"):
        return text
    clean = _IMG.sub(_tidy_image, _CLEANER.clean(_escape_stray(text)))
    return _EMPTY_PARAGRAPHS.sub("", clean).strip()


def from_plain(text: str) -> str:
    r"""Return plain text as item HTML: markup characters escaped, line ends as ``<br>``.

    Examples
    --------
    >>> from_plain("x < 1\n且 y > 2")
    'x &lt; 1<br>且 y &gt; 2'
    """
    lines = text.replace("\r\n", "\n").strip().split("\n")
    return sanitise("<br>".join(html_entities.escape(line, quote=False) for line in lines))


def render_html(html: str, media_url: Callable[[str], str]) -> str:
    """Return the HTML to put on a page: pictures get their address, blanks their number.

    Parameters
    ----------
    html : str
        HTML of a stem, choice or explanation; it is sanitised once more.
    media_url : callable
        Gives the address of a medium by its id.

    Returns
    -------
    str
        Safe HTML, to be emitted unescaped.

    Examples
    --------
    >>> render_html('铁是 {{1}} <img src="media:m1" alt="图">', lambda name: f"/media/{name}")
    '铁是 <span class="blank">(1)</span> <img src="/media/m1" alt="图">'
    """
    clean = BLANK_MARK.sub(r'<span class="blank">(\1)</span>', sanitise(html))

    def with_address(match: re.Match[str]) -> str:
        source, alt = _image_parts(match)
        address = html_entities.escape(media_url(source.removeprefix("media:")))
        return f'<img src="{address}" alt="{alt}">'

    return _IMG.sub(with_address, clean)


def media_ids(html: str) -> list[str]:
    """Return the ids of the pictures named in sanitised HTML, in order.

    Examples
    --------
    >>> media_ids('<img src="media:m1" alt=""> <img src="media:m2" alt="">')
    ['m1', 'm2']
    """
    return [_image_parts(match)[0].removeprefix("media:") for match in _IMG.finditer(html)]


def plain_text(html: str) -> str:
    r"""Return the text of item HTML: one line a block, pictures as their alternative text in brackets.

    Examples
    --------
    >>> plain_text('<p>看图</p><p>1&lt;2 <img src="media:m1" alt="电路"></p>')
    '看图\n1<2 [电路]'
    """
    if "<" not in html and "&" not in html:
        return html.strip()
    reader = _TextReader()
    reader.feed(html)
    reader.close()
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def normalise_text(text: str, *, keep_case: bool = False) -> str:
    """Return text in the form in which answers and options are compared.

    Full-width characters become half-width (NFKC), letters lose their case unless it is kept, white space shrinks to one
    blank and goes away beside Chinese characters.

    Examples
    --------
    >>> normalise_text("　ＦＥ  Ｏ 铁 丝 ")
    'fe o铁丝'
    >>> normalise_text("ｍΩ", keep_case=True), normalise_text("MΩ", keep_case=True)
    ('mΩ', 'MΩ')
    """
    plain = unicodedata.normalize("NFKC", text)
    folded = plain if keep_case else unicodedata.normalize("NFKC", plain.casefold())
    return _CJK_SPACE.sub("", " ".join(folded.split()))


def mark_blanks(stem: str) -> str:
    """Return a stem whose drawn blanks are numbered; a stem with numbered blanks stays as it is.

    Runs of underscores and empty brackets are blanks.

    Examples
    --------
    >>> mark_blanks("铁的符号是____，铜的符号是（　　）。")
    '铁的符号是{{1}}，铜的符号是{{2}}。'
    """
    if BLANK_MARK.search(stem):
        return stem
    numbers = itertools.count(1)
    return _DRAWN_BLANK.sub(lambda _: f"{{{{{next(numbers)}}}}}", stem)


def has_substance(html: str) -> bool:
    """Say whether anything is to be seen: text or a picture.

    Examples
    --------
    >>> has_substance("<p> </p>"), has_substance('<img src="media:m1" alt="">')
    (False, True)
    """
    return bool(plain_text(html)) or bool(media_ids(html))


def _escape_stray(text: str) -> str:
    text = _FORMULA.sub(lambda match: match[0].replace("<", "&lt;").replace(">", "&gt;"), text)
    pieces, last = [], 0
    for match in re.finditer("<", text):
        if match.start() < last:
            continue
        tag = _TAG.match(text, match.start())
        if tag and (not tag[1] or _is_known(tag[1])):
            pieces.append(text[last : tag.start()] + _as_paragraph(tag))
            last = tag.end()
        else:
            pieces.append(text[last : match.start()] + "&lt;")
            last = match.end()
    return "".join([*pieces, text[last:]])


def _as_paragraph(tag: re.Match[str]) -> str:
    if (tag[1] or "").lower() not in _PARAGRAPH_LIKE:
        return tag[0]
    return "</p>" if tag[0].startswith("</") else "<p>"


def _is_known(name: str) -> bool:
    return ":" in name or "-" in name or name.lower() in _KNOWN_TAGS


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _MEDIA_SOURCE.fullmatch(value) else None
    if tag == "span":
        return value if value == "blank" else None
    if name in {"colspan", "rowspan"}:
        return value if re.fullmatch(r"[1-9]\d?", value) else None
    if name == "scope":
        return value if value in {"row", "col"} else None
    return value


_CLEANER = nh3.Cleaner(
    tags=set(ALLOWED_TAGS),
    attributes=ALLOWED_ATTRIBUTES,
    attribute_filter=_keep_attribute,
    url_schemes={"media"},
    link_rel=None,
    strip_comments=True,
)


def _image_parts(match: re.Match[str]) -> tuple[str, str]:
    attributes = dict(_ATTRIBUTE.findall(match[1]))
    return attributes.get("src", ""), attributes.get("alt", "")


def _tidy_image(match: re.Match[str]) -> str:
    source, alt = _image_parts(match)
    return f'<img src="{source}" alt="{alt}">' if source else ""


class _TextReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCK_TAGS:
            self.parts.append("\n")
        elif tag in {"td", "th"}:
            self.parts.append(" ")
        elif tag == "img" and (alt := dict(attrs).get("alt")):
            self.parts.append(f"[{alt}]")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCK_TAGS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def one_line(html: str) -> str:
    """Return the text of some item HTML on one line, blanks shown as people print them.

    Examples
    --------
    >>> one_line("<p>欧姆定律：{{1}}  =<br>U/R</p>")
    '欧姆定律：____ = U/R'
    """
    return " ".join(BLANK_MARK.sub("____", plain_text(html)).split())
