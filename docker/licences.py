"""Prints the licence of each Python package beside it: ``python - < docker/licences.py``.

Read by an image's own Python, for some images have neither a shell nor pip.
"""

from __future__ import annotations

from importlib.metadata import Distribution, distributions


def main() -> None:
    """Prints one package a line."""
    for each in sorted(distributions(), key=lambda each: each.name.lower()):
        print(f"{each.name} {each.version}: {licence(each)}")


def licence(package: Distribution) -> str:
    """What the newest field says that its metadata fills in; else the title of its licence."""
    metadata = package.metadata
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier", [])
        if each.startswith("License :: OSI Approved :: ")
    ]
    text = metadata.get("License-Expression") or ", ".join(classifiers) or metadata.get("License")
    text = text or package.read_text(f"licenses/{metadata.get('License-File')}")
    return text.strip().splitlines()[0] if text and text.strip() else "UNKNOWN"


if __name__ == "__main__":
    main()
