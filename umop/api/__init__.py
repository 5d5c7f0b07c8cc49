"""What Python programs use: ``umop.train`` and ``umop.Run``; the commands call the same."""
