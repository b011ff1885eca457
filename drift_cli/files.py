"""Files written whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from drift_cli.errors import UserError

if TYPE_CHECKING:
    import numpy as np

_PARTIAL = ".partial"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A neighbour to write to, which becomes `path` at the end; where the writing fails, `path` stays what it was.

    It is on the disk before it has the name. The neighbour is this process's own. An `OSError` names `path`.
    """
    beside = path.with_name(f"{path.name}.{socket.gethostname()}-{os.getpid()}{_PARTIAL}")
    with naming(path):
        beside.unlink(missing_ok=True)  # were it a link, what it points to would be written over
        try:
            yield beside
            flush(beside)
            os.replace(beside, path)
            flush(path.parent)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An `OSError` of the block names this file: a write knows only its descriptor, or the half written neighbour."""
    try:
        yield
    except OSError as error:
        if error.filename is None or str(error.filename).endswith(_PARTIAL):
            error.filename = str(path)
        raise


def flush(path: Path) -> None:
    """Wait until the file, or the names in the folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # of file systems that have no such call for folders
            raise
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Any) -> None:
    with whole(path) as beside:
        beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_tensors(path: Path, tensors: Mapping[str, Any], metadata: dict[str, str] | None = None) -> None:
    """Tensors, wherever they are, as safetensors."""
    from safetensors.torch import save  # here, as what reads JSON alone needs no torch

    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
    with whole(path) as beside:
        beside.write_bytes(content)


def write_array(path: Path, array: np.ndarray) -> None:
    """An array as .npy."""
    import numpy as np

    with whole(path) as beside, beside.open("wb") as file:
        np.save(SimpleNamespace(write=file.write), array)  # to a file itself NumPy writes without saying what failed


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[int | None]:
    """The file `path` held by this process alone, as its descriptor; None where another one holds it. `shared`: by this
    one and others that share it.

    Raises `UserError` for a symbolic link: what it points to is somebody else's.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UserError(f"{path} cannot be opened as a lock: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        except OSError as error:
            raise UserError(
                f"{path} cannot be locked: {error.strerror}. Choose a folder on another file system."
            ) from error
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def refuse_links(folder: Path) -> None:
    """Raise `UserError` where something in `folder` is a symbolic link: a run writes, renames and removes in its own
    folder, and through a link it would do so elsewhere."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (place := Path(parent, name)).is_symlink():
                raise UserError(
                    f"{place} is a symbolic link to {os.readlink(place)}: a run writes only in its own folder. Replace "
                    "the link with its target, or remove it."
                )


def remove_partial(folder: Path, pattern: str = "*") -> None:
    """Remove the half-written files of a killed process in `folder`, if no other process is working there.

    `pattern` "**/*": in the folders below it as well.
    """
    for left in list(folder.glob(f"{pattern}{_PARTIAL}")):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def remove_whole(folder: Path) -> None:
    """Remove a folder, which has its name until it is none: a process that is killed meanwhile leaves no half of it."""
    aside = folder.with_name(folder.name + _PARTIAL)
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(folder, aside)
    shutil.rmtree(aside, ignore_errors=True)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises `UserError` naming the file when it holds anything else."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} must contain a JSON object, but contains another kind of value: remove it.")
    return content


def partial_files(folder: Path) -> list[Path]:
    """The half-written files in `folder`, of a running or a killed process."""
    return sorted(folder.glob(f"*{_PARTIAL}"))


def read_json(path: Path) -> Any:
    """Read JSON; raises `UserError` naming the file when it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as JSON: {error}.") from error
