"""Random names of runs and stores, for people to read and for addresses."""

import secrets

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without the characters that look alike; 5 bits each."""
UID_LENGTH = 6
STORE_LENGTH = 8


def random_id(length: int) -> str:
    """Return a random name."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
