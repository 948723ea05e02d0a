"""XML of measurements: document types and entities are refused before anything is parsed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from surfspec.errors import FormatError

#: Most elements of a document; a scan of ten million points has fewer lists than that.
MOST_ELEMENTS = 2_000_000


def root(text: str, where: str) -> ET.Element:
    """Parse a document that declares no document type.

    Raises
    ------
    FormatError
        For a document type, an entity, more elements than a measurement has, and broken XML with its line and column.
    """
    if re.search(r"<!\s*(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise FormatError(
            "the file declares a document type, which measurements never do",
            where=where,
            remedy="Do not trust this file; export the measurement again",
        )
    if text.count("<") > 2 * MOST_ELEMENTS:
        raise FormatError(
            f"the XML holds more than {MOST_ELEMENTS} elements", where=where, remedy="Export the measurement as .xy"
        )
    try:
        return ET.fromstring(text)  # noqa: S314 - document types and entities were refused above
    except ET.ParseError as problem:
        line, column = problem.position
        raise FormatError(
            "the XML is broken here",
            where=f"{where}:{line}:{column}",
            remedy="The file is cut off or damaged; copy it again",
        ) from problem


def tag(element: ET.Element) -> str:
    """Name of an element without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def every(element: ET.Element, name: str) -> list[ET.Element]:
    """Return all elements of a name below (and with) an element."""
    return [child for child in element.iter() if tag(child) == name]


def first(element: ET.Element, name: str) -> ET.Element | None:
    """Return the first element of a name, None where there is none."""
    return next((child for child in element.iter() if tag(child) == name), None)


def text_of(element: ET.Element, name: str) -> str:
    """Text of the first element of a name, '' where there is none."""
    child = first(element, name)
    return (child.text or "").strip() if child is not None else ""
