"""Run folders: what a run leaves behind, and tables over many of them."""
