"""Data sets that are fetched: the demo's and COCO 2017."""
