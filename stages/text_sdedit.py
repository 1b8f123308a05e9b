from fundiff.pipeline.stage import run
from fundiff.techniques.edits import EditParams, edit_stage


class Params(EditParams):
    pass


def main(params: Params) -> None:
    edit_stage("text_sdedit", params)


if __name__ == "__main__":
    run("text_sdedit", Params, main)
