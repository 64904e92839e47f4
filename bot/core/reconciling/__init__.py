"""What a comparison of records and reality finds: missed events, orphans, expired data."""
