"""The arrays of a NumPy file. Nothing that can run code is read."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from drift_cli.data.limit import LIMIT, check_limit
from drift_cli.errors import UserError

_BEGINNINGS = (b"\x93NUMPY", b"PK\x03\x04\x14\x00", b"PK\x03\x04-\x00")


def arrays(path: Path, limit: int = LIMIT) -> dict[str, np.ndarray]:
    """The arrays by name of an .npz file, or the one of an .npy file under the name "".

    Raises `UserError` for a file of another kind, with pickled objects, or with more than `limit` numbers.
    """
    with path.open("rb") as file:
        if file.read(6) not in _BEGINNINGS:
            raise UserError(f"{path} is not a readable NumPy file: it does not begin like one.")
    try:
        check_limit(path, _numbers(path), limit)
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            with loaded:
                return {name: loaded[name] for name in loaded.files}
        return {"": loaded}
    except UserError:
        raise
    except Exception as error:
        if "allow_pickle" in str(error) or "pickle" in str(error).lower():
            raise UserError(
                f"{path} holds pickled objects, which can run code, and is refused: save it as a plain number array."
            ) from error
        raise UserError(f"{path} is not a readable NumPy file: {str(error).splitlines()[0]}.") from error


def _numbers(path: Path) -> int:
    """How many numbers the arrays say that they hold; none is unpacked for it."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return _size(file)
    with zipfile.ZipFile(path) as members:
        sizes = []
        for name in members.namelist():
            with members.open(name) as file:
                sizes.append(_size(file))
    return sum(sizes)


def _size(file: IO[bytes]) -> int:
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return math.prod(header(file)[0])
