"""Training: one process or many, from a config to a run folder."""
