"""How each kind of step is carried out, in terms of ports: the order of things, not their mechanics."""
