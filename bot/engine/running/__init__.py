"""From a queued run to its end: claimed, executed step by step, and saved after every change."""
