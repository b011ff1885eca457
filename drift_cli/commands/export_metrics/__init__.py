"""`drift export-metrics`: the curves of runs for other programs."""
