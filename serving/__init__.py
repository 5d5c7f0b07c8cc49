"""Inference: reads a bundle, detects objects, answers over HTTP. Needs no training code."""
