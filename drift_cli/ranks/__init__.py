"""Processes (ranks) that work on one batch together, each on its share of the rows.

Nothing is imported here: `torchrun.py` is read before torch is loaded.
"""
