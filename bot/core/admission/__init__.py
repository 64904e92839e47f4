"""Who may do what: trusted commits, permission levels, served repositories, keys of events."""
