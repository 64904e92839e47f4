"""Results of builds and tests: read within limits, and prepared for comments."""
