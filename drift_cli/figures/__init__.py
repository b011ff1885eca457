"""Figures from measured data; no computation happens here."""
