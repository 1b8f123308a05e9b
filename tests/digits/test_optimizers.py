"""Adam and Muon: what each updates, and that Muon's steps are orthogonal."""

import pytest
import torch
from torch.nn import functional as F

from fundiff.digits.optimizers import NEWTON_SCHULZ, Muon, optimizers, orthogonal, parted
from fundiff.digits.unet import UNet


def names_of(model: UNet, parameters) -> set[str]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter)] for parameter in parameters}


@pytest.mark.parametrize("shape", [(6, 20), (20, 6)])
def test_an_orthogonal_step_has_singular_values_near_one(shape):
    update = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = torch.linalg.svdvals(orthogonal(update))
    assert found.min() > 0.5 and found.max() < 1.4


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_steps_on_the_gram_matrix_are_those_on_the_update_itself(shape):
    """x <- a x + (b A + c A A) x with A = x x^T, five times (Jordan et al. 2024)."""
    update = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a, b, c = NEWTON_SCHULZ
    x = update / update.norm()
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    assert torch.allclose(orthogonal(update), x, atol=1e-6)


def test_muon_takes_every_filter_but_the_first_and_the_last():
    unet = UNet(4, time=True, classes=10)
    hidden = names_of(unet, parted(unet, "muon")[0])
    assert "conv.0.0.weight" not in hidden and "out.1.weight" not in hidden
    assert {"conv.1.0.weight", "unflatten.0.weight", "out.0.1.0.weight"} <= hidden
    assert not any(name.startswith(("t1", "c1")) for name in hidden), "no matrix of the conditioning"


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_every_parameter_has_one_optimizer(kind):
    unet = UNet(4, time=True, classes=10)
    groups = [set(map(id, o.param_groups[0]["params"])) for o in optimizers(unet, kind, 1e-3)]
    assert len(groups) == {"adam": 1, "muon": 2}[kind]
    assert sum(map(len, groups)) == len(set().union(*groups)) == len(list(unet.parameters()))


def test_the_first_update_has_the_size_that_adams_usually_has():
    """0.2 in the root mean square for each unit of the learning rate (Liu et al. 2025)."""
    filters = torch.nn.Parameter(torch.zeros(8, 4, 3, 3))
    filters.grad = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    Muon([filters], lr=1.0).step()
    assert filters.detach().square().mean().sqrt().item() == pytest.approx(0.2, rel=0.15)


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_both_lower_the_loss(kind):
    torch.manual_seed(0)
    unet, losses = UNet(4), []
    x = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    steps = optimizers(unet, kind, 8e-3)
    for _ in range(15):
        unet.zero_grad()
        loss = F.mse_loss(unet(x), x)
        loss.backward()
        losses.append(loss.item())
        for optimizer in steps:
            optimizer.step()
    assert losses[-1] < 0.3 * losses[0]
