from fundiff.techniques.bench import run_stage
from fundiff.techniques.sdedit import SdeditParams, sdedit

STAGE = "edit_images"


class Params(SdeditParams):
    pass


def main(params: Params) -> None:
    sdedit(STAGE, params)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
