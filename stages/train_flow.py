from fundiff.stage import run
from stages._training import ClassParams, train_conditioned

STAGE = "train_flow"


class Params(ClassParams):
    pass


def main(params: Params) -> None:
    train_conditioned(STAGE, params, params.class_drop)


if __name__ == "__main__":
    run(STAGE, Params, main)
