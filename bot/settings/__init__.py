"""The operator's settings: their meaning, how they are read, and their reference."""
