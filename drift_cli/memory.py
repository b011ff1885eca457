"""Where memory is lacking: smaller blocks first, and then the setting that counts is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING

from drift_cli.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

_FEWEST = 64  # rows of a block that is not halved again: then it is not the block that is too large


def lacks_memory(failure: BaseException) -> bool:
    """NumPy raises a `MemoryError`, torch its own class on a GPU, and on the CPU an error known by its allocator."""
    of_the_gpu = type(failure).__name__ == "OutOfMemoryError"  # by its name, as torch need not have been imported
    of_the_cpu = isinstance(failure, RuntimeError) and "DefaultCPUAllocator" in str(failure)
    return isinstance(failure, MemoryError) or of_the_gpu or of_the_cpu


def in_blocks(work: Callable[..., Tensor], rows: int, *tensors: Tensor | None) -> Tensor:
    """`work` of at most `rows` rows [b, …] of the tensors at a time, as one tensor; None is handed on as it is.

    Where memory is lacking the blocks are halved, down to a few rows. `work` treats each row by itself.
    """
    import torch

    while True:
        try:
            parts = [repeat(None) if each is None else each.split(rows) for each in tensors]
            made = [work(*part) for part in zip(*parts, strict=False)]
            return made[0] if len(made) == 1 else torch.cat(made)
        except Exception as failure:
            count = next(len(each) for each in tensors if each is not None)
            if not lacks_memory(failure) or min(rows, count) <= _FEWEST:
                raise
        rows = min(rows, count) // 2  # out of the handler, which would hold what the failure still has


@contextmanager
def counted_by(setting: str, value: int, others: str = "") -> Iterator[None]:
    """A lack of memory within is a `UserError` that names the setting whose size asks for it."""
    try:
        yield
    except Exception as failure:
        if not lacks_memory(failure):
            raise
        raise UserError(f"There is not enough memory for {setting}={value}: lower it{others}.") from failure
