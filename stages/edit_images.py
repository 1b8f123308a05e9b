from stages._part_a import run_stage
from stages._sdedit import SdeditParams, sdedit

STAGE = "edit_images"


class Params(SdeditParams):
    pass


def main(params: Params) -> None:
    sdedit(STAGE, params)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
