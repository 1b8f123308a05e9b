"""The prior's training: its two losses against closed forms and diffusers, its average, and a kill that leaves no trace."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator
from prior.making.network import make_scheduler
from prior.making.training import (
    Pictures,
    Recipe,
    Training,
    averaging,
    losses,
    stratified_timesteps,
    variance_loss,
)
from prior.stages.sections import TrainPrior
from prior.stages.train_prior import start

ABAR = make_scheduler().alphas_cumprod


def recipe(**changes) -> Recipe:
    values = dict(
        seed=1, images=64, batch_size=4, learning_rate=1e-3, warmup_images=16, decay_share=0.25, ema_decay=0.99,
        dropped_prompts=0.1, snr_floor=0.0, snr_gamma=5.0, variance_weight=0.01,
    )  # fmt: skip
    return Recipe(**(values | changes))


def pictures() -> Pictures:
    g = generator(0, "pictures")
    pixels = torch.randint(0, 256, (12, 8, 8, 3), generator=g, dtype=torch.uint8).numpy()
    states = torch.randn(5, 7, 6, generator=g).half()
    return Pictures(pixels, torch.randint(1, 5, (12,), generator=g), states)


class Net(nn.Module):
    """Six channels out of picture, time and words; `answer` replaces the estimate in tests of the losses."""

    def __init__(self, answer=None):
        super().__init__()
        self.answer = answer
        self.body, self.words = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(6, 6)

    def forward(self, x_t, t, encoder_hidden_states, return_dict=False):
        if self.answer is not None:
            return (self.answer(x_t, t),)
        bias = self.words(encoder_hidden_states.mean(1)) + (t / 1000)[:, None]
        return (self.body(x_t) + bias[:, :, None, None],)


def normal_kl(mean_1, log_var_1, mean_2, log_var_2):
    return 0.5 * (
        log_var_2
        - log_var_1
        - 1
        + (log_var_1 - log_var_2).exp()
        + (mean_1 - mean_2) ** 2 * (-log_var_2).exp()
    )


@pytest.mark.parametrize("t", [1, 40, 500, 980])
def test_the_variance_loss_is_the_kl_of_the_two_reverse_steps(t):
    """Closed form from diffusers' own numbers: the mean of `step` without noise, the log variance of `_get_variance`."""
    scheduler, g = make_scheduler(), torch.Generator().manual_seed(t)
    x_0, eps, share, wrong = (torch.randn(1, 3, 4, 4, generator=g, dtype=torch.float64) for _ in range(4))
    share, abar = share.tanh(), ABAR.double()[t]
    x_t = abar.sqrt() * x_0 + (1 - abar).sqrt() * eps
    true_v = abar.sqrt() * eps - (1 - abar).sqrt() * x_0
    v = true_v + 0.1 * wrong
    before = ABAR.double()[t - 1]
    beta = 1 - abar / before

    def mean(estimate):  # DDPM, equation 7
        return (
            before.sqrt() * beta / (1 - abar) * estimate + (1 - beta).sqrt() * (1 - before) / (1 - abar) * x_t
        )

    posterior = (beta * (1 - before) / (1 - abar)).log()
    learned = scheduler._get_variance(t, predicted_variance=share)
    expected = normal_kl(
        mean(x_0), posterior, mean(abar.sqrt() * x_t - (1 - abar).sqrt() * v), learned
    ).mean()
    found = variance_loss(*(x.float() for x in (x_0, x_t, v, share)), torch.tensor([t]), ABAR)
    assert found.item() == pytest.approx(expected.item(), rel=2e-2)


def test_the_variance_loss_does_not_train_the_mean():
    x_0, x_t, v, share = (torch.randn(2, 3, 4, 4, requires_grad=True) for _ in range(4))
    variance_loss(x_0, x_t, v, share, torch.tensor([0, 700]), ABAR).sum().backward()
    assert v.grad is None and share.grad.abs().sum() > 0


def test_the_v_loss_is_zero_for_the_true_v_and_min_snr_weighted_otherwise():
    x_0, states, chance = torch.rand(4, 3, 8, 8) * 2 - 1, torch.randn(4, 7, 6), generator(1, "noise", 9)
    t = stratified_timesteps(4, 1000, chance)
    abar = ABAR[t].view(-1, 1, 1, 1)
    eps = torch.randn(x_0.shape, generator=chance)
    v = abar.sqrt() * eps - (1 - abar).sqrt() * x_0
    right = Net(lambda x_t, t: torch.cat([v, 0 * v], 1))
    off = Net(lambda x_t, t: torch.cat([v + 0.5, 0 * v], 1))
    assert losses(right, x_0, states, ABAR, recipe(), 9)[0].item() == 0
    snr = ABAR[t] / (1 - ABAR[t])
    expected = (torch.minimum(snr, torch.tensor(5.0)) / (snr + 1) * 0.25).mean().item()
    assert losses(off, x_0, states, ABAR, recipe(), 9)[0].item() == pytest.approx(expected, rel=1e-4)


def test_every_batch_sees_all_noise_levels():
    t = stratified_timesteps(8, 1000, torch.Generator().manual_seed(0))
    assert (t // 125).tolist() == list(range(8))


def test_prompts_are_dropped_as_often_as_said_and_never_the_pictures():
    set_of = pictures()
    empty = set_of.states[0].float()
    batches = [set_of.batch(1, step, 50, 0.1) for step in range(40)]
    dropped = torch.stack([(states == empty).all(dim=(1, 2)) for _, states in batches]).float().mean()
    assert 0.08 < dropped < 0.12
    assert all(x_0.abs().max() <= 1 and x_0.std() > 0.4 for x_0, _ in batches)


def test_the_rate_warms_up_stays_and_falls():
    r = recipe(images=1000, warmup_images=100, learning_rate=1.0)
    assert r.rate(0) == pytest.approx(0.04) and r.rate(500) == 1.0
    assert r.rate(875) == pytest.approx(0.5) and r.rate(1000) == 0.0


def test_the_early_average_forgets_the_start():
    average, update = [torch.zeros(1)], averaging(0.999)
    for count in range(100):
        update(average, [torch.ones(1)], count)
    assert average[0].item() > 0.99, "with a plain decay of 0.999 it would be 0.1"


def train(path, until, stop_at=None):
    """Train a Net to `until` images, writing a checkpoint at every step; go on from the one that is there."""
    torch.manual_seed(0)
    training = Training(Net(), recipe(images=until), bf16=False)
    if path.exists():
        training.load_state_dict(torch.load(path, weights_only=True))
    for images in training.steps(pictures(), ABAR):
        torch.save(training.state_dict(), path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
        if stop_at and images >= stop_at:
            time.sleep(60)
    return training


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path):
    whole = train(tmp_path / "whole.pt", 64)
    killed = tmp_path / "killed.pt"
    code = f"import pathlib, tests.test_prior_training as t; t.train(pathlib.Path({str(killed)!r}), 64, stop_at=24)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "."]), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", f"import torch; torch.set_num_threads(1); {code}"], env=environment
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if killed.exists() and torch.load(killed, weights_only=True)["images"] == 24:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert torch.load(killed, weights_only=True)["images"] == 24
    resumed = train(killed, 64)
    for part in ("unet", "ema"):
        found, expected = getattr(resumed, part).state_dict(), getattr(whole, part).state_dict()
        assert all(torch.equal(found[name], value) for name, value in expected.items()), part


def test_a_start_that_is_not_there_is_one_line():
    params = yaml.safe_load(Path("prior/params.yaml").read_text(encoding="utf-8"))["train_prior"]
    with pytest.raises(UserError) as error:
        start(TrainPrior(**params | {"init": "models/priro"}), 384)
    assert str(error.value) == (
        "prior/params.yaml: train_prior.init: 'models/priro' has no unet/config.json; \"\" begins anew"
    )


def test_a_loss_that_is_no_number_stops_the_training():
    training = Training(Net(), recipe(), bf16=False)
    with torch.no_grad():
        training.unet.body.weight[0, 0, 0, 0] = np.nan
    with pytest.raises(UserError, match="no finite gradient at step 0, learning rate"):
        next(training.steps(pictures(), ABAR))
