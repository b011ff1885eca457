"""The user's own images, grey and in colour: what is read is what was there, and each refusal says what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from drift_cli.data import tables
from drift_cli.data.images import Images
from drift_cli.data.photographs import Photographs
from drift_cli.errors import UserError

GREY = np.random.default_rng(0).integers(0, 256, (20, 4, 5), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (20, 4, 5, 3), dtype=np.uint8)
LABELS = np.arange(20) % 2


def folder(path: Path, images: np.ndarray, names: tuple[str, ...] = ("cat", "dog"), ending: str = ".png") -> Path:
    """Image k goes to the sub-folder of class k mod 2."""
    for k, image in enumerate(images):
        (path / names[k % len(names)]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path / names[k % len(names)] / f"{k:03}{ending}")
    return path


@pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_file_and_a_folder_hold_the_same_images(images: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=images, labels=np.where(LABELS, "dog", "cat"))
    np.save(tmp_path / "b.npy", images / 255)
    np.save(tmp_path / "b.labels.npy", LABELS)
    of_npz, of_npy = (Images(str(tmp_path / name), labels=True).target() for name in ("a.npz", "b.npy"))
    of_folder = Images(str(folder(tmp_path / "c", images)), labels=True).target()
    assert of_npz.labels is not None
    assert of_folder.labels is not None
    assert torch.equal(of_npz.points, of_npy.points)
    assert torch.equal(of_npz.labels, torch.from_numpy(LABELS))
    assert of_npz.space.class_names == of_folder.space.class_names == ("cat", "dog")
    assert of_npy.space.class_names is None  # numbers from 0 are their own names
    by_class = np.argsort(LABELS, kind="stable")
    assert torch.allclose(of_folder.points, of_npz.points[by_class], atol=1e-12)  # a mean in another order
    assert torch.equal(of_folder.labels, of_npz.labels[by_class])
    assert of_npz.space.image == images.shape[1:]
    shown = of_npz.space.to_units(of_npz.points).reshape(images.shape)
    np.testing.assert_allclose(shown, images / 255, atol=1e-12)


def test_what_sample_writes_is_read_again(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).random((6, 3, 3, 3))
    tables.write(tmp_path / "drawn.npy", pixels, (), np.array([0, 0, 1, 1, 2, 2]))
    target = Images(str(tmp_path / "drawn.npy"), labels=True).target()
    assert target.labels is not None
    assert target.labels.tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_allclose(target.space.to_units(target.points).reshape(pixels.shape), pixels, atol=1e-12)


def test_one_picture_in_colour_makes_all_of_them_coloured_and_jpeg_is_read(tmp_path: Path) -> None:
    path = folder(tmp_path, GREY, ending=".jpg")
    Image.fromarray(COLOUR[0]).save(path / "cat" / "z.PNG")
    (path / "cat" / ".hidden.png").write_bytes(b"")
    (path / "notes").mkdir()  # a folder without images is no class
    found = Images(str(path)).images()
    assert found.shape == (4, 5, 3)
    assert found.names == ("cat", "dog")
    grey = found.pixels.reshape(-1, 4, 5, 3)
    assert np.array_equal(grey[0, ..., 0], grey[0, ..., 2])
    assert not np.array_equal(grey[10, ..., 0], grey[10, ..., 2])


def test_without_labels_the_classes_are_kept_for_judging_alone(tmp_path: Path) -> None:
    target = Images(str(folder(tmp_path, COLOUR)), held_out=0.2).target()
    assert (target.labels, target.space.class_frequencies, target.space.class_names) == (None, None, None)
    assert target.classes is not None
    assert target.held_out is not None
    assert target.held_out.classes is not None
    assert target.held_out.classes.tolist() == [0, 0, 1, 1]
    assert target.notes == (f"{tmp_path}: 20 images of 4 × 5 × 3; 2 classes: cat, dog",)


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (GREY.astype(np.int64), "uint8 (0 to 255) or numbers from 0 to 1, got int64: save it with .astype(np.uint8)"),
        (GREY.astype(np.float32), "pixels must be from 0 to 1, got 0 to 255: divide by 255"),
        (GREY / 255 - 0.1, "pixels must be from 0 to 1, got -0.1 to 0.9: clip them"),
        (np.full((3, 2, 2), np.nan), "every pixel must be finite, but image 0"),
        (GREY[0], "must be images [n, height, width], or [n, height, width, 3] in colour, got (4, 5)"),
        (np.zeros((9, 3, 5, 5)), "move the channels to the end"),
        (GREY[:1], "at least 2 images, got 1"),
    ],
    ids=["integers", "to 255", "below 0", "nan", "one", "channels first", "too few"],
)
def test_an_array_that_is_no_images_is_refused(array: np.ndarray, told: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError) as refusal:
        Images(str(tmp_path / "a.npy")).target()
    assert told in str(refusal.value)


def test_labels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "a.npz")
    np.savez(path, images=GREY)
    Images(path).target()
    with pytest.raises(UserError, match=r"labels=true needs classes, and .* has none: give a sub-folder for each"):
        Images(path, labels=True).target()
    for labels in (LABELS[:3], LABELS / 2):
        np.savez(path, images=GREY, labels=labels)
        with pytest.raises(UserError, match="one integer or word for each of the 20 images, got"):
            Images(path).target()
    np.savez(path, images=GREY, labels=np.array([None] * 20))
    with pytest.raises(UserError, match="pickled objects, which can run code"):
        Images(path).target()


def test_a_folder_that_cannot_be_used_is_refused_by_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="contains no images"):
        Images(str(tmp_path)).target()
    path = folder(tmp_path / "a", GREY)
    Image.fromarray(GREY[0]).save(path / "loose.png")
    with pytest.raises(UserError, match=r"holds loose.png next to the folder cat"):
        Images(str(path)).target()
    (path / "loose.png").rename(path / "dog" / "broken.png")
    (path / "dog" / "broken.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"broken.png is not a readable image"):
        Images(str(path)).target()
    Image.fromarray(GREY[0, :3]).save(path / "dog" / "broken.png")
    with pytest.raises(UserError, match=r"broken.png is 3 × 5 pixels \(height × width\), and 000.png is 4 × 5"):
        Images(str(path)).target()
    with pytest.raises(UserError, match="no file or folder"):
        Images(str(tmp_path / "none")).target()
    with pytest.raises(UserError, match="for PNG and JPEG files, name their folder"):
        Images(str(path / "dog" / "broken.png")).target()


def test_photographs_are_coloured_and_their_patches_share_no_pixel() -> None:
    from sklearn.datasets import load_sample_images

    found = Photographs(size=32).images()
    assert found.labels is not None
    patches = (found.pixels.reshape(-1, 32, 32, 3) * 255).round().astype(np.uint8)
    assert np.bincount(found.labels).tolist() == [13 * 20, 13 * 20]
    for label, photograph in enumerate(load_sample_images().images):
        rows = [np.concatenate(list(row), axis=1) for row in patches[found.labels == label].reshape(13, 20, 32, 32, 3)]
        assert np.array_equal(np.concatenate(rows), photograph[: 13 * 32, : 20 * 32])  # the tiles are the photograph
    assert np.abs(found.pixels.reshape(-1, 3) - found.pixels.reshape(-1, 3).mean(axis=1, keepdims=True)).max() > 0.2
    target = Photographs(labels=True, held_out=0.2).target()
    assert target.held_out is not None
    assert (target.size, target.held_out.size) == (1664, 416)
    assert target.space.class_names == ("temple", "flower")
