"""Which HTML an item may hold, and how it is shown."""

from __future__ import annotations

import pytest

from item_templates.markup import from_plain, mark_blanks, media_ids, normalise_text, plain_text, render_html, sanitise

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<img src="media:m1" onerror="alert(1)">',
    '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    '<img src="javascript:alert(1)">',
    '<img src="https://example.org/track.png">',
    '<a href="javascript:alert(1)">x</a>',
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<p style="background:url(javascript:alert(1))">x</p>',
    '<span class="blank evil" onclick="alert(1)">x</span>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<!--><img src=x onerror=alert(1)>-->",
    "<style>@import url(//evil)</style>",
    "<form action=/x><input name=csrf></form>",
    '<table><td background="javascript:alert(1)">x',
    "\\(<img src=x onerror=alert(1)>\\)",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
]


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_that_acts_survives(html):
    clean = sanitise(html)
    live = plain_text(clean)
    tags = clean
    for text in (live, "&lt;", "&gt;"):
        tags = tags.replace(text, "")
    lowered = tags.lower()
    for word in ("<script", "<svg", "<iframe", "<form", "<input", "<style", "style=", "href", "<img src=x", "data:"):
        assert word not in lowered
    assert all(" on" not in tag for tag in lowered.split("<")[1:])


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("若 a<b 且 c>d", "若 a&lt;b 且 c&gt;d"),
        (r"\(a<b\)", r"\(a&lt;b\)"),
        ("<p>甲</p>", "<p>甲</p>"),
        ("<div>甲</div><div>乙</div>", "<p>甲</p><p>乙</p>"),
        ("H<sub>2</sub>O", "H<sub>2</sub>O"),
        ('<img alt="电路" src="media:m1">', '<img src="media:m1" alt="电路">'),
        ('<img src="media:m1">', '<img src="media:m1" alt="">'),
        ('<td colspan="2">x', "x"),
        (
            "<table><tr><td colspan='2'>x</td></tr></table>",
            '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>',
        ),
        ("List<int> 与 <stdio.h>", "List&lt;int&gt; 与 &lt;stdio.h&gt;"),
        ("<o:p>甲</o:p>", "甲"),
        ("甲\x00乙", "甲乙"),
        ('<span class="blank">1</span>', '<span class="blank">1</span>'),
    ],
)
def test_what_an_item_may_hold_survives(html, clean):
    assert sanitise(html) == clean


def test_pictures_and_blanks_are_shown():
    shown = render_html('{{1}}<img src="media:a-1" alt="x">', lambda name: f"/m?id={name}&v=1")
    assert shown == '<span class="blank">(1)</span><img src="/m?id=a-1&amp;v=1" alt="x">'


def test_showing_html_sanitises_it_again():
    assert "<script" not in render_html("<script>alert(1)</script>甲", str)


def test_text_of_a_table_keeps_rows_on_lines():
    html = "<table><tbody><tr><td>甲</td><td>乙</td></tr><tr><td>丙</td></tr></tbody></table>"
    assert plain_text(html) == "甲 乙\n丙"


def test_plain_text_of_a_file_keeps_its_signs():
    assert plain_text(from_plain("a<b & c>d\n<b>不是标签</b>")) == "a<b & c>d\n<b>不是标签</b>"


@pytest.mark.parametrize(
    ("left", "right"),
    [("Ｆｅ", "fe"), ("２２０ V", "220 v"), ("氧化 铁", "氧化铁"), (" a  b ", "A B"), ("℃", "°c"), ("①", "1")],
)
def test_texts_that_people_take_for_the_same_are_the_same(left, right):
    assert normalise_text(left) == normalise_text(right)


@pytest.mark.parametrize(("left", "right"), [("a b", "ab"), ("铁", "铜"), ("1.0", "10")])
def test_texts_that_differ_stay_different(left, right):
    assert normalise_text(left) != normalise_text(right)


@pytest.mark.parametrize(
    ("stem", "marked"),
    [
        ("铁是____，铜是____。", "铁是{{1}}，铜是{{2}}。"),
        ("铁是（　　）。", "铁是{{1}}。"),
        ("铁是（）。", "铁是{{1}}。"),
        ("调用 main() 得 {{1}}，____", "调用 main() 得 {{1}}，____"),
        ("调用 main() 得____", "调用 main() 得{{1}}"),
    ],
)
def test_drawn_blanks_get_numbers(stem, marked):
    assert mark_blanks(stem) == marked


def test_media_are_listed_in_order():
    assert media_ids('<img src="media:b" alt=""><img src="media:a" alt="">') == ["b", "a"]
