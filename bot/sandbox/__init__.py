"""The sandbox: calls functions in processes that have limits, and neither environment nor secrets."""
