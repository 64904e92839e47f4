"""How long a preview environment lives, and when it is scaled to zero."""
