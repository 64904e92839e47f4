"""Pure decisions: no I/O, no clock, no randomness, so that each can be tested with a table of cases."""
