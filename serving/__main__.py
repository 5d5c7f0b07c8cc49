"""``python -m serving`` is ``umop-serve``."""

from serving.cli import main

main()
