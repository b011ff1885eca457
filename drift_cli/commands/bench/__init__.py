"""`drift bench`."""
