from fundiff.pipeline.stage import run
from fundiff.techniques.illusions import AnagramParams, anagram_stage


class Params(AnagramParams):
    pass


def main(params: Params) -> None:
    anagram_stage("multi_view_anagrams", params)


if __name__ == "__main__":
    run("multi_view_anagrams", Params, main)
