"""Digits: real, split without overlap, and every broken file one clear line."""

import numpy as np
import pytest
import torch

from fundiff.digits.data import augment, full, load_digits, packaged, split
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import validate
from stages.fetch_mnist import Params, main

COUNTS = {"validation": 50, "test": 100, "train": 0}


@pytest.fixture(scope="module")
def digits():
    return packaged()


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
    with pytest.raises(UserError, match=r"could not be fetched.*source=packaged") as error:
        full(tmp_path)
    assert "\n" not in str(error.value)


def idx(array: np.ndarray) -> bytes:
    """An array of uint8 in the format of MNIST's files."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.mark.parametrize(("dataset", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_another_dataset_of_torchvisions_takes_the_digits_place(tmp_path, monkeypatch, dataset, folder):
    raw, g = tmp_path / "data/torchvision" / folder / "raw", np.random.default_rng(len(folder))
    raw.mkdir(parents=True)
    sets = {"train": 60, "t10k": 30}
    images = {name: g.integers(0, 256, (n, 28, 28), np.uint8) for name, n in sets.items()}
    for name, n in sets.items():
        (raw / f"{name}-images-idx3-ubyte").write_bytes(idx(images[name]))
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(idx((np.arange(n) % 10).astype(np.uint8)))
    monkeypatch.chdir(tmp_path)
    values = {
        "source": "torchvision",
        "dataset": dataset,
        "seed": 0,
        "train": 0,
        "validation": 10,
        "test": 20,
    }
    main(validate(Params, "fetch_mnist", values))
    assert len(load_digits("data/mnist.npz", "train")) == 50
    test = load_digits("data/mnist.npz", "test")
    assert np.array_equal(test.images.mul(255).round().byte().squeeze(1).numpy(), images["t10k"])
    with pytest.raises(UserError, match="dataset is 'fashion_mnist'; expected mnist, the packaged one"):
        validate(Params, "fetch_mnist", values | {"source": "packaged", "dataset": "fashion_mnist"})


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
