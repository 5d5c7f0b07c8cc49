"""The layouts that are known: a module for each, and what they share."""
