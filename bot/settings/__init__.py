"""The operator's settings: their meaning, and how they are loaded."""
