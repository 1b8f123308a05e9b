"""A training stage: its state stays until the last of its outs is written, and an absurd loss is an error."""

import json
from pathlib import Path

import numpy as np
import pytest

from fundiff.digits import fit
from fundiff.digits.fit import ClassParams, train_conditioned
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import inherited, read_params, validate
from tests.pipelines import write_entries

pytestmark = pytest.mark.bits
SECTIONS = read_params("params.yaml")
TINY = {"epochs": 2, "repeats": 1, "batch_size": 20, "hidden_size": 4, "snapshots": [1], "timesteps": 20}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with 40 digits of noise for each split, and the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    g, labels = np.random.default_rng(0), np.arange(40) % 10
    images = {f"{s}_images": g.integers(0, 256, (40, 28, 28), np.uint8) for s in ("train", "validation")}
    np.savez("data/mnist.npz", **images, train_labels=labels, validation_labels=labels)
    write_entries(tmp_path, {"train_class_unet": {"deps": ["data/mnist.npz"]}})
    return tmp_path


def params(**changes) -> ClassParams:
    section = inherited(ClassParams, SECTIONS) | SECTIONS["train_class_unet"] | TINY | changes
    return validate(ClassParams, "train_class_unet", section)


def test_a_kill_before_the_metrics_are_written_loses_no_training(project, monkeypatch):
    def killed(path, value):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fit, "write_json", killed)
        train_conditioned("train_class_unet", params(), 0.1)
    assert len(list(project.glob(".checkpoints/*/state.pt"))) == 1
    monkeypatch.setattr("fundiff.digits.training.run_epoch", lambda *args: pytest.fail("trained again"))
    train_conditioned("train_class_unet", params(), 0.1)
    assert json.loads(Path("metrics/train_class_unet.json").read_text())["digits"] == 40
    assert not list(project.glob(".checkpoints/*"))


def test_a_diverged_training_is_one_line_with_its_rate_and_nothing_published(project):
    with pytest.raises(UserError) as error:
        train_conditioned("train_class_unet", params(learning_rate=1e6, decay="constant", epochs=6), 0.1)
    said = str(error.value)
    assert "learning rate 1e+06; lower learning_rate" in said and "\n" not in said
    assert "training diverged: the loss is" in said or "the loss is not finite" in said
    assert not Path("models").exists() and not Path("metrics").exists()
