"""`drift verify-flow`."""
