"""Views for anagrams by name (Geng et al. 2024). All are orthogonal, so that N(0, I) noise stays N(0, I)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import nearest
from fundiff.views.permuted import FromFile, InnerCircle, Jigsaw, Permutation, Pixels, Skew, Squares
from fundiff.views.rigid import CycleColours, Flip, Mirror, Negate, Rotate90, Rotate180, Rotate270, View

VIEWS: dict[str, type[View]] = {
    "identity": View,
    "flip": Flip,
    "mirror": Mirror,
    "rotate_90": Rotate90,
    "rotate_180": Rotate180,
    "rotate_270": Rotate270,
    "negate": Negate,
    "cycle_colours": CycleColours,
    "skew": Skew,
    "jigsaw": Jigsaw,
    "squares": Squares,
    "pixels": Pixels,
    "inner_circle": InnerCircle,
}


class Composition(View):
    """One view, then another."""

    def __init__(self, first: View, second: View):
        self.first, self.second = first, second
        same = first.label == second.label
        self.label = f"{first.label} twice" if same else f"{first.label}, then {second.label}"

    def view(self, x: Tensor) -> Tensor:
        """The second view of the first view."""
        return self.second.view(self.first.view(x))

    def inverse(self, x: Tensor) -> Tensor:
        """Both undone in reverse order."""
        return self.first.inverse(self.second.inverse(x))

    def inverse_variance(self, v: Tensor) -> Tensor:
        """The pixels moved back in reverse order."""
        return self.first.inverse_variance(self.second.inverse_variance(v))

    def turned(self, x: Tensor, share: float) -> Tensor:
        """The first view up to share 0.5, then the second."""
        if share < 0.5:
            return self.first.turned(x, 2 * share)
        return self.second.turned(self.first.view(x), 2 * share - 1)


def view_named(name: str) -> View:
    """A view by its name in params: "flip", "rotate_90 then negate", or a .npy file with a permutation.

    Raises UserError for an unknown name; it suggests the nearest one.
    """
    first, then, rest = name.partition(" then ")
    if then:
        return Composition(view_named(first), view_named(rest))
    if name.endswith(".npy"):
        return FromFile(name)
    if name not in VIEWS:
        raise UserError(f"params.yaml: {name!r} is not a view; {nearest(name, list(VIEWS))}")
    return VIEWS[name]()


class Blocks(View):
    """A pixel permutation on a picture `factor` times as large: blocks of factor x factor move as the pixels did."""

    def __init__(self, small: View, factor: int):
        self.small, self.factor, self.label = small, factor, small.label

    def view(self, x: Tensor) -> Tensor:
        """Every block moved to the place of its pixel."""
        return F.pixel_shuffle(self.small.view(F.pixel_unshuffle(x, self.factor)), self.factor)

    def inverse(self, x: Tensor) -> Tensor:
        """Every block back in its place."""
        return F.pixel_shuffle(self.small.inverse(F.pixel_unshuffle(x, self.factor)), self.factor)


def enlarged_view(view: View, factor: int) -> View:
    """The same view for a picture `factor` times as large."""
    if isinstance(view, Composition):
        return Composition(enlarged_view(view.first, factor), enlarged_view(view.second, factor))
    return Blocks(view, factor) if isinstance(view, Pixels | FromFile) else view


def commutes_with_resizing(view: View) -> bool:
    """Whether the view of the resized picture is the resized view: true for flips, quarter turns and colour changes only."""
    if isinstance(view, Composition):
        return commutes_with_resizing(view.first) and commutes_with_resizing(view.second)
    return not isinstance(view, Permutation)
