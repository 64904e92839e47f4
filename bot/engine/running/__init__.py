"""From a queued run to its end: claimed, executed step by step, saved after each."""
