"""QR codes: readable size, no style that the content policy would refuse, text escaped."""

import io
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from kernel.qr import qr_png, qr_svg

ADDRESS = "https://kaoku.invalid/verify/S000035001051243000362?t=0123456789abcdef"


def modules_of(png, scale):
    picture = Image.open(io.BytesIO(png)).convert("1")
    n = picture.width // scale
    return [
        [picture.getpixel((x * scale + scale // 2, y * scale + scale // 2)) == 0 for x in range(n)] for y in range(n)
    ]


def test_a_code_is_square_with_a_quiet_zone_and_three_finder_patterns():
    modules = modules_of(qr_png(ADDRESS, scale=5), 5)
    n = len(modules)
    assert (n - 8 - 17) % 4 == 0
    assert not any(modules[i][j] for i in range(4) for j in range(n))
    finder = [True] * 7
    assert modules[4][4:11] == modules[4][n - 11 : n - 4] == modules[n - 5][4:11] == finder


def test_different_texts_give_different_codes_and_the_same_text_the_same():
    assert qr_png(ADDRESS) == qr_png(ADDRESS)
    assert qr_png(ADDRESS) != qr_png(ADDRESS + "x")


def test_the_svg_has_no_style_and_scales_with_its_box():
    svg = qr_svg(ADDRESS, label='证书 "演示" <b>&')
    root = ET.fromstring(svg)  # noqa: S314 - our own output
    assert "style" not in svg
    assert {"viewBox", "class"} <= root.attrib.keys()
    assert "width" not in root.attrib
    assert root[0].text == '证书 "演示" <b>&'


def test_chinese_text_fits():
    assert qr_png("准考证号 2026112200010001 演示").startswith(b"\x89PNG")


def test_a_text_too_long_for_any_code_is_an_error():
    with pytest.raises(ValueError, match="too large"):
        qr_png("长" * 3000)
