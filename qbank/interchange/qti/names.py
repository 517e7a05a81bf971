"""What the versions of QTI call the same things; inside this package everything has its name of QTI 2."""

from __future__ import annotations

import re
from dataclasses import dataclass

MATHML = "http://www.w3.org/1998/Math/MathML"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True, slots=True)
class Version:
    """Namespaces, schema addresses and resource types of one version."""

    format: str
    namespace: str
    schema: str
    manifest_namespace: str
    manifest_schema: str
    package: tuple[str, str]
    templates: str
    resource: str

    @property
    def is_kebab(self) -> bool:
        """Say whether elements are called ``qti-choice-interaction`` instead of ``choiceInteraction``."""
        return self.format == "qti30"


_IMS = "http://www.imsglobal.org"
_PURL = "https://purl.imsglobal.org/spec/qti/v3p0"
VERSIONS = {
    one.format: one
    for one in (
        Version(
            "qti21", f"{_IMS}/xsd/imsqti_v2p1", f"{_IMS}/xsd/qti/qtiv2p1/imsqti_v2p1.xsd",
            f"{_IMS}/xsd/imscp_v1p1", f"{_IMS}/xsd/qti/qtiv2p1/qtiv2p1_imscpv1p2_v1p0.xsd",
            ("QTIv2.1 Package", "1.0.0"), f"{_IMS}/question/qti_v2p1/rptemplates/", "imsqti_item_xmlv2p1",
        ),
        Version(
            "qti22", f"{_IMS}/xsd/imsqti_v2p2", f"{_IMS}/xsd/qti/qtiv2p2/imsqti_v2p2.xsd",
            f"{_IMS}/xsd/imscp_v1p1", f"{_IMS}/xsd/qti/qtiv2p2/qtiv2p2_imscpv1p2_v1p0.xsd",
            ("QTIv2.2 Package", "1.0.0"), f"{_IMS}/question/qti_v2p2/rptemplates/", "imsqti_item_xmlv2p2",
        ),
        Version(
            "qti30", f"{_IMS}/xsd/imsqtiasi_v3p0", f"{_PURL}/schema/xsd/imsqti_asiv3p0_v1p0.xsd",
            f"{_IMS}/xsd/qti/qtiv3p0/imscp_v1p1", f"{_PURL}/schema/xsd/imsqtiv3p0_imscpv1p2_v1p0.xsd",
            ("QTI Package", "3.0.0"), f"{_PURL}/rptemplates/", "imsqti_item_xmlv3p0",
        ),
    )
}  # fmt: skip

HTML = frozenset(
    [
        "p",
        "br",
        "b",
        "strong",
        "i",
        "em",
        "u",
        "sub",
        "sup",
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "colgroup",
        "col",
        "ul",
        "ol",
        "li",
        "img",
        "span",
        "div",
        "object",
        "param",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "a",
        "abbr",
        "acronym",
        "address",
        "blockquote",
        "big",
        "cite",
        "code",
        "dd",
        "dfn",
        "dl",
        "dt",
        "kbd",
        "pre",
        "q",
        "samp",
        "small",
        "tt",
        "var",
        "audio",
        "video",
        "source",
        "track",
        "picture",
        "figure",
        "figcaption",
        "section",
        "article",
        "aside",
        "footer",
        "header",
        "nav",
        "bdi",
        "bdo",
        "ruby",
        "rb",
        "rp",
        "rt",
        "rtc",
        "label",
        "style",
        "details",
        "summary",
        "ssml",
    ]
)
"""Elements that QTI 3 takes from HTML: they keep their names."""
_TEMPLATE = re.compile(r"(?:^|/)(?:CC\d_)?(match_correct|map_response_point|map_response|match)(?:\.xml)?$")


def camel(name: str) -> str:
    """Return the name that QTI 2 has for a name of QTI 3.

    Examples
    --------
    >>> camel("qti-choice-interaction"), camel("response-identifier"), camel("data-x")
    ('choiceInteraction', 'responseIdentifier', 'data-x')
    """
    bare = name.removeprefix("qti-")
    if bare.startswith(("data-", "aria-")) or "-" not in bare:
        return bare
    return re.sub(r"-([a-z0-9])", lambda match: match[1].upper(), bare)


def kebab(name: str) -> str:
    """Return the name that QTI 3 has for a name of QTI 2, without the prefix of elements.

    Examples
    --------
    >>> kebab("choiceInteraction"), kebab("responseIdentifier")
    ('choice-interaction', 'response-identifier')
    """
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"-{match[1].lower()}", name)


def version_of(namespace: str, name: str) -> str:
    """Return the format name for the namespace and name of a root element; empty for what is no QTI.

    Examples
    --------
    >>> version_of("http://www.imsglobal.org/xsd/imsqti_v2p2", "assessmentItem"), version_of("", "questestinterop")
    ('qti22', 'qti12')
    """
    if name == "questestinterop":
        return "qti12"
    if name.startswith("qti-") or "imsqtiasi_v3p0" in namespace or "imsqti_v3p0" in namespace:
        return "qti30"
    if "imsqti_v2p2" in namespace or "imsqti_item_v2p2" in namespace:
        return "qti22"
    return "qti21" if name in ROOTS else ""


ROOTS = frozenset({"assessmentItem", "assessmentTest", "assessmentSection", "assessmentStimulus", "assessmentPassage"})


def template_name(address: str) -> str:
    """Return the name of a standard response-processing template; empty for any other.

    Examples
    --------
    >>> template_name("https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/map_response.xml")
    'map_response'
    """
    found = _TEMPLATE.search(address)
    return {"match": "match_correct"}.get(found[1], found[1]) if found else ""
