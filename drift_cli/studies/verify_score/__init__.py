"""`drift verify-score`."""
