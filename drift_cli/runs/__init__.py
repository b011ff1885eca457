"""Run folders: the output of a run, and tables over many runs."""
