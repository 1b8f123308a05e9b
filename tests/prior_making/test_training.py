"""The prior's training: its two losses against closed forms and diffusers, its average, and that a kill changes no result."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.files import save_checkpoint
from fundiff.pipeline.noise import generator
from fundiff.pipeline.params import load_section
from fundiff.pipeline.runtime import Runtime
from prior.making.network import make_path, make_scheduler
from prior.making.objective import Objective, losses, nearest_noise, noise_of, timesteps, variance_loss
from prior.making.optimisers import optimisers
from prior.making.training import LOGGED, Pictures, Recipe, Training, checkpoint_key
from prior.stages import train_first
from prior.stages.sections import NAMES, Leg

CPU = Runtime("cpu", "fp32", 1)
OBJECTIVE = Objective(snr_floor=0.0, snr_gamma=5.0, variance_weight=0.01)
PATH = make_path()
ABAR = PATH.alphas_cumprod


def recipe(**changes) -> Recipe:
    values = dict(
        seed=1, images=64, batch_size=4, optimizer="adamw", learning_rate=1e-3, warmup_images=16, decay_share=0.25,
        ema_decay=0.99, dropped_prompts=0.1, objective=OBJECTIVE,
    )  # fmt: skip
    return Recipe(**(values | changes))


def pictures() -> Pictures:
    g = generator(0, "pictures")
    pixels = torch.randint(0, 256, (12, 8, 8, 3), generator=g, dtype=torch.uint8).numpy()
    states = torch.randn(5, 7, 6, generator=g).half()
    return Pictures(pixels, torch.randint(1, 5, (12,), generator=g), states)


class Net(nn.Module):
    """Makes six channels from picture, time and words; `answer` replaces the estimate in tests of the losses."""

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
    found = variance_loss(*(x.float() for x in (x_0, x_t, v, share)), torch.tensor([t]), PATH)
    assert found.item() == pytest.approx(expected.item(), rel=2e-2)


def test_the_variance_loss_does_not_train_the_mean():
    x_0, x_t, v, share = (torch.randn(2, 3, 4, 4, requires_grad=True) for _ in range(4))
    variance_loss(x_0, x_t, v, share, torch.tensor([0, 700]), PATH).sum().backward()
    assert v.grad is None and share.grad.abs().sum() > 0


def test_the_v_loss_is_zero_for_the_true_v_and_min_snr_weighted_otherwise():
    x_0, states = torch.rand(4, 3, 8, 8) * 2 - 1, torch.randn(4, 7, 6)
    t, eps = timesteps(4, 1000, generator(1, "noise", 9)), noise_of(x_0, 1, 9)
    abar = ABAR[t].view(-1, 1, 1, 1)
    v = abar.sqrt() * eps - (1 - abar).sqrt() * x_0
    right = Net(lambda x_t, t: torch.cat([v, 0 * v], 1))
    off = Net(lambda x_t, t: torch.cat([v + 0.5, 0 * v], 1))
    assert losses(right, x_0, states, PATH, OBJECTIVE, 1, 9)[0].item() == 0
    snr = ABAR[t] / (1 - ABAR[t])
    expected = (torch.minimum(snr, torch.tensor(5.0)) / (snr + 1) * 0.25).mean().item()
    assert losses(off, x_0, states, PATH, OBJECTIVE, 1, 9)[0].item() == pytest.approx(expected, rel=1e-4)


def test_every_batch_sees_all_noise_levels():
    t = timesteps(8, 1000, torch.Generator().manual_seed(0))
    assert (t // 125).tolist() == list(range(8))


def test_logit_normal_times_prefer_the_middle():
    t = timesteps(4000, 1000, torch.Generator().manual_seed(0), "logit-normal").float() / 1000
    inside = ((t > 0.25) & (t < 0.75)).float().mean().item()
    assert inside == pytest.approx(0.728, abs=0.01), "P(|z| < logit 0.75) of a standard normal z"


def test_near_noise_is_the_same_noise_in_another_order_and_nearer():
    g = torch.Generator().manual_seed(0)
    x_0, eps = (torch.randn(16, 3, 4, 4, generator=g) for _ in range(2))
    assigned = nearest_noise(x_0, eps, 8)
    for half in (slice(0, 8), slice(8, 16)):
        assert torch.equal(assigned[half].flatten(1).sort(0).values, eps[half].flatten(1).sort(0).values)
    assert (x_0 - assigned).square().sum() < (x_0 - eps).square().sum()


def test_noise_keeps_its_distribution_where_it_is_assigned():
    x_0 = torch.zeros(8, 3, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert nearest_noise(x_0, noise_of(x_0, 1, 0), 8).std().item() == pytest.approx(1, abs=0.1)


def test_muon_takes_the_hidden_filters_and_learns():
    torch.manual_seed(0)
    convolutions = [
        nn.Conv2d(3, 8, 3),
        nn.GELU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.GELU(),
        nn.Conv2d(8, 2, 3),
    ]
    net = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(2 * 16, 1))
    adamw, muon = optimisers(net, "muon")
    assert [p.shape for p in muon.param_groups[0]["params"]] == [(8, 8, 3, 3)]
    assert len(adamw.param_groups[0]["params"]) == 7
    x, y = torch.randn(16, 3, 8, 8), torch.randn(16, 1)
    before = (net(x) - y).square().mean().item()
    for _ in range(60):
        (net(x) - y).square().mean().backward()
        for optimiser in (adamw, muon):
            optimiser.param_groups[0]["lr"] = 1e-2
            optimiser.step()
        net.zero_grad()
    assert (net(x) - y).square().mean().item() < 0.2 * before


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


def train(path, until, stop_at=None):
    """Train a Net to `until` images with a checkpoint at every step; continue from an existing checkpoint."""
    torch.manual_seed(0)
    training = Training(Net(), recipe(images=until), CPU)
    if path.exists():
        training.load_state_dict(torch.load(path, weights_only=True))
    for images in training.steps(pictures(), PATH):
        torch.save(training.state_dict(), path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
        if stop_at and images >= stop_at:
            time.sleep(60)
    return training


@pytest.mark.slow
@pytest.mark.bits
def test_a_killed_training_goes_on_to_the_same_bits(tmp_path):
    whole = train(tmp_path / "whole.pt", 64)
    killed = tmp_path / "killed.pt"
    code = f"import pathlib, tests.prior_making.test_training as t; t.train(pathlib.Path({str(killed)!r}), 64, stop_at=24)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "."])}
    threads = torch.get_num_threads()  # bits are compared, so the process must use as many threads
    process = subprocess.Popen(
        [sys.executable, "-c", f"import torch; torch.set_num_threads({threads}); {code}"], env=environment
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


def test_the_running_sums_of_the_log_outlive_a_kill():
    """If a kill comes between two rows of the log, the next row is still the mean of all its steps."""
    whole, cut = (Training(nn_of(), recipe(images=4 * LOGGED), CPU) for _ in range(2))
    list(whole.steps(pictures(), PATH))
    for images in cut.steps(pictures(), PATH):
        if images == 4 * (LOGGED // 2):
            break
    resumed = Training(nn_of(), recipe(images=4 * LOGGED), CPU)
    resumed.load_state_dict(cut.state_dict())
    list(resumed.steps(pictures(), PATH))
    assert resumed.log[0][:4] == whole.log[0][:4]


def test_a_leg_shorter_than_a_row_has_a_row():
    training = Training(nn_of(), recipe(images=8), CPU)
    losses_seen = []
    for _ in training.steps(pictures(), PATH):
        losses_seen.append(training.sums[0].item())
    assert [row[0] for row in training.log] == [8] and losses_seen[0] > 0
    assert training.log[0][1] > losses_seen[0] / 2, "the mean of both steps, not their sum over a whole row"


def nn_of() -> Net:
    torch.manual_seed(0)
    return Net()


def test_the_key_of_a_checkpoint_holds_params_data_code_and_machine(tmp_path):
    data, code = tmp_path / "data", tmp_path / "code"
    data.write_text("a")
    code.write_text("b")
    key = checkpoint_key("p", [data], [code], CPU)
    assert key == checkpoint_key("p", [data], [code], CPU)
    others = [
        checkpoint_key("q", [data], [code], CPU),
        checkpoint_key("p", [data], [code], Runtime("cpu", "bf16", 1)),
    ]
    for path in (data, code):
        before = path.read_text()
        path.write_text("c")
        others.append(checkpoint_key("p", [data], [code], CPU))
        path.write_text(before)
    assert len({key, *others}) == 5


def test_a_loss_that_is_no_number_stops_the_training():
    training = Training(Net(), recipe(), CPU)
    with torch.no_grad():
        training.unet.body.weight[0, 0, 0, 0] = np.nan
    with pytest.raises(UserError, match="no finite gradient at step 0, learning rate"):
        next(training.steps(pictures(), PATH))


def test_a_checkpoint_goes_only_when_all_outs_are_written(monkeypatch, tmp_path):
    """A leg whose log cannot be written keeps its checkpoint. The next run continues from it and then deletes it."""
    state, seen = tmp_path / "leg" / "state.pt", []
    leg = load_section(Leg, "train_last", NAMES, "prior/params.yaml")

    def advance(training, leg, checkpoint, name):
        seen.append(training.images)
        training.images = 32
        save_checkpoint(checkpoint, training.state_dict())

    def refuse(path, log):
        raise OSError("no space left on device")

    monkeypatch.setattr(train_first, "checkpoint_of", lambda *rest: state)
    monkeypatch.setattr(train_first, "advance", advance)
    monkeypatch.setattr(train_first, "save_prior", lambda out, unet: None)
    monkeypatch.setattr(train_first, "prepare_runtime", lambda: CPU)
    monkeypatch.setattr(train_first, "write_log", refuse)
    with pytest.raises(OSError, match="no space"):
        train_first.train("train_last", leg, nn_of(), "out", [])
    assert state.exists()
    monkeypatch.setattr(train_first, "write_log", lambda path, log: None)
    train_first.train("train_last", leg, nn_of(), "out", [])
    assert seen == [0, 32] and not state.exists()
