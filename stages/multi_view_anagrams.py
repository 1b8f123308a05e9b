from fundiff.techniques.anagrams import AnagramParams, anagrams
from fundiff.techniques.bench import run_stage

STAGE = "multi_view_anagrams"


class Params(AnagramParams):
    pass


def main(params: Params) -> None:
    anagrams(STAGE, params)


if __name__ == "__main__":
    run_stage(STAGE, Params, main)
