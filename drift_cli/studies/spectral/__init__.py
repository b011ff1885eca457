"""`drift spectral`."""
