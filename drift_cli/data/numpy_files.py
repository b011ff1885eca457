"""The arrays of a NumPy file. Nothing that can run code is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drift_cli.errors import UserError

_BEGINNINGS = (b"\x93NUMPY", b"PK\x03\x04\x14\x00", b"PK\x03\x04-\x00")


def arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays by name of an .npz file, or the one of an .npy file under the name "".

    Raises `UserError` for a file that is none, or holds pickled objects.
    """
    with path.open("rb") as file:
        if file.read(6) not in _BEGINNINGS:
            raise UserError(f"{path} is not a readable NumPy file: it does not begin like one.")
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            with loaded:
                return {name: loaded[name] for name in loaded.files}
        return {"": loaded}
    except Exception as error:
        if "allow_pickle" in str(error) or "pickle" in str(error).lower():
            raise UserError(
                f"{path} holds pickled objects, which can run code, and is refused: save it as a plain number array."
            ) from error
        raise UserError(f"{path} is not a readable NumPy file: {str(error).splitlines()[0]}.") from error
