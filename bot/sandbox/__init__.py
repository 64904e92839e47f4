"""Calls functions in child processes that have limits, and neither environment nor secrets."""
