"""How a run moves from queued to finished, and which run may start next."""
