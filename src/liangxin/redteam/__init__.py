"""Attacks that people make on a live model: held, claimed, reviewed, found again, exported."""
