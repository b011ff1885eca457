"""`drift design-kernel`."""
