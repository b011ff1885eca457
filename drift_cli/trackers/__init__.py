"""Trackers of experiments: the rows of `metrics.jsonl` as they are written, and in the end the summary and the figures.

`base.py` says what a tracker is, `guarded.py` lets one fail without harm; each of the others is one tool, an extra,
imported on request. Nothing is sent anywhere unless the tool's own environment variables say so.
"""

from drift_cli.trackers.base import Start
from drift_cli.trackers.guarded import TRACKERS, Guarded, check_installed, opened

__all__ = ["TRACKERS", "Guarded", "Start", "check_installed", "opened"]
