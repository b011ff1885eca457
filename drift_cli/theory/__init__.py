"""Closed forms and exact computations with which measurements are compared; independent of training."""
