import pytest
import torch

from fundiff.errors import UserError
from fundiff.views import VIEWS, afar, view_named

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_undone_and_keeps_noise_noise(name):
    view = VIEWS[name]
    assert torch.equal(view.inverse(view.view(X)), X)
    assert torch.allclose(view.view(X).norm(), X.norm())
    flat = torch.eye(48)[:, None].reshape(48, 3, 4, 4)
    matrix = view.view(flat).reshape(48, 48)
    assert torch.equal(matrix @ matrix.T, torch.eye(48))


@pytest.mark.parametrize("name", ["flip", "mirror", "rotate_180", "negate"])
def test_twice_is_the_identity(name):
    assert torch.equal(VIEWS[name].view(VIEWS[name].view(X)), X)


def test_four_quarter_turns_are_the_identity():
    turn = VIEWS["rotate_90"].view
    assert torch.equal(turn(turn(turn(turn(X)))), X)
    assert torch.equal(VIEWS["rotate_270"].view(turn(X)), X)


def test_a_variance_is_never_negated():
    assert torch.equal(VIEWS["negate"].inverse_variance(X), X)


@pytest.mark.parametrize("name", VIEWS)
def test_turning_begins_at_the_picture_and_ends_in_the_view(name):
    view = VIEWS[name]
    assert torch.allclose(view.turned(X, 0.0), X, atol=1e-4)
    assert torch.allclose(view.turned(X, 1.0), view.view(X), atol=1e-4)


def test_an_unknown_view_names_the_nearest():
    with pytest.raises(UserError, match="'flipp' is not a view; did you mean 'flip'"):
        view_named("flipp")


def test_from_afar_a_picture_is_small_in_the_middle_of_white():
    far = afar(torch.full((3, 8, 8), -1.0), 0.5)
    assert (far[:, 2:6, 2:6] == -1).all()
    assert far.sum() == 3 * (64 - 2 * 16)
