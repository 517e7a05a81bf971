"""Tell which version of QTI a file or a package is, without parsing it."""

from __future__ import annotations

import io
import re
import zipfile

from qbank.interchange.guard import PACKAGE_LIMITS
from qbank.interchange.qti.names import version_of

MANIFEST = "imsmanifest.xml"
OLD = re.compile(r"imsqti_xmlv1p|imsqti_(?:assessment|item|section|objectbank)_xmlv1p", re.IGNORECASE)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)((?:\s[^<>]*)?)>")
_NAMESPACE = re.compile(r"""\sxmlns(?::[\w.-]+)?\s*=\s*["']([^"']*)["']""")


def format_of_xml(text: str) -> str:
    """Return the QTI format of XML text; empty for other XML. Only the first tag is looked at, nothing is parsed.

    Examples
    --------
    >>> format_of_xml('<?xml version="1.0"?><questestinterop>')
    'qti12'
    """
    bare = re.sub(r"<!--.*?-->|<\?.*?\?>|<![^<>]*>", " ", text[:20_000], flags=re.DOTALL)
    found = _ROOT.search(bare)
    if not found:
        return ""
    return version_of(" ".join(_NAMESPACE.findall(found[2])), found[1])


def format_of_package(data: bytes) -> str:
    """Return the QTI format of a ZIP file by its manifest, or by the items in it; empty for other archives."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [one.filename for one in archive.infolist()[: PACKAGE_LIMITS.entries]]
        manifest = next((name for name in names if name.rpartition("/")[2] == MANIFEST), "")
        if manifest:
            text = _head(archive, manifest, 2_000_000)
            if "qti" in text.casefold():
                return _format_of_manifest(text)
        heads = (_head(archive, name, 20_000) for name in names[:200] if name.casefold().endswith(".xml"))
        return next((found for head in heads if (found := format_of_xml(head))), "")


def _head(archive: zipfile.ZipFile, name: str, size: int) -> str:
    with archive.open(name) as stream:
        return stream.read(size).decode("utf-8", "replace")


def _format_of_manifest(text: str) -> str:
    if re.search(r"imsqti_(?:\w+_)?xmlv3p0|qtiv3p0/imscp", text):
        return "qti30"
    if re.search(r"imsqti_(?:\w+_)?xmlv2p2", text):
        return "qti22"
    return "qti12" if OLD.search(text) else "qti21"
