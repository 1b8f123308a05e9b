import torch

from fundiff.digits.data import load_digits
from fundiff.digits.fit import fitted
from fundiff.digits.networks import epoch_file, load_weights
from fundiff.digits.objectives import ALL
from fundiff.digits.training import TrainingRecipe
from fundiff.judge.classifier import Judge, cross_entropy, verdicts
from fundiff.pipeline.files import digest, write_json
from fundiff.pipeline.noise import seeded
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.pipeline.stage import run


class Params(TrainingRecipe):
    pass


def main(params: Params) -> None:
    device = prepare_runtime().device
    train, validation = (load_digits("data/mnist.npz", split, device) for split in ("train", "validation"))
    test = load_digits("data/mnist.npz", "test", device)

    def validate(model) -> float:
        return float(cross_entropy(model, validation.images, validation.labels, torch.Generator(), ALL))

    with seeded(params.seed):
        model = Judge()
    with fitted("judge", model, cross_entropy, validate, train, params, {}) as numbers:
        weights = epoch_file("models/judge", params.epochs)
        judge = load_weights(Judge(), weights).to(device)
        right = verdicts(judge, test.images)[1] == test.labels.cpu()
        held_out = {"held_out_accuracy": right.double().mean().item(), "held_out_digits": len(test)}
        write_json("metrics/judge.json", numbers | held_out | {"hash": digest(weights)[:16]})


if __name__ == "__main__":
    run("judge", Params, main)
