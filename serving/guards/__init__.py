"""Keys, rate limits, budgets, admission control, and fetching from the web."""
