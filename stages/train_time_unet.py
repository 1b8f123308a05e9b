from fundiff.digits.fit import DiffusionParams, train_conditioned
from fundiff.pipeline.stage import run

STAGE = "train_time_unet"


class Params(DiffusionParams):
    pass


def main(params: Params) -> None:
    train_conditioned(STAGE, params)


if __name__ == "__main__":
    run(STAGE, Params, main)
