"""`drift sample`."""
