from fundiff.stage import run
from stages._training import DiffusionParams, train_conditioned

STAGE = "train_time_unet"


class Params(DiffusionParams):
    pass


def main(params: Params) -> None:
    train_conditioned(STAGE, params)


if __name__ == "__main__":
    run(STAGE, Params, main)
