"""Writes XML."""

from __future__ import annotations

from xml.etree import ElementTree


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
    added.text = text
    return added


def text_of(root: ElementTree.Element) -> str:
    """A document, indented."""
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
