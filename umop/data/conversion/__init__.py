"""Writes a data set in another format: of a person, of a model, or what a service has kept."""
