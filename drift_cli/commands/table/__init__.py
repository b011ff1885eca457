"""`drift table`."""
