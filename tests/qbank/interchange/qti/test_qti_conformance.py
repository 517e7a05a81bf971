"""What is written has the structure that the specification asks for: names, order of children, attributes, identifiers.

The official schemas may not be passed on, so the content models of the elements that are written stand here, as the
specification describes them for QTI 2.1 and 2.2; for QTI 3.0 the names are those of its binding.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml.etree import _Element

from item_templates import registry
from item_templates.contract import CanonicalItem
from qbank.interchange.convert import write_items
from qbank.interchange.qti.names import HTML, VERSIONS, XSI
from qbank.interchange.qti.tree import parse
from tests.item_templates.item_contents import STRATEGIES
from tests.qbank.interchange.interchange_items import example, items, picture, with_picture

TYPES = [one.name for one in registry.all_types() if one.name != "parametric"]
KINDS = sorted(STRATEGIES.keys() - {"parametric", "hotspot"})
INLINE = "b|i|em|strong|sub|sup|span|br|img|textEntryInteraction"
STATIC_BLOCK = "p|table|ul|ol|div"
INTERACTION = "choiceInteraction|orderInteraction|matchInteraction|extendedTextInteraction|hotspotInteraction|selectPointInteraction"
BLOCK = f"{STATIC_BLOCK}|rubricBlock|{INTERACTION}"
FLOW = f"{BLOCK}|{INLINE}"
VALUE = "baseValue|variable|correct|mapResponse|mapResponsePoint|sum|min|index"
TEST = "match|equal|contains|and|gt|gte"
EMPTY, TEXT = "", None
ID = r"[A-Za-z_][\w.-]*"
NUMBER = r"-?\d+(?:\.\d+)?"
BOOLEAN = "true|false"
SHAPES = {"shape": "rect|circle|ellipse|poly|default", "coords": r"\d+(?:,\d+)*"}
ASKING = {"responseIdentifier": ID}
MODELS: dict[str, tuple[str | None, bool, dict[str, str], dict[str, str]]] = {
    # children (None: any text, no children) · text allowed · attributes that must be there · that may
    "assessmentItem": (
        "(responseDeclaration )*(outcomeDeclaration )*itemBody (responseProcessing )?(modalFeedback )*", False,
        {"identifier": ID, "title": r"(?s).+", "adaptive": BOOLEAN, "timeDependent": BOOLEAN},
        {"toolName": ".+", "lang": ".+", "schemaLocation": ".+"},
    ),
    "responseDeclaration": (
        "(correctResponse )?(mapping )?(areaMapping )?", False,
        {"identifier": ID, "cardinality": "single|multiple|ordered",
         "baseType": "identifier|string|float|directedPair|point"}, {},
    ),
    "correctResponse": ("(value )+", False, {}, {}),
    "defaultValue": ("(value )+", False, {}, {}),
    "value": (TEXT, True, {}, {}),
    "mapping": ("(mapEntry )+", False, {"defaultValue": NUMBER}, {"lowerBound": NUMBER, "upperBound": NUMBER}),
    "mapEntry": (EMPTY, False, {"mapKey": r"(?s).+", "mappedValue": NUMBER}, {"caseSensitive": BOOLEAN}),
    "areaMapping": ("(areaMapEntry )+", False, {"defaultValue": NUMBER}, {"lowerBound": NUMBER, "upperBound": NUMBER}),
    "areaMapEntry": (EMPTY, False, {**SHAPES, "mappedValue": NUMBER}, {}),
    "outcomeDeclaration": (
        "(defaultValue )?", False, {"identifier": ID, "cardinality": "single", "baseType": "float|identifier"},
        {"normalMaximum": NUMBER},
    ),
    "itemBody": (f"(({BLOCK}) )+", False, {}, {}),
    "rubricBlock": (f"(({STATIC_BLOCK}) )*", False, {"view": "scorer"}, {"use": "scoring"}),
    "modalFeedback": (
        f"(({STATIC_BLOCK}|{INLINE}) )*", True,
        {"outcomeIdentifier": ID, "identifier": ID, "showHide": "show|hide"}, {},
    ),
    "div": (f"(({FLOW}) )*", True, {}, {"class": ".+"}),
    "p": (f"(({INLINE}) )*", True, {}, {"class": ".+"}),
    **{name: (f"(({INLINE}) )*", True, {}, {"class": ".+"}) for name in ("b", "i", "em", "strong", "sub", "sup", "span")},
    "br": (EMPTY, False, {}, {}),
    "img": (EMPTY, False, {"src": ".+", "alt": "(?s).*"}, {"width": r"\d+", "height": r"\d+"}),
    "object": (TEXT, True, {"type": "image/.+", "data": ".+"}, {"width": r"\d+", "height": r"\d+"}),
    "ul": ("(li )*", False, {}, {}), "ol": ("(li )*", False, {}, {}), "li": (f"(({FLOW}) )*", True, {}, {}),
    "table": ("(caption )?((col )*|(colgroup )*)(thead )?(tfoot )?(tbody )+", False, {}, {}),
    "caption": (f"(({INLINE}) )*", True, {}, {}), "colgroup": ("(col )*", False, {}, {}), "col": (EMPTY, False, {}, {}),
    **{name: ("(tr )+", False, {}, {}) for name in ("thead", "tfoot", "tbody")},
    "tr": ("((td|th) )+", False, {}, {}),
    **{name: (f"(({FLOW}) )*", True, {}, {"colspan": r"\d+", "rowspan": r"\d+", "scope": ".+"}) for name in ("td", "th")},
    "choiceInteraction": ("(simpleChoice )+", False, {**ASKING, "shuffle": BOOLEAN, "maxChoices": r"\d+"}, {}),
    "orderInteraction": ("(simpleChoice )+", False, {**ASKING, "shuffle": BOOLEAN}, {}),
    "simpleChoice": (f"(({STATIC_BLOCK}|{INLINE}) )*", True, {"identifier": ID}, {}),
    "matchInteraction": ("simpleMatchSet simpleMatchSet ", False, {**ASKING, "shuffle": BOOLEAN, "maxAssociations": r"\d+"}, {}),
    "simpleMatchSet": ("(simpleAssociableChoice )+", False, {}, {}),
    "simpleAssociableChoice": (f"(({STATIC_BLOCK}|{INLINE}) )*", True, {"identifier": ID, "matchMax": r"\d+"}, {}),
    "extendedTextInteraction": (EMPTY, False, ASKING, {"expectedLines": r"\d+"}),
    "textEntryInteraction": (EMPTY, False, ASKING, {"expectedLength": r"\d+"}),
    "hotspotInteraction": ("(object|img) (hotspotChoice )+", False, {**ASKING, "maxChoices": r"\d+"}, {}),
    "hotspotChoice": (EMPTY, False, {"identifier": ID, **SHAPES}, {"hotspotLabel": "(?s).*"}),
    "selectPointInteraction": ("(object|img) ", False, {**ASKING, "maxChoices": r"\d+"}, {}),
    "responseProcessing": ("((responseCondition|setOutcomeValue) )*", False, {}, {"template": "https?://.+"}),
    "responseCondition": ("responseIf (responseElseIf )*(responseElse )?", False, {}, {}),
    "responseIf": (f"({TEST}) (setOutcomeValue )+", False, {}, {}),
    "responseElseIf": (f"({TEST}) (setOutcomeValue )+", False, {}, {}),
    "responseElse": ("(setOutcomeValue )+", False, {}, {}),
    "setOutcomeValue": (f"({VALUE}) ", False, {"identifier": ID}, {}),
    "baseValue": (TEXT, True, {"baseType": "float|identifier"}, {}),
    **{name: (EMPTY, False, {"identifier": ID}, {}) for name in ("variable", "correct", "mapResponse", "mapResponsePoint")},
    "sum": (f"(({VALUE}) )+", False, {}, {}), "min": (f"(({VALUE}) )+", False, {}, {}),
    "index": ("variable ", False, {"n": r"\d+"}, {}),
    "match": (f"({VALUE}) ({VALUE}) ", False, {}, {}), "contains": (f"({VALUE}) ({VALUE}) ", False, {}, {}),
    "equal": (f"({VALUE}) ({VALUE}) ", False, {"toleranceMode": "exact|absolute"}, {"tolerance": f"{NUMBER} {NUMBER}"}),
    "gt": (f"({VALUE}) ({VALUE}) ", False, {}, {}), "gte": (f"({VALUE}) ({VALUE}) ", False, {}, {}),
    "and": (f"(({TEST}) )+", False, {}, {}),
}  # fmt: skip


def children(element: _Element) -> list[_Element]:
    return [one for one in element if isinstance(one.tag, str)]


def complaints(root: _Element) -> list[str]:
    """Return where a tree with the names of QTI 2 leaves the content models."""
    found = []
    for element in root.iter(etree.Element):
        model = MODELS.get(str(element.tag))
        if model is None:
            found.append(f"{element.tag} is not known")
            continue
        content, may_have_text, needed, allowed = model
        names = "".join(f"{one.tag} " for one in children(element))
        if not re.fullmatch(content or "", names):
            found.append(f"{element.tag} holds {names}")
        texts = [element.text or "", *(one.tail or "" for one in element)]
        if not may_have_text and any(text.strip() for text in texts):
            found.append(f"{element.tag} holds text")
        found += attribute_complaints(element, needed, allowed)
    return found


def attribute_complaints(element: _Element, needed: dict[str, str], allowed: dict[str, str]) -> list[str]:
    given = {etree.QName(str(name)).localname: str(value) for name, value in element.attrib.items()}
    wrong = [name for name in given if name not in needed | allowed]
    bad = [
        f"{name}={given[name]}"
        for name, form in (needed | allowed).items()
        if name in given and not re.fullmatch(form, given[name])
    ]
    return [f"{element.tag} {one}" for one in [*(needed.keys() - given.keys()), *wrong, *bad]]


def references(root: _Element) -> list[str]:
    """Return interactions without a variable, correct values and outcomes that name nothing, identifiers that come twice."""
    declared = [one.get("identifier", "") for one in root.iter("responseDeclaration", "outcomeDeclaration")]
    asked = [
        one.get("responseIdentifier", "")
        for one in root.iter()
        if isinstance(one.tag, str) and one.get("responseIdentifier")
    ]
    used = [
        one.get("identifier", "")
        for one in root.iter("variable", "correct", "mapResponse", "mapResponsePoint", "setOutcomeValue")
    ]
    twice = [one for one in declared if declared.count(one) > 1] + [one for one in asked if asked.count(one) > 1]
    return twice + [one for one in [*asked, *used] if one not in declared] + _twice_in_interactions(root)


def _twice_in_interactions(root: _Element) -> list[str]:
    found = []
    for interaction in root.iter("choiceInteraction", "orderInteraction", "matchInteraction", "hotspotInteraction"):
        names = [
            one.get("identifier", "")
            for one in interaction.iter("simpleChoice", "simpleAssociableChoice", "hotspotChoice")
        ]
        found += [name for name in names if names.count(name) > 1]
    return found


def files_of(item: CanonicalItem, version: str) -> dict[str, bytes]:
    data = _example_picture()
    media = {hashlib.sha256(one).hexdigest(): one for one in (data, picture())}
    with zipfile.ZipFile(io.BytesIO(write_items([item], version, media)[0])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _example_picture() -> bytes:
    from importlib import resources

    return (resources.files("item_templates") / "hotspot" / "example.png").read_bytes()


def check(item: CanonicalItem, version: str) -> None:
    data = files_of(item, version)["items/item-00001.xml"]
    raw, root = etree.fromstring(data), parse(data)
    assert etree.QName(raw).namespace == VERSIONS[version].namespace
    assert raw.get(f"{{{XSI}}}schemaLocation") == f"{VERSIONS[version].namespace} {VERSIONS[version].schema}"
    if version == "qti30":
        assert names_of_3(raw) == []
        unwrap(root)
    assert complaints(root) == []
    assert references(root) == []


def names_of_3(raw: _Element) -> list[str]:
    """Return what has no name of QTI 3: elements without prefix, attributes with capitals, objects."""
    wrong = []
    for element in raw.iter(etree.Element):
        name = etree.QName(element).localname
        if name == "object" or (name not in HTML and not re.fullmatch(r"qti-[a-z]+(?:-[a-z]+)*", name)):
            wrong.append(name)
        plain = [str(one) for one in element.attrib if not str(one).startswith("{")]
        wrong += [one for one in plain if not re.fullmatch(r"[a-z]+(?:-[a-z]+)*", one)]
    return wrong


def unwrap(root: _Element) -> None:
    """Take the bodies out of feedback and rubrics, which hold just one in QTI 3."""
    for holder in root.iter("modalFeedback", "rubricBlock"):
        assert [one.tag for one in children(holder)] == ["contentBody"]
        body = holder[0]
        holder.text = body.text
        holder[:] = list(body)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", TYPES)
def test_the_example_of_every_type_has_the_structure_of_the_specification(name: str, version: str) -> None:
    check(example(name), version)


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_any_text_and_any_scoring_keep_the_structure(version: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(TYPES))
    check(data.draw(items(name)), version)
    kind = data.draw(st.sampled_from(KINDS))
    content = data.draw(STRATEGIES[kind])
    if not any(one.severity == "error" for one in registry.get(kind).validate(content)):
        check(CanonicalItem("甲 1", content), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifest_names_every_file_once_and_leads_from_items_to_their_pictures(version: str) -> None:
    item, _ = with_picture()
    files = files_of(item, version)
    manifest = etree.fromstring(files["imsmanifest.xml"])
    space = {"m": VERSIONS[version].manifest_namespace}
    assert etree.QName(manifest).namespace == space["m"]
    assert [one.text for one in manifest.find("m:metadata", space)] == list(VERSIONS[version].package)
    assert [etree.QName(one).localname for one in manifest] == ["metadata", "organizations", "resources"]
    resources = manifest.findall(".//m:resource", space)
    hrefs = [one.get("href") for one in resources]
    assert sorted(hrefs) == sorted(files.keys() - {"imsmanifest.xml"})
    assert [one.find("m:file", space).get("href") for one in resources] == hrefs
    assert [one.get("type") for one in resources] == [VERSIONS[version].resource, "webcontent"]
    assert resources[0].find("m:dependency", space).get("identifierref") == resources[1].get("identifier")
    assert next(iter(files)) == "imsmanifest.xml"


def test_the_content_models_refuse_what_the_specification_refuses() -> None:
    good = files_of(example("single_choice"), "qti21")["items/item-00001.xml"]
    root = parse(good)
    root.find("itemBody").text = "text outside a block"
    assert complaints(root) == ["itemBody holds text"]
    root = parse(good)
    root.append(root.find("itemBody"))
    assert len(complaints(root)) == 1
    root = parse(good)
    root.find(".//choiceInteraction").set("responseIdentifier", "NOBODY")
    assert references(root) == ["NOBODY"]
