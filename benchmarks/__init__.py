"""Measurements that are not tests: what they say depends on the machine, so they tell ratios."""
