from fundiff.pipeline.stage import run
from fundiff.techniques.illusions import AnagramParams, anagram_stage


class Params(AnagramParams):
    pass


def main(params: Params) -> None:
    anagram_stage("visual_anagrams", params)


if __name__ == "__main__":
    run("visual_anagrams", Params, main)
