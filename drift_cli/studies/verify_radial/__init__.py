"""`drift verify-radial`."""
