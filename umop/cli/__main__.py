"""``python -m umop.cli``."""

from umop.cli import main

main()
