from fundiff.pipeline.files import write_json
from fundiff.pipeline.stage import run
from fundiff.prior.hub import Model, pin


class Params(Model):
    pass


def main(params: Params) -> None:
    write_json("data/model.json", pin(params).model_dump())


if __name__ == "__main__":
    run("model", Params, main)
