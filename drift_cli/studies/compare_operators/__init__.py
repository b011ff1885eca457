"""`drift compare-operators`."""
