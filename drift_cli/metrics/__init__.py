"""Numbers from samples."""
