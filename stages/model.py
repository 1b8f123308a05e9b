from fundiff.files import write_json
from fundiff.hub import Model, pin
from fundiff.stage import run


class Params(Model):
    pass


def main(params: Params) -> None:
    write_json("data/model.json", pin(params).model_dump())


if __name__ == "__main__":
    run("model", Params, main)
