"""What survives a restart: deliveries, runs, environments, images, approvals, comments."""
