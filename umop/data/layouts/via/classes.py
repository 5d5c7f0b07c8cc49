"""Which attribute of a region of VIA's is its class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

_CLEAR = ("class", "label", "category", "class_name", "classname")
_KNOWN = (*_CLEAR, "name", "type", "object")
"""What the attribute with the class is called, the clearest first."""
_ONLY_CLASS = "object"
"""The class where no region of the data has an attribute."""
_NOT_GIVEN = "not_defined"
"""What VIA's own project has for a name that nobody has given."""
_ANSWERS = {"yes", "no", "true", "false", "0", "1", "unknown"}
"""The values of an attribute that asks something of a box, such as whether it is occluded."""


class RegionClasses:
    """The classes of the regions of a data set.

    Attributes:
        unclear: The attributes of which each may be the class, as some region has several.
    """

    def __init__(self, regions: Iterable[Any]) -> None:
        """Finds out which attributes only describe a box.

        Args:
            regions: All of the data set.
        """
        found = [_texts(region) for region in regions]
        values: defaultdict[str, set[str]] = defaultdict(set)
        for texts in found:
            for name, text in texts.items():
                values[name].update({text.casefold()} - {""})
        self._has_attributes = bool(values)
        self._used = {name for name, texts in values.items() if texts}
        self._describing = _describing(found, {name: values[name] for name in self._used})
        several = [names for names in map(self._candidates, found) if len(names) > 1]
        self.unclear = list(dict.fromkeys(name for names in several for name in names))

    def of(self, region: Any) -> str | None:
        """The class of a region; blank where it has none, and None where it is not clear."""
        if not self._has_attributes:
            return _ONLY_CLASS
        texts = _texts(region)
        if known := [name for name in _KNOWN if name in texts and name in self._used]:
            return next(filter(None, (texts[name] for name in known)), "")
        candidates = self._candidates(texts)
        if len(candidates) > 1:
            return None
        return texts[candidates[0]] if candidates else ""

    def _candidates(self, texts: dict[str, str]) -> list[str]:
        """The attributes that may be the class, of a region where none has a known name."""
        if self._used & texts.keys() & set(_KNOWN):
            return []
        return [name for name in texts if name in self._used - self._describing]


def _describing(found: list[dict[str, str]], values: dict[str, set[str]]) -> set[str]:
    """The attributes that are no class, as they stand beside one in some region.

    Args:
        found: The attributes of each region.
        values: The values of each attribute, in small letters.
    """
    others = values.keys() - set(_KNOWN)
    answers = {name for name in others if values[name] <= _ANSWERS}
    describing = set[str]()
    for texts in found:
        if texts.keys() & values.keys() & set(_CLEAR):
            describing |= texts.keys() & others
        elif texts.keys() & values.keys() - answers:
            describing |= texts.keys() & answers
    return describing


def _texts(region: Any) -> dict[str, str]:
    """The text of each attribute of a region, by its name in small letters."""
    attributes = region.get("region_attributes") if isinstance(region, dict) else None
    texts: dict[str, str] = {}
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        texts[name.casefold()] = texts.get(name.casefold()) or _text(value)
    return texts


def _text(value: Any) -> str:
    """The text of an attribute's value: of a choice of several the first that is chosen."""
    if isinstance(value, dict):
        value = next((name for name, chosen in value.items() if chosen), "")
    text = "" if value is None else str(value).strip()
    return "" if text == _NOT_GIVEN else text
