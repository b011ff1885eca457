"""`drift ablate-schedule`."""
