"""How long a preview environment lives, and when it sleeps."""
