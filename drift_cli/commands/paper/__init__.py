"""`drift paper`."""
