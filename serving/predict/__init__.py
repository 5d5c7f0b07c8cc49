"""``umop predict``: from a bundle to boxes, in one process and without a service."""
