from fundiff.digits.fit import ClassParams, train_conditioned
from fundiff.pipeline.stage import run

STAGE = "train_flow_constant"


class Params(ClassParams):
    pass


def main(params: Params) -> None:
    train_conditioned(STAGE, params, params.class_drop)


if __name__ == "__main__":
    run(STAGE, Params, main)
