"""Parts of a Word document beyond plain paragraphs: numbering, formulas, symbols, tracked changes, damage."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from lxml import etree

from item_templates.formulas.latex import to_latex
from item_templates.formulas.omml_reader import read_omml
from qbank.interchange.docx_reader import read_docx
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.numbering import Numbering, format_number
from tests.qbank.interchange.word_files import WordFile

MATH = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def latex(inner: str) -> str:
    return to_latex(read_omml(etree.fromstring(f"<m:oMath {MATH}>{inner}</m:oMath>")))


def run(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("omml", "expected"),
    [
        (f"<m:f><m:num>{run('U')}</m:num><m:den>{run('R')}</m:den></m:f>", r"\frac{U}{R}"),
        (f"<m:rad><m:deg/><m:e>{run('2')}</m:e></m:rad>", r"\sqrt{2}"),
        (f"<m:rad><m:deg>{run('3')}</m:deg><m:e>{run('x')}</m:e></m:rad>", r"\sqrt[3]{x}"),
        (f"<m:sSup><m:e>{run('x')}</m:e><m:sup>{run('2')}</m:sup></m:sSup>", "x^{2}"),
        (f"<m:sSub><m:e>{run('U')}</m:e><m:sub>{run('max')}</m:sub></m:sSub>", "U_{max}"),
        (
            f"<m:sSubSup><m:e>{run('x')}</m:e><m:sub>{run('i')}</m:sub><m:sup>{run('2')}</m:sup></m:sSubSup>",
            "x_{i}^{2}",
        ),
        (
            (
                f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{run("i=1")}</m:sub><m:sup>{run("n")}</m:sup>'
                f"<m:e>{run('i')}</m:e></m:nary>"
            ),
            r"\sum_{i=1}^{n}i",
        ),
        (f"<m:d><m:e>{run('a+b')}</m:e></m:d>", r"\left(a+b\right)"),
        (
            f'<m:d><m:dPr><m:begChr m:val="{{"/><m:endChr m:val=""/></m:dPr><m:e>{run("x")}</m:e></m:d>',
            r"\left\{x\right.",
        ),
        (f"<m:func><m:fName>{run('sin')}</m:fName><m:e>{run('α')}</m:e></m:func>", r"\sin\alpha"),
        (f'<m:acc><m:accPr><m:chr m:val="&#x20D7;"/></m:accPr><m:e>{run("F")}</m:e></m:acc>', r"\vec{F}"),
        (run("π≤50%"), r"\pi\le 50\%"),
        (f"<m:unknown><m:e>{run('x')}</m:e></m:unknown>", "x"),
    ],
)
def test_formulas_of_word_become_latex(omml, expected):
    assert latex(omml) == expected


def test_a_formula_nested_without_end_is_cut_off_not_followed():
    inner = run("x")
    for _ in range(100):
        inner = f"<m:d><m:e>{inner}</m:e></m:d>"
    assert latex(inner).startswith(r"\left(")


def test_a_formula_in_a_stem_stands_between_its_signs():
    word = (
        WordFile()
        .formula("1. 电流等于", f"<m:f><m:num>{run('U')}</m:num><m:den>{run('R')}</m:den></m:f>")
        .lines("答案：√")
    )
    assert read_docx(word.data()).records[0].stem == r"电流等于\(\frac{U}{R}\)"


@pytest.mark.parametrize(
    ("number", "form", "written"),
    [
        (3, "upperLetter", "C"), (28, "upperLetter", "BB"), (4, "lowerRoman", "iv"), (10, "chineseCounting", "十"),
        (21, "chineseCountingThousand", "二十一"), (11, "decimalEnclosedCircle", "⑪"), (7, "bullet", ""), (7, "decimal", "7"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_word_shows_them(number, form, written):
    assert format_number(number, form) == written


NUMBERING = f"""<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1、"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="upperLetter"/><w:lvlText w:val="%2."/></w:lvl>
</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>
</w:numbering>"""
STYLES = f"""<w:styles xmlns:w="{W}"><w:style w:styleId="Item"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>
<w:style w:styleId="Child"><w:basedOn w:val="Item"/></w:style></w:styles>"""


def labels(*places: tuple[str, str]) -> list[str]:
    numbering = Numbering(etree.fromstring(NUMBERING), etree.fromstring(STYLES))
    shown = []
    for list_id, level in places:
        inner = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>' if list_id else ""
        style = "" if list_id else f'<w:pStyle w:val="{level}"/>'
        shown.append(numbering.label(etree.fromstring(f'<w:p xmlns:w="{W}"><w:pPr>{style}{inner}</w:pPr></w:p>')))
    return shown


def test_letters_of_a_deeper_level_start_again_with_every_item():
    assert labels(("1", "0"), ("1", "1"), ("1", "1"), ("1", "0"), ("1", "1")) == ["1、", "A.", "B.", "2、", "A."]


def test_a_list_may_start_at_another_number_and_zero_means_no_list():
    assert labels(("1", "0"), ("2", "0"), ("2", "0"), ("0", "0")) == ["1、", "5、", "6、", ""]


def test_a_style_may_number_its_paragraphs_and_those_of_its_children():
    assert labels(("", "Item"), ("", "Child"), ("", "None")) == ["1、", "2、", ""]


def with_paragraph(xml: str) -> bytes:
    document = docx.Document()
    document.element.body.insert(0, parse_xml(xml.replace("<w:p>", f"<w:p {nsdecls('w')}>", 1)))
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_inserted_text_is_read_and_deleted_text_is_not():
    data = with_paragraph(
        "<w:p><w:r><w:t>1. 铁是</w:t></w:r><w:ins><w:r><w:t>金属</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>气体</w:delText></w:r></w:del><w:r><w:t>。（√）</w:t></w:r></w:p>"
    )
    assert read_docx(data).records[0].stem == "铁是金属。（√）"


def test_ticks_of_symbol_fonts_are_judgements():
    data = with_paragraph(
        '<w:p><w:r><w:t>1. 铁是金属。（</w:t></w:r><w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r><w:r><w:t>）</w:t></w:r></w:p>'
    )
    assert read_docx(data).records[0].stem == "铁是金属。（√）"


def test_an_unknown_symbol_is_a_named_loss():
    data = with_paragraph('<w:p><w:r><w:t>1. 铁（√）</w:t><w:sym w:font="Webdings" w:char="F0AA"/></w:r></w:p>')
    result = read_docx(data)
    assert [loss.code for loss in result.losses] == ["symbol"]
    assert "□" in result.records[0].stem


def repacked(data: bytes, part: str, change: bytes | None, *, old: bytes = b"") -> bytes:
    """Return the document with one part changed, or left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part and change is None:
                continue
            target.writestr(name, content.replace(old, change or b"", 1) if name == part else content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:0] + b"not a zip",
        lambda data: data[: len(data) // 2],
        lambda data: repacked(data, "word/document.xml", None),
        lambda data: repacked(data, "word/document.xml", b"<w:oops", old=b"<w:body"),
        lambda data: repacked(data, "word/document.xml", b"?>\n<!DOCTYPE d [<!ENTITY e 'x'>]>", old=b"?>"),
        lambda data: repacked(data, "word/numbering.xml", b"<broken", old=b"<w:numbering"),
    ],
)
def test_a_damaged_or_hostile_document_is_refused_with_a_message(damage):
    data = WordFile().listed("decimal", "铁是金属。（√）").data()
    with pytest.raises(UnreadableFileError, match="Word"):
        read_docx(damage(data))


def test_a_linked_picture_is_a_named_loss_and_is_not_fetched():
    word = WordFile().lines("1. 铁是金属。（√）")
    part = word.document.part
    link = part.relate_to("http://example.org/a.png", f"{docx.opc.constants.RELATIONSHIP_TYPE.IMAGE}", is_external=True)
    blip = f'<w:drawing {nsdecls("w", "a", "r")}><a:blip r:embed="{link}"/></w:drawing>'
    word.document.paragraphs[0].add_run()._r.append(parse_xml(blip))
    result = read_docx(word.data())
    assert [loss.code for loss in result.losses] == ["external_picture"]
    assert result.records[0].media == []


def test_two_thousand_items_are_all_found():
    lines = [f"{n}. 题{n}。（√）" for n in range(1, 2001)]
    assert len(read_docx(WordFile().lines(*lines).data()).records) == 2000
