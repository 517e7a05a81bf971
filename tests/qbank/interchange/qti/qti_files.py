"""QTI files for tests, written for them: items of every version, packages, questestinterop files."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

from qbank.interchange.convert import read_items
from qbank.interchange.model import ConversionReport
from qbank.interchange.qti.names import HTML, VERSIONS, kebab

NAMESPACE = {name: one.namespace for name, one in VERSIONS.items()}
MATCH = '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"/>'
MAP = '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/map_response"/>'
MAP_POINT = '<responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/map_response_point"/>'
SCORE = '<outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float"/>'


def item(declarations: str, body: str, rules: str = MATCH, *, after: str = "", attributes: str = "") -> str:
    return (
        '<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="q1" title="" adaptive="false" '
        f'timeDependent="false"{attributes}>{declarations}{SCORE}<itemBody>{body}</itemBody>{rules}{after}</assessmentItem>'
    )


def response(cardinality: str, base: str, *right: str, name: str = "RESPONSE", mapping: str = "") -> str:
    values = "".join(f"<value>{one}</value>" for one in right)
    correct = f"<correctResponse>{values}</correctResponse>" if right else ""
    return (
        f'<responseDeclaration identifier="{name}" cardinality="{cardinality}" baseType="{base}">'
        f"{correct}{mapping}</responseDeclaration>"
    )


def mapping(bounds: str = "", **worth: float) -> str:
    entries = "".join(f'<mapEntry mapKey="{key}" mappedValue="{value}"/>' for key, value in worth.items())
    return f'<mapping defaultValue="0"{bounds and " "}{bounds}>{entries}</mapping>'


def choices(*names: str, most: int = 1, prompt: str = "<prompt>选哪一项？</prompt>") -> str:
    options = "".join(f'<simpleChoice identifier="{name}">选项{name}</simpleChoice>' for name in names)
    return f'<choiceInteraction responseIdentifier="RESPONSE" shuffle="false" maxChoices="{most}">{prompt}{options}</choiceInteraction>'


def as_version(text: str, version: str) -> str:
    """Return an item of QTI 2.1 under the names of another version."""
    text = text.replace(NAMESPACE["qti21"], NAMESPACE[version])
    if version != "qti30":
        return text

    def tag(match: re.Match[str]) -> str:
        name = match[2]
        if name in HTML or name.startswith("m:"):
            return match[0]
        attributes = re.sub(r"\b([a-zA-Z]+)=", lambda found: f"{kebab(found[1])}=", match[3])
        return f"<{match[1]}qti-{kebab(name)}{attributes}>"

    return re.sub(r"<(/?)([A-Za-z][\w:]*)((?:\s[^<>]*)?)>", tag, text)


def read(data: str | bytes, name: str = "a.xml") -> ConversionReport:
    report = read_items(data.encode() if isinstance(data, str) else data, name)
    assert report.found == len(report.items) + len(report.skipped)
    return report


def package(files: Mapping[str, str | bytes], manifest: str | None = None, *, version: str = "2p1") -> bytes:
    """Return a package; without a manifest of one's own every XML file in ``items/`` is listed."""
    buffer = io.BytesIO()
    listed = [name for name in files if name.startswith("items/") and name.endswith(".xml")]
    body = "".join(
        f'<resource identifier="r{n}" type="imsqti_item_xmlv{version}" href="{name}"><file href="{name}"/></resource>'
        for n, name in enumerate(listed)
    )
    standard = manifest_of(body)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if manifest != "":
            archive.writestr("imsmanifest.xml", manifest if manifest is not None else standard)
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def manifest_of(resources: str) -> str:
    return (
        '<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" identifier="m"><organizations/>'
        f"<resources>{resources}</resources></manifest>"
    )


def old_item(presentation: str, rules: str = "", *, ident: str = "q1", metadata: str = "", feedback: str = "") -> str:
    outcomes = '<outcomes><decvar varname="SCORE" vartype="Decimal" minvalue="0" maxvalue="100"/></outcomes>'
    processing = f"<resprocessing>{outcomes}{rules}</resprocessing>" if rules else ""
    fields = f"<itemmetadata><qtimetadata>{metadata}</qtimetadata></itemmetadata>" if metadata else ""
    return f'<item ident="{ident}" title="">{fields}<presentation>{presentation}</presentation>{processing}{feedback}</item>'


def old_file(*items: str) -> str:
    return f"<questestinterop>{''.join(items)}</questestinterop>"


def points(value: float) -> str:
    return (
        f"<qtimetadatafield><fieldlabel>points_possible</fieldlabel><fieldentry>{value}</fieldentry></qtimetadatafield>"
    )


def when(condition: str, marks: float = 100, *, goes_on: str = "No", action: str = "Set") -> str:
    return (
        f'<respcondition continue="{goes_on}"><conditionvar>{condition}</conditionvar>'
        f'<setvar varname="SCORE" action="{action}">{marks}</setvar></respcondition>'
    )


def equal(text: str, name: str = "r1", attributes: str = "") -> str:
    return f'<varequal respident="{name}"{attributes}>{text}</varequal>'
