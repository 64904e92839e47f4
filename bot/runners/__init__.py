"""Who carries steps out: one package per runner, ignorant of each other; beside them what they share."""
