"""Several bots on one store: membership, leases, and tasks that one of them does for all."""
