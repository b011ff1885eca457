"""The processes of one run: those that this one starts on its machine, or those that torchrun started with it.

The first one prepares the run, writes, and measures; the others build theirs from what it has kept in the run folder.
They meet in a store, through which the first tells where that is, and they, why they ended.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch
import torch.distributed as dist

from drift_cli import catalogue
from drift_cli import config as configs
from drift_cli.errors import RunFailed, UserError
from drift_cli.learned import Shelf
from drift_cli.ranks import torchrun
from drift_cli.ranks.group import ALONE, RankLost, joined
from drift_cli.runs.cores import usable
from drift_cli.runs.folder import RunFolder
from drift_cli.training import checkpoint, shares
from drift_cli.training.loop import follow
from drift_cli.training.settings import TrainConfig
from drift_cli.training.setup import Setup, assemble
from drift_cli.training.stop import stop_on_signal

_SPAWN = multiprocessing.get_context("spawn")  # the threads of torch do not survive a fork
_HERE = "127.0.0.1"
_POLL = 0.02  # seconds
_PATIENCE = timedelta(days=1)  # for the first process to prepare the run: it may learn an autoencoder


def count(config: TrainConfig) -> int:
    """How many processes the run has. Raises `UserError` where torchrun started another number than is set."""
    wanted, started = config.distributed.processes, torchrun.count()
    if wanted and started and wanted != started:
        raise UserError(
            f"distributed.processes must be {started}, the processes that torchrun started, got {wanted}: leave it out."
        )
    return started or wanted or 1


def check(setup: Setup) -> None:
    """Raise `UserError` where the processes of the run cannot share its batches."""
    if (several := count(setup.config)) == 1:
        return
    shares.check(setup, several)
    if setup.device.type == "cuda" and not torchrun.count() and several > torch.cuda.device_count():
        raise UserError(
            f"distributed.processes={several} needs a GPU for each, and there are {torch.cuda.device_count()}: lower "
            "it, or use device=cpu."
        )


@contextmanager
def shared(setup: Setup, folder: RunFolder) -> Iterator[None]:
    """Within, the batches are shared by all processes of the run, of which this is the first; they stand where the
    latest checkpoint does.

    Raises `RunFailed` where one of them ended before this one did.
    """
    config = setup.config
    if (several := count(config)) == 1:
        yield
        return
    own = None if torchrun.count() else dist.TCPStore(_HERE, 0, several, is_master=True, wait_for_workers=False)
    store = own or _torchruns()
    store.set("run", str(folder.path.absolute()))
    others, threads = _Others(), torch.get_num_threads()
    try:
        if own is not None:
            others.start(own.port, several)
            others.wait(own)
            torch.set_num_threads(_threads(config, several))
        with joined(store, 0, several, setup.device, config.distributed.exchange) as setup.ranks:
            yield
    except RankLost as error:
        raise RunFailed(_told(store, others, several, folder)) from error
    finally:
        setup.ranks = ALONE
        others.end()
        torch.set_num_threads(threads)


@dataclass
class _Others:
    """The processes that this one has started."""

    processes: list[SpawnProcess] = field(default_factory=list)

    def start(self, port: int, several: int) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is for the first, who tells them
        try:
            for rank in range(1, several):
                arguments = (rank, several, port, sorted(catalogue.trusted()))
                process = _SPAWN.Process(target=_started_here, args=arguments, daemon=True)
                process.start()
                self.processes.append(process)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def wait(self, store: dist.Store) -> None:
        """Until all are there. Raises `RankLost` where one has ended before: nobody else would tell of it."""
        there = [_there(rank) for rank in range(1, len(self.processes) + 1)]
        while not store.check(there):
            if any(process.exitcode is not None for process in self.processes):
                raise RankLost("another process of the run has ended")
            time.sleep(_POLL)

    def ended(self) -> str | None:
        """Which one was ended from outside, and how."""
        for rank, process in enumerate(self.processes, 2):
            process.join(timeout=1)
            if (status := process.exitcode) is not None and status < 0:
                return f"process {rank} was ended from outside ({signal.Signals(-status).name})"
        return None

    def end(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()


def _told(store: dist.Store, others: _Others, several: int, folder: RunFolder) -> str:
    """Why the run ended, in one line."""
    why = others.ended()
    if why is None:
        why = store.get("why").decode() if store.check(["why"]) else "another process has ended"
    kept = checkpoint.existing(folder.checkpoints)
    last = f"drift train resume={folder.path} resumes from {kept[-1].name}" if kept else "there is no checkpoint yet"
    return f"Of the {several} processes of this run {why}, and with it the run; {last}."


def _started_here(rank: int, several: int, port: int, trusted: list[str]) -> None:
    """A process that the first one has started."""
    catalogue.trust(trusted)
    _join(dist.TCPStore(_HERE, port, several, is_master=False), rank, several, rank)


def join_torchrun() -> None:
    """A process other than the first, started by torchrun."""
    _join(_torchruns(), torchrun.rank(), torchrun.count(), torchrun.local_rank())


def _join(store: dist.Store, rank: int, several: int, gpu: int) -> None:
    """Work as process `rank` of the run that the first one tells of, to its end. Says nothing but to the store."""
    try:
        store.set_timeout(_PATIENCE)
        folder = RunFolder(Path(store.get("run").decode()))
        config = configs.load(folder.config, TrainConfig)
        if not torchrun.count():
            torch.set_num_threads(_threads(config, several))
        setup = assemble(config, Shelf(folder.learned, others=folder.learned_beside), closed=True, gpu=gpu)
        start = 0
        for place in checkpoint.existing(folder.checkpoints)[-1:]:
            state = checkpoint.read_state(place)
            checkpoint.restore(setup, place, state)
            start = state.step
        store.set(_there(rank), "")
        with stop_on_signal() as stop, joined(store, rank, several, setup.device, config.distributed.exchange) as ranks:
            setup.ranks = ranks
            follow(setup, start, stop)
    except (RankLost, KeyboardInterrupt):
        os._exit(1)
    except Exception as error:
        store.set("why", f"process {rank + 1} stopped ({(str(error).splitlines() or [type(error).__name__])[0]})")
        os._exit(1)


def _there(rank: int) -> str:
    """What a process says in the store before it joins the group."""
    return f"there {rank}"


def _torchruns() -> dist.Store:
    """The store of torchrun's processes."""
    store, _, _ = next(iter(dist.rendezvous("env://")))
    store.set_timeout(_PATIENCE)
    return dist.PrefixStore("drift", store)


def _threads(config: TrainConfig, several: int) -> int:
    return config.threads or max(1, usable() // several)
