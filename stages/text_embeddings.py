from pydantic import Field

from fundiff.critic import sentence_vectors
from fundiff.hub import load_pinned
from fundiff.params import Section
from fundiff.prompts import cut_text, encode, load_encoder, save_prompts
from fundiff.runtime import detect
from stages._part_a import run_stage


class Params(Section):
    prompts: dict[str, str] = Field(
        min_length=1, description="key by which the stages name a prompt: its words"
    )


def main(params: Params) -> None:
    pipe = load_encoder(load_pinned("data/model.json"), detect())
    for key, prompt in params.prompts.items():
        if cut := cut_text(pipe.tokenizer, prompt):
            print(f"text_embeddings: warning: the prior sees 77 tokens; of {key!r} it will not see: {cut!r}")
    save_prompts("data/text_embeddings.safetensors", params.prompts, encode(pipe, params.prompts))
    # The critic judges in a space of its own, whatever the prior's encoder is.
    vectors = sentence_vectors(list(params.prompts.values()))
    save_prompts(
        "data/sentences.safetensors", params.prompts, dict(zip(params.prompts, vectors, strict=True))
    )


if __name__ == "__main__":
    run_stage("text_embeddings", Params, main)
