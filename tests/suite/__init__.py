"""Tools for the test suite itself: slow tests, flaky tests, and how to repeat a failure."""
