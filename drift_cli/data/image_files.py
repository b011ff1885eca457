"""Images from files: .npz, .npy, or a folder of PNG and JPEG. Nothing that can run code is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drift_cli.data.class_codes import class_codes
from drift_cli.data.labelled_images import LabelledImages
from drift_cli.data.limit import LIMIT, check_limit
from drift_cli.data.numpy_files import arrays
from drift_cli.errors import UserError

_PICTURES = (".png", ".jpg", ".jpeg")
_ARRAYS = (".npz", ".npy")


def read(path: Path, limit: int = LIMIT) -> LabelledImages:
    """The images of a NumPy file or of a folder: at most `limit` numbers.

    An array is [n, height, width] or [n, height, width, 1 or 3], of uint8 or of numbers from 0 to 1. Its classes are
    the array `labels` of an .npz, or the file `<name>.labels.npy` next to an .npy, as `drift sample` writes it. The
    classes of a folder are its sub-folders; all images are of one size, and grey if every file is.

    Raises `UserError` for what is missing, cannot be read, or breaks one of these rules.
    """
    if path.is_dir():
        return _of_folder(path, limit)
    if not path.is_file():
        raise UserError(f"There is no file or folder {path}: dataset.path must name an .npz or .npy file, or a folder.")
    if path.suffix.lower() not in _ARRAYS:
        raise UserError(
            f'{path} must end in {", ".join(_ARRAYS)}, got "{path.suffix}": for PNG and JPEG files, name their folder.'
        )
    return _of_arrays(path, limit)


def _of_arrays(path: Path, limit: int) -> LabelledImages:
    found = arrays(path, limit)
    labels = found.pop("labels", None)
    if labels is None and (beside := path.with_suffix(".labels.npy")).is_file():
        labels = arrays(beside, limit)[""]
    if len(found) > 1 and "images" in found:
        found = {"images": found["images"]}
    if len(found) != 1:
        named = ", ".join(found) or "none"
        raise UserError(f"{path} must contain one array of images besides `labels`, got {len(found)} ({named}).")
    (images,) = found.values()
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3) or 0 in images.shape:
        first = images.ndim == 4 and images.shape[1] in (1, 3)
        remedy = ": move the channels to the end, images.transpose(0, 2, 3, 1)" if first else ""
        raise UserError(
            f"{path} must be images [n, height, width], or [n, height, width, 3] in colour, got {images.shape}{remedy}."
        )
    codes, names = (None, None) if labels is None else class_codes(_checked_labels(labels, len(images), path))
    return _labelled(_from_0_to_1(images, path), codes, names, path)


def _from_0_to_1(images: np.ndarray, path: Path) -> np.ndarray:
    if images.dtype == np.uint8:
        return images / 255
    if images.dtype.kind not in "fb":
        raise UserError(
            f"{path} must hold uint8 (0 to 255) or numbers from 0 to 1, got {images.dtype}: save it with "
            ".astype(np.uint8)."
        )
    pixels = images.astype(np.float64)
    if not np.isfinite(pixels).all():
        image = int(np.argwhere(~np.isfinite(pixels))[0][0])
        raise UserError(f"{path}: every pixel must be finite, but image {image} (counted from 0) has one that is not.")
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 1:
        remedy = "divide by 255" if low >= 0 and high > 2 else "clip them, np.clip(images, 0, 1)"
        raise UserError(f"{path}: pixels must be from 0 to 1, got {low:.3g} to {high:.3g}: {remedy}.")
    return pixels


def _checked_labels(labels: np.ndarray, count: int, path: Path) -> np.ndarray:
    if labels.shape != (count,) or labels.dtype.kind not in "iuUb":
        raise UserError(
            f"{path}: labels must be one integer or word for each of the {count:,} images, got {labels.dtype} of shape "
            f"{labels.shape}."
        )
    return labels


def _of_folder(path: Path, limit: int) -> LabelledImages:
    files = _pictures(path)
    kinds = {folder.name: _pictures(folder) for folder in sorted(path.iterdir()) if folder.is_dir()}
    kinds = {name: inside for name, inside in kinds.items() if inside}
    if files and kinds:
        raise UserError(
            f"{path} holds {files[0].name} next to the folder {next(iter(kinds))}: either every image must be in a "
            "class folder, or none."
        )
    if not files and not kinds:
        raise UserError(
            f"{path} contains no images: it needs {', '.join(_PICTURES)} files, or one sub-folder per class."
        )
    labels = None if files else np.repeat(np.arange(len(kinds)), [len(inside) for inside in kinds.values()])
    pixels = _of_pictures(path, files or [file for inside in kinds.values() for file in inside], limit)
    return _labelled(pixels / 255, labels, tuple(kinds) or None, path)


def _pictures(folder: Path) -> list[Path]:
    """The images in this folder, in the order of their names; hidden files are none."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in _PICTURES and file.is_file())
    return sorted(file for file in files if not file.name.startswith("."))


def _of_pictures(path: Path, files: list[Path], limit: int) -> np.ndarray:
    """[n, height, width] of uint8 where every file is grey, [n, height, width, 3] otherwise."""
    read, numbers = [], 0
    for file in files:
        read.append(_picture(file))
        numbers += read[-1].size
        check_limit(path, numbers, limit)
    for file, each in zip(files, read, strict=True):
        if each.shape[:2] != read[0].shape[:2]:
            (height, width), (h, w) = read[0].shape[:2], each.shape[:2]
            raise UserError(
                f"{file} is {h} × {w} pixels (height × width), and {files[0].name} is {height} × {width}: resize all "
                "images to one size."
            )
    if all(each.ndim == 2 for each in read):
        return np.stack(read)
    return np.stack([each if each.ndim == 3 else np.repeat(each[..., None], 3, axis=2) for each in read])


def _picture(file: Path) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise UserError(f"{file} has more than 8 bits per channel: save it with 8.")
            return np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{file} is not a readable image: {str(error).splitlines()[0]}.") from error


def _labelled(
    pixels: np.ndarray, labels: np.ndarray | None, names: tuple[str, ...] | None, path: Path
) -> LabelledImages:
    if len(pixels) < 2:
        raise UserError(f"{path} must contain at least 2 images, got {len(pixels)}.")
    return LabelledImages(pixels.reshape(len(pixels), -1).astype(np.float64), labels, pixels.shape[1:], names)
