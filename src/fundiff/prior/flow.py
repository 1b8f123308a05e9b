"""A prior of the variance-preserving path on the linear one: the flow form of Part A with no training."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from fundiff.prior.pixel_prior import PREDICTIONS, PixelPrior
from fundiff.process.bridge import Bridge
from fundiff.process.paths import Linear
from fundiff.process.predictions import EpsPrediction, Process, VelocityPrediction
from fundiff.sampling.estimate import Estimate
from fundiff.sampling.steps import Step, euler

# Where a network that predicts the noise is asked last: nearer to pure noise its answer says nothing of the image.
NOISIEST = 0.99


@dataclass(frozen=True)
class FlowPrior:
    """(x_t, t, embeddings) -> Estimate on the linear path, whose eps is the velocity x_1 - eps; t counts as `Linear`'s."""

    prior: PixelPrior

    @property
    def path(self) -> Linear:
        """The straight line from noise to image, in as many timesteps as the prior's own path has."""
        return Linear(len(self.prior.path))

    @property
    def process(self) -> VelocityPrediction[Linear]:
        """Its path, and velocity: what its estimates hold whatever the network predicts."""
        return VelocityPrediction(self.path)

    @property
    def steps(self) -> dict[str, Step]:
        """Euler's."""
        return {"euler": euler(self.path)}

    @property
    def size(self) -> int:
        """The side of its images in pixels."""
        return self.prior.size

    @property
    def device(self) -> str:
        """Where it works."""
        return self.prior.device

    @property
    def bridge(self) -> Process[Bridge]:
        """The line as the prior's network sees it, and what that predicts."""
        return PREDICTIONS[self.prior.prediction_type](Bridge(self.path, self.prior.path))

    def __call__(self, x_t: Tensor, t: float, embeddings: Tensor) -> Estimate:
        """x_t `[B, 3, S, S]` on the line, embeddings `[B, 77, C]`."""
        bridge, last = self.bridge, len(self.path) - 1
        if isinstance(bridge, EpsPrediction):
            t = min(t, NOISIEST * last)
        seen = x_t / bridge.path.norm(t)
        predicted, _ = self.prior.predict(seen, bridge.path.timestep(t), embeddings)
        return Estimate(bridge.x0(seen, t, predicted) - bridge.eps(seen, t, predicted))
