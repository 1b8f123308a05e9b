"""Training: a kill changes no result, the moving average is right, and a diverging loss is reported."""

import copy
import re
from itertools import islice

import pytest
import torch
from torch import nn

from fundiff.digits.data import Digits
from fundiff.digits.networks import epoch_file, load_unet, load_weights, save_config, save_epoch
from fundiff.digits.objectives import (
    add_noise,
    held_out_prediction,
    held_out_single_step,
    prediction,
    single_step,
)
from fundiff.digits.training import Augmentation, TrainingRecipe, rate, train, warm_ema
from fundiff.digits.unet import UNet
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import load_checkpoint
from fundiff.pipeline.noise import generator, seeded
from fundiff.pipeline.runtime import Runtime
from fundiff.process.paths import VariancePreserving
from fundiff.process.predictions import EpsPrediction

pytestmark = pytest.mark.bits
SLOW = Runtime("cpu", "fp32", 1)
STILL = Augmentation(rotate=0, scale=0, shift=0)
PROCESS = EpsPrediction(VariancePreserving.linear_betas(20, 1e-4, 0.02))


def recipe(**changes) -> TrainingRecipe:
    values = dict(
        seed=3,
        epochs=4,
        repeats=1,
        batch_size=8,
        optimizer="adam",
        learning_rate=1e-3,
        decay="cosine",
        ema_decay=0.9,
    )
    return TrainingRecipe(**(values | {"augmentation": STILL} | changes))


@pytest.fixture(scope="module")
def digits() -> Digits:
    g = generator(0, "digits")
    return Digits(torch.rand(20, 1, 28, 28, generator=g), torch.arange(20) % 10)


def run(digits, path, epochs=None, **changes):
    with seeded(0):
        unet = UNet(4, time=True, classes=10)
    validate = held_out_prediction(digits, PROCESS, 10, 0)
    loop = train(unet, prediction(PROCESS, 10, 0.1), validate, digits, recipe(**changes), SLOW, path)
    return [
        (e.train_loss, e.validation_loss, copy.deepcopy(e.model.state_dict())) for e in islice(loop, epochs)
    ]


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_stopped_training_goes_on_to_the_same_bits(digits, tmp_path, optimizer):
    whole = run(digits, tmp_path / "a.pt", optimizer=optimizer)
    run(
        digits, tmp_path / "b.pt", epochs=3, optimizer=optimizer
    )  # stopped inside epoch 3: its end was never saved
    resumed = run(digits, tmp_path / "b.pt", optimizer=optimizer)
    assert [row[:2] for row in resumed] == [row[:2] for row in whole]
    for name, value in whole[-1][2].items():
        assert torch.equal(resumed[-1][2][name], value), name


def test_a_broken_checkpoint_is_one_line(digits, tmp_path):
    path = tmp_path / "c.pt"
    path.write_bytes(b"half a checkpoint")
    with pytest.raises(UserError, match="not a readable checkpoint"):
        run(digits, path)


def test_a_loss_that_blows_up_names_step_and_rate(digits, tmp_path):
    def nan(model, x, labels, g, rows):
        return model(x, torch.zeros(len(x), 1)).mean() * float("nan")

    loop = train(
        UNet(2, time=True), nan, lambda m: 0.0, digits, recipe(decay="constant"), SLOW, tmp_path / "d.pt"
    )
    with pytest.raises(UserError, match=r"not finite at epoch 1, step 0, learning rate 0\.001"):
        next(loop)


def test_progress_tells_how_far_how_fast_and_how_much_longer(digits, tmp_path, capsys):
    run(digits, tmp_path / "p.pt", epochs=3)
    capsys.readouterr()
    run(digits, tmp_path / "p.pt")
    told = capsys.readouterr().err.split("\r")
    assert " 40/80 [" in told[1], "it goes on from the two finished epochs"
    assert re.search(r"train: 100%.* 80/80 \[\d\d:\d\d<\d\d:\d\d, .* images/s", told[-1])


def test_training_lowers_the_loss(digits, tmp_path):
    rows = run(digits, tmp_path / "e.pt", epochs=4, repeats=6)
    assert rows[-1][0] < 0.9 * rows[0][0]


@pytest.mark.parametrize("decay", [0, 0.9])
def test_the_average_without_decay_is_the_model_itself(digits, tmp_path, decay):
    best = run(digits, tmp_path / "f.pt", ema_decay=decay)[-1][2]
    trained = load_checkpoint(tmp_path / "f.pt")["model"]
    assert best.keys() == trained.keys()
    assert all(torch.equal(best[name], trained[name]) for name in best) == (decay == 0)


def test_the_average_never_reads_the_counter_on_the_device():
    class OnTheDevice:
        def __int__(self):
            raise AssertionError("a GPU would be waited for")

    ema, current = [torch.zeros(2)], [torch.ones(2)]
    warm_ema(0.9, lambda: 2)(ema, current, OnTheDevice())
    assert torch.allclose(ema[0], torch.full((2,), 1 - 3 / 12))


def test_averaged_batch_norm_moves_with_its_weights(digits, tmp_path):
    averaged, plain = run(digits, tmp_path / "g.pt"), run(digits, tmp_path / "h.pt", ema_decay=0)
    name = "down1.0.1.running_mean"
    assert not torch.equal(averaged[-1][2][name], torch.zeros(4))
    assert not torch.equal(averaged[-1][2][name], plain[-1][2][name])


def test_exponential_decay_is_the_course_one():
    factor = rate(recipe(decay="exponential", epochs=20), steps=10)
    assert [factor(step) for step in (0, 9)] == [1, 1]
    assert factor(10) == pytest.approx(0.1 ** (1 / 20)) and factor(200) == pytest.approx(0.1)


def test_validation_is_a_function_of_the_model_alone(digits):
    validate, unet = held_out_prediction(digits, PROCESS, 10, 0), UNet(4, time=True, classes=10).eval()
    assert validate(unet) == validate(unet)


def test_validation_covers_every_stratum_of_t(digits, monkeypatch):
    seen = []
    unet = UNet(2, time=True)
    unet.forward = lambda x, t, c=None: (seen.append(t), x)[1]  # type: ignore[method-assign]
    held_out_prediction(digits, PROCESS, 0, 0)(unet)
    assert sorted((torch.cat(seen).flatten() * 20).round().tolist()) == list(range(1, 21))


def test_losses_of_perfect_models_are_zero(digits):
    class Clean(nn.Module):
        def forward(self, z):
            return digits.images[:8]

    g = generator(1)
    assert single_step(0.5)(Clean(), digits.images[:8], digits.labels[:8], g).item() == 0
    assert held_out_single_step(Digits(digits.images[:8], digits.labels[:8]), 0.5, 0)(Clean()) == 0
    assert torch.equal(add_noise(digits.images, 0, g), digits.images)


def test_the_class_is_hidden_as_often_as_asked(digits):
    seen = []

    class Spy(nn.Module):
        def forward(self, x, t, c):
            seen.append(c.sum(1))
            return x

    for i in range(100):
        prediction(PROCESS, 10, 0.1)(Spy(), digits.images, digits.labels, generator(i))
    assert 1 - torch.cat(seen).mean().item() == pytest.approx(0.1, abs=0.02)


def test_weights_of_other_sizes_or_no_file_are_one_line(tmp_path):
    save_config(tmp_path, {"hidden_size": 4, "epochs": 2})
    with pytest.raises(UserError, match="no such checkpoint; kept are none"):
        load_unet(tmp_path)
    save_epoch(tmp_path, 2, UNet(8))
    with pytest.raises(UserError, match="other sizes than the config says") as error:
        load_unet(tmp_path)
    assert "\n" not in str(error.value)
    epoch_file(tmp_path, 2).write_bytes(b"cut")
    with pytest.raises(UserError, match="not a readable checkpoint"):
        load_weights(UNet(4), epoch_file(tmp_path, 2))
    with pytest.raises(UserError, match=r"config\.json: missing or not JSON"):
        load_unet(tmp_path / "nowhere")
