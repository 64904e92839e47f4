"""What each kind of step does, in terms of ports."""
