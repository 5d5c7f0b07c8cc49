"""Writes XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that no XML may have, even escaped."""


def element(
    parent: ElementTree.Element, tag: str, text: str | None = None, /, **attributes: str
) -> ElementTree.Element:
    """Adds an element to another, and returns it.

    Args:
        parent: The other element.
        tag: Its name.
        text: What it holds.
        attributes: Its attributes.
    """
    added = ElementTree.SubElement(parent, tag, attributes)
    added.text = text and _FORBIDDEN.sub("\ufffd", text)
    return added


def text_of(root: ElementTree.Element) -> str:
    """A document, indented; in UTF-8, as XML is where it does not say otherwise."""
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"
