"""Views: they keep noise N(0, I), their inverse is exact, and their animations run from the picture to the view."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fundiff.pictures.films import afar
from fundiff.pipeline.errors import UserError
from fundiff.views.registry import VIEWS, commutes_with_resizing, view_named

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_undone_and_keeps_noise_noise(name):
    view = VIEWS[name]()
    assert torch.equal(view.inverse(view.view(X)), X)
    assert torch.allclose(view.view(X).norm(), X.norm())
    flat = torch.eye(48)[:, None].reshape(48, 3, 4, 4)
    matrix = view.view(flat).reshape(48, 48)
    assert torch.equal(matrix @ matrix.T, torch.eye(48))


@pytest.mark.parametrize("name", ["flip", "mirror", "rotate_180", "negate"])
def test_twice_is_the_identity(name):
    assert torch.equal(view_named(name).view(view_named(name).view(X)), X)


def test_four_quarter_turns_are_the_identity():
    turn = view_named("rotate_90").view
    assert torch.equal(turn(turn(turn(turn(X)))), X)
    assert torch.equal(view_named("rotate_270").view(turn(X)), X)


def test_a_variance_is_never_negated():
    assert torch.equal(view_named("negate").inverse_variance(X), X)


@pytest.mark.parametrize("name", VIEWS)
def test_turning_begins_at_the_picture_and_ends_in_the_view(name):
    view = VIEWS[name]()
    assert torch.allclose(view.turned(X, 0.0), X, atol=1e-4)
    assert torch.allclose(view.turned(X, 1.0), view.view(X), atol=1e-4)


def test_an_unknown_view_names_the_nearest():
    with pytest.raises(UserError, match="'flipp' is not a view; did you mean 'flip'"):
        view_named("flipp")


def test_from_afar_a_picture_is_small_in_the_middle_of_white():
    far = afar(torch.full((3, 8, 8), -1.0), 0.5)
    assert (far[:, 2:6, 2:6] == -1).all()
    assert far.sum() == 3 * (64 - 2 * 16)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(sorted(VIEWS)), min_size=2, max_size=4))
def test_compositions_are_undone_and_turn_all_the_way(names):
    view = view_named(" then ".join(names))
    seen = X
    for name in names:
        seen = view_named(name).view(seen)
    assert torch.equal(view.view(X), seen)
    assert torch.equal(view.inverse(seen), X)
    assert torch.allclose(view.turned(X, 1.0), seen, atol=1e-4)
    assert (view.inverse_variance(X.abs()) >= 0).all()


def test_a_composition_says_what_it_does():
    view = view_named("rotate_180 then inner_circle then inner_circle")
    assert view.label == "rotated by 180 degrees, then its inner circle turned twice"


def test_red_becomes_green_by_way_of_the_hues_between_and_white_stays():
    view, colours = view_named("cycle_colours"), torch.tensor([[1.0, -1, -1], [1, 1, 1]])[..., None, None]
    assert torch.equal(view.view(colours).flatten(1), torch.tensor([[-1.0, 1, -1], [1, 1, 1]]))
    red, white = view.turned(colours, 0.5).flatten(1)
    assert white.tolist() == pytest.approx([1, 1, 1])
    assert red[0].item() == pytest.approx(red[1].item()) and red[0] > red[2], "half way lies yellow"


@pytest.mark.parametrize("name", ["jigsaw", "squares"])
def test_pieces_move_whole(name):
    """Most neighbours stay neighbours, and most pixels leave their place."""
    order = view_named(name).order(64).view(64, 64)
    assert (order != torch.arange(64 * 64).view(64, 64)).float().mean() > 0.5
    rows, columns = order // 64, order % 64
    steps = (rows.diff(dim=1).abs() + columns.diff(dim=1).abs()).flatten()
    assert (steps == 1).float().mean() > 0.85


def test_a_skew_slides_each_column_by_one_more_than_the_last():
    line = torch.zeros(1, 1, 8, 8)
    line[..., 4, :] = 1
    rows = view_named("skew").view(line)[0, 0].argmax(0)
    assert torch.equal(rows, torch.arange(8))


def test_the_inner_circle_leaves_the_corners():
    seen = view_named("inner_circle").view(X)
    assert torch.equal(seen[..., 0, 0], X[..., 0, 0]) and torch.equal(
        seen[..., 3:5, 3:5], X.rot90(1, (-2, -1))[..., 3:5, 3:5]
    )


def test_a_permutation_from_a_file(tmp_path):
    path = str(tmp_path / "order.npy")
    np.save(path, np.arange(64)[::-1])
    assert torch.equal(view_named(path).view(X), X.flip(-2, -1))
    np.save(path, np.zeros(64, int))
    with pytest.raises(UserError, match="expected a permutation of the numbers 0 to 63"):
        view_named(path).view(X)
    with pytest.raises(UserError, match="not found or not a"):
        view_named("nothing.npy").view(X)


@pytest.mark.parametrize(
    "name", [*VIEWS, "flip then rotate_90", "rotate_90 then jigsaw", "negate then flip then mirror"]
)
def test_which_views_commute_with_resizing(name):
    """Compares bilinear resizing before the view with resizing after it."""
    view, x = view_named(name), torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1

    def large(x):
        return torch.nn.functional.interpolate(x, scale_factor=4, mode="bilinear")

    same = torch.allclose(view.view(large(x)), large(view.view(x)), atol=1e-5)
    assert commutes_with_resizing(view) == same
