"""`drift stop-grad-study`."""
