"""A prior with a variance-preserving path, used on the linear path: Part A's flow form without any training."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from fundiff.prior.pixel_prior import PixelPrior
from fundiff.prior.schedules import PREDICTIONS
from fundiff.process.bridge import Bridge
from fundiff.process.paths import Linear
from fundiff.process.predictions import EpsPrediction, Process, VelocityPrediction
from fundiff.sampling.estimate import Estimate
from fundiff.sampling.steps import Step, euler

# Largest t, as a share of T - 1, at which an eps network is called: at pure noise eps does not determine x_0.
NOISIEST = 0.99


@dataclass(frozen=True)
class FlowPrior:
    """(x_t, t, embeddings) -> Estimate on the linear path; its eps is the velocity x_1 - eps. t is that of `Linear`."""

    prior: PixelPrior

    @property
    def path(self) -> Linear:
        """The linear path from noise to picture, with as many timesteps as the prior's own path."""
        return Linear(len(self.prior.path))

    @property
    def process(self) -> VelocityPrediction[Linear]:
        """The linear path with velocity as the prediction, whatever the network predicts."""
        return VelocityPrediction(self.path)

    def step(self, name: str) -> Step:
        """The Euler step. The linear path has no other."""
        return {"euler": euler}[name](self.path)

    @property
    def size(self) -> int:
        """Side of its pictures in pixels."""
        return self.prior.size

    @property
    def device(self) -> str:
        """Name of its device."""
        return self.prior.device

    @property
    def bridge(self) -> Process[Bridge]:
        """The linear path in the coordinates of the prior's path, with the network's own prediction."""
        return PREDICTIONS[self.prior.prediction_type](Bridge(self.path, self.prior.path))

    def __call__(self, x_t: Tensor, t: float, embeddings: Tensor) -> Estimate:
        """Estimate of the velocity for x_t `[B, 3, S, S]` on the linear path and embeddings `[B, 77, C]`."""
        bridge, last = self.bridge, len(self.path) - 1
        if isinstance(bridge, EpsPrediction):
            t = min(t, NOISIEST * last)
        seen = x_t / bridge.path.norm(t)
        predicted, _ = self.prior.predict(seen, bridge.path.timestep(t), embeddings)
        return Estimate(bridge.x0(seen, t, predicted) - bridge.eps(seen, t, predicted))
