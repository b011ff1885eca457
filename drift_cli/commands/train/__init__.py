"""`drift train`."""
