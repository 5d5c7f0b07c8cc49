"""Keys, rate limits, admission control, and circuit breakers."""
