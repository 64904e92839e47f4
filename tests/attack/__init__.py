"""Attacks on real parts: each test is one attempt, and asserts that it is refused and nothing else broke."""
