"""Logs, metrics, traces, and the ids of the current request."""
