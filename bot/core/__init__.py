"""Pure decisions: no I/O, no clock, no randomness, so that every one of them can be tested by a table."""
