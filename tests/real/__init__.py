"""The real engine and registry as fixtures, for every folder of tests that needs them."""
