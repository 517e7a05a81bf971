"""Documents: what goes in as text comes out as the same text, whatever it holds."""

import datetime as dt
import io

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kernel.errors import InvalidInputError
from kernel.typesetting import picture_suffix, printable_photo, render_pdf, render_png

LINES = '#import "kaoku.typ": *\n#show: sheet\n#for line in data.lines [#text(line)\n\n]'
PICTURE = '#import "kaoku.typ": *\n#show: sheet\n#asset(data.name, width: 20mm) 完'
MADE_AT = dt.datetime(2026, 11, 22, 8, tzinfo=dt.UTC)


def text_of(pdf):
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def picture_of(kind, size=(40, 56)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, kind)
    return buffer.getvalue()


def test_rare_characters_come_out_as_they_went_in():
    lines = ["演示 张三", "𠮷𠮟龘䶮㐂犇骉", "一二三方生金女长门", "，。（）“”《》—…·", "11010519491231002X Ω μ ≥ ① ㎡"]
    assert text_of(render_pdf(LINES, {"lines": lines})) == "".join("".join(lines).split())


@pytest.mark.parametrize(
    "text", ['#read("kaoku.json")', "$x^2$ *粗* _斜_ `码`", "]#sys.inputs[", "<label> @ref // 注释", "\\u{41}#{1+1}"]
)
def test_markup_in_data_is_printed_not_run(text):
    assert text_of(render_pdf(LINES, {"lines": [text]})) == "".join(text.split())


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=40))
def test_every_common_character_is_printed_as_itself(text):
    assert text_of(render_pdf(LINES, {"lines": [text]})) == text


def test_the_same_input_gives_the_same_bytes_and_a_date_only_when_given():
    first, second = (render_pdf(LINES, {"lines": ["演示"]}) for _ in range(2))
    assert first == second
    assert pypdf.PdfReader(io.BytesIO(first)).metadata.creation_date is None
    dated = render_pdf(LINES, {"lines": ["演示"]}, created_at=MADE_AT)
    assert pypdf.PdfReader(io.BytesIO(dated)).metadata.creation_date == MADE_AT


def test_a_page_is_a4():
    box = pypdf.PdfReader(io.BytesIO(render_pdf(LINES, {"lines": ["演示"]}))).pages[0].mediabox
    assert (round(float(box.width) / 72 * 25.4), round(float(box.height) / 72 * 25.4)) == (210, 297)


def test_an_archival_document_says_so_and_refuses_a_character_without_a_glyph():
    assert b"pdfaid" in render_pdf(LINES, {"lines": ["演示"]}, archival=True, created_at=MADE_AT)
    with pytest.raises(InvalidInputError, match="字库"):
        render_pdf(LINES, {"lines": ["演示\U0003134a"]}, archival=True, created_at=MADE_AT)
    assert render_pdf(LINES, {"lines": ["演示\U0003134a"]}).startswith(b"%PDF")


def test_an_archival_document_needs_a_date():
    with pytest.raises(ValueError, match="created_at"):
        render_pdf(LINES, {"lines": []}, archival=True)


def test_a_template_reads_only_what_it_was_given():
    for outside in ("/etc/hostname", "../../etc/hostname"):
        with pytest.raises(RuntimeError):
            render_pdf(f'#read("{outside}")', {})


def test_pictures_are_placed_and_missing_ones_left_out():
    with_picture = render_pdf(PICTURE, {"name": "p.png"}, assets={"p.png": picture_of("PNG")})
    assert len(pypdf.PdfReader(io.BytesIO(with_picture)).pages[0].images) == 1
    assert text_of(render_pdf(PICTURE, {"name": "p.png"})) == "完"


def test_an_asset_cannot_leave_its_directory():
    with pytest.raises(ValueError, match="asset name"):
        render_pdf(PICTURE, {"name": "x"}, assets={"../x.png": b""})


def test_only_sound_pictures_are_taken():
    assert picture_suffix(picture_of("PNG")) == "png"
    assert picture_suffix(picture_of("JPEG")) == "jpg"
    assert picture_suffix(picture_of("BMP")) is None
    assert picture_suffix(picture_of("JPEG")[:200]) is None
    assert picture_suffix(b"<svg/>") is None
    assert picture_suffix(picture_of("PNG", (6000, 6000))) is None


def test_too_much_data_is_refused():
    with pytest.raises(InvalidInputError, match="分批"):
        render_pdf(LINES, {"lines": ["长" * 6_000_000]})


def test_a_preview_is_a_picture_per_page():
    pages = render_png('#import "kaoku.typ": *\n#show: sheet\n一 #pagebreak() 二', {})
    assert [page[:4] for page in pages] == [b"\x89PNG"] * 2


def test_a_photo_is_made_small_upright_and_forgets_where_it_was_taken():
    big = Image.new("RGB", (3000, 2000), "white")
    exif = big.getexif()
    exif[0x0112] = 6  # turned by the camera
    exif[0x010E] = "taken at home"
    buffer = io.BytesIO()
    big.save(buffer, "JPEG", exif=exif)
    with Image.open(io.BytesIO(printable_photo(buffer.getvalue()))) as photo:
        assert photo.height > photo.width
        assert max(photo.size) <= 579
        assert not photo.getexif()


def test_a_transparent_photo_gets_white_ground_and_a_broken_one_is_refused():
    buffer = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(buffer, "PNG")
    with Image.open(io.BytesIO(printable_photo(buffer.getvalue()))) as photo:
        assert photo.getpixel((5, 5)) == (255, 255, 255)
    assert printable_photo(b"not a picture") is None
