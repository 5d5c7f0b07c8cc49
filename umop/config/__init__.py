"""Configs: found by name, read with what they inherit, changed from the command line, checked."""
