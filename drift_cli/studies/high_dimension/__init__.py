"""`drift high-dimension`."""
