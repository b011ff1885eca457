"""The group of processes, and what they tell each other: sums, points of all, blocks that pass on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from drift_cli.errors import RunFailed


class RankLost(RunFailed):
    """Another process of the group has ended."""


@dataclass
class Traffic:
    """Bytes that this process received: points of the others, and sums."""

    points: int = 0
    sums: int = 0


@dataclass(frozen=True)
class Ranks:
    """Process `rank` of `count`. Alone there is nobody to ask: everything is as it was given.

    `exchange`: how the points of all meet the queries of one (`pairs.py`). Every method is called by all of them, in
    the same order; raises `RankLost` where one of them has ended.
    """

    rank: int = 0
    count: int = 1
    exchange: str = "gather"
    traffic: Traffic = field(default_factory=Traffic, compare=False, repr=False)

    @property
    def first(self) -> bool:
        """The one that writes."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.count == 1

    def told(self, steps: int) -> dict[str, float]:
        """How many processes there are, and the bytes that this one received in each of `steps`; nothing alone."""
        if self.alone:
            return {}
        each = {"points": self.traffic.points, "sums": self.traffic.sums}
        return {"processes": self.count} | {f"bytes_of_{name}": total / max(steps, 1) for name, total in each.items()}

    def share(self, n: int) -> slice:
        """Its rows of n, in the order of the ranks; the first ones have one more if n is not a multiple of their
        number.
        """
        start = sum((lengths := self.shares(n))[: self.rank])
        return slice(start, start + lengths[self.rank])

    def shares(self, n: int) -> list[int]:
        """How many of n rows each rank has."""
        return [n // self.count + (rank < n % self.count) for rank in range(self.count)]

    def any(self, flag: bool) -> bool:
        """Whether one of them says so."""
        if self.alone:
            return flag
        told = torch.tensor([float(flag)])
        self._sum(told)
        return bool(told)

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Each becomes its sum over the ranks, all of them in one message; one type and device."""
        if self.alone or not tensors:
            return
        together = torch.cat([each.reshape(-1) for each in tensors])
        self._sum(together)
        for each, summed in zip(tensors, together.split([each.numel() for each in tensors]), strict=True):
            each.copy_(summed.view_as(each))
        self.traffic.sums += 2 * together.nbytes * (self.count - 1) // self.count

    def parts(self, own: Tensor, dim: int = 0, lengths: list[int] | None = None) -> list[Tensor]:
        """The parts of all ranks, of which `own` is this one's; of any `lengths` along `dim`, which are asked for where
        they are not given. Derivatives arrive at every rank's own part, from the others too."""
        if self.alone:
            return [own]
        lengths = lengths or self.lengths(own, dim)
        if own.requires_grad and torch.is_grad_enabled():
            return list(_Parts.apply(own, dim, self, lengths))
        return self._parts(own, dim, lengths)

    def whole(self, own: Tensor, dim: int = 0) -> Tensor:
        """The rows of all, in the order of the ranks."""
        return own if self.alone else torch.cat(self.parts(own, dim), dim)

    def lengths(self, own: Tensor, dim: int) -> list[int]:
        """How long each rank's part is."""
        every = torch.zeros(self.count, dtype=torch.int64)
        every[self.rank] = own.shape[dim]
        self._sum(every)
        return every.tolist()

    def passing(self, own: tuple[Tensor, ...], dim: int, lengths: list[int]) -> Iterator[tuple[Tensor, ...]]:
        """The blocks of the other ranks, one after the other; the next one travels while one is worked on."""
        after, before = (self.rank + 1) % self.count, (self.rank - 1) % self.count
        block = tuple(each.contiguous() for each in own)
        waiting = self._pass_on(block, lengths, before, after, 1, dim)
        for distance in range(1, self.count):
            with _telling_the_lost():
                for request in waiting[1]:
                    request.wait()
            block = waiting[0]
            self.traffic.points += sum(each.nbytes for each in block)
            if distance + 1 < self.count:
                waiting = self._pass_on(block, lengths, before, after, distance + 1, dim)
            yield block

    def _pass_on(
        self, block: tuple[Tensor, ...], lengths: list[int], before: int, after: int, distance: int, dim: int
    ) -> tuple[tuple[Tensor, ...], list[Any]]:
        """Send `block` on, and begin to receive that of the rank `distance` before: there when all is waited for."""
        arriving = []
        for each in block:
            shape = list(each.shape)
            shape[dim] = lengths[(self.rank - distance) % self.count]
            arriving.append(each.new_empty(shape))
        with _telling_the_lost():
            operations = [dist.P2POp(dist.isend, each, after) for each in block]
            operations += [dist.P2POp(dist.irecv, each, before) for each in arriving]
            return tuple(arriving), [*dist.batch_isend_irecv(operations)]

    def _parts(self, own: Tensor, dim: int, lengths: list[int]) -> list[Tensor]:
        rows = own.movedim(dim, 0).contiguous()
        padded = rows.new_zeros(max(lengths), *rows.shape[1:])
        padded[: len(rows)] = rows
        every = [torch.empty_like(padded) for _ in lengths]
        with _telling_the_lost():
            dist.all_gather(every, padded)
        self.traffic.points += padded.nbytes * (self.count - 1)
        return [part[:length].movedim(0, dim) for part, length in zip(every, lengths, strict=True)]

    def _sum(self, tensor: Tensor) -> None:
        with _telling_the_lost():
            dist.all_reduce(tensor)


ALONE = Ranks()


class _Parts(torch.autograd.Function):
    """`Ranks.parts`, whose derivative is the sum of what arrives at a part on every rank."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, dim: int, ranks: Ranks, lengths: list[int]) -> tuple[Tensor, ...]:
        ctx.ranks = ranks
        return tuple(part.clone() for part in ranks._parts(own.detach(), dim, lengths))

    @staticmethod
    def backward(ctx: Any, *arriving: Tensor) -> tuple[Tensor, None, None, None]:
        gradients = [each.clone(memory_format=torch.contiguous_format) for each in arriving]
        ctx.ranks.add(gradients)
        return gradients[ctx.ranks.rank], None, None, None


@contextmanager
def joined(store: dist.Store, rank: int, count: int, device: torch.device, exchange: str) -> Iterator[Ranks]:
    """The group of `count` processes that meet in `store`, while the block runs: gloo, and NCCL between GPUs."""
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with _telling_the_lost():
        dist.init_process_group(backend, store=store, rank=rank, world_size=count)
    try:
        yield Ranks(rank, count, exchange)
    finally:
        dist.destroy_process_group()


@contextmanager
def _telling_the_lost() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise RankLost(f"another process of the run has ended ({str(error).splitlines()[0]})") from error
