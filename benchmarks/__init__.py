"""Measurements, which are not tests: results depend on the machine, so they are reported as ratios."""
