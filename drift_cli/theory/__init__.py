"""Closed forms and exact computations that measurements are held against; nothing here knows of training."""
