"""Time and memory of several functions, in turn, so that a machine whose speed drifts treats them alike."""

from __future__ import annotations

import contextlib
import ctypes
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

_LEAST_ROUNDS, _MOST_ROUNDS = 3, 60
_LONG = 2.0  # seconds
_TURN, _MOST_CALLS = 0.02, 20  # seconds of timed calls in a turn, and how many at most
_SAMPLE_EVERY = 5e-4  # seconds between looks at the memory in use


def median_ms(functions: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Median wall time in ms of each, run in turn for about `seconds` in all.

    A turn is one call that is not timed, which finds the caches and threads as the one before left them, and then
    calls for a few ms, as a training run makes them. What takes longer than some seconds is called once.
    """
    first = {name: _timed(function) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [took] for name, took in first.items() if took > _LONG}
    functions = {name: function for name, function in functions.items() if name not in times}
    calls = {name: _calls(min(first[name], _timed(function))) for name, function in functions.items()}
    times |= {name: [] for name in functions}
    began = time.perf_counter()
    for rounds in range(_MOST_ROUNDS):
        if rounds >= _LEAST_ROUNDS and time.perf_counter() - began > seconds:
            break
        for name, function in functions.items():
            if calls[name] > 1:  # a long call warms itself
                function()
            times[name] += [_timed(function) for _ in range(calls[name])]
    return {name: 1e3 * statistics.median(values) for name, values in times.items()}


def peak_mb(function: Callable[[], object]) -> float:
    """The most memory in use while the function runs, above what is in use before, in MB (10⁶ bytes)."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        function()
        torch.cuda.synchronize()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    _release()
    before, peak, done = _resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, _resident())
            time.sleep(_SAMPLE_EVERY)

    watcher = threading.Thread(target=watch)
    watcher.start()
    function()
    peak = max(peak, _resident())
    done.set()
    watcher.join()
    return max(0, peak - before) / 1e6


def _calls(length: float) -> int:
    """How many calls of this length fill a turn."""
    return max(1, min(_MOST_CALLS, round(_TURN / length)))


def _timed(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _release() -> None:
    """Hand freed memory back to the system, so that taking it again is seen; where the C library can."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
