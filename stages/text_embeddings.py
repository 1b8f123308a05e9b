from pydantic import Field

from fundiff.pipeline.params import Named, Section
from fundiff.pipeline.runtime import detect
from fundiff.prior.hub import load_pinned
from fundiff.prior.prompts import cut_text, encode, load_encoder, save_prompts
from fundiff.techniques.bench import judge_named, run_stage


class Params(Section):
    critic: str = Field(description="a critic of this project, or a folder or hub id of a CLIP model")
    prompts: Named[str] = Field(description="key by which the stages name a prompt: its words")


def main(params: Params) -> None:
    model = load_pinned("data/model.json")
    pipe = load_encoder(model, detect())
    for key, prompt in params.prompts.items():
        if cut := cut_text(pipe.tokenizer, prompt):
            print(f"text_embeddings: warning: the prior sees 77 tokens; of {key!r} it will not see: {cut!r}")
    states = encode(pipe, params.prompts)
    save_prompts("data/text_embeddings.safetensors", params.prompts, states, model.name)
    # The critic judges in a space of its own, whatever the prior's encoder is.
    vectors = judge_named(params.critic).vectors(list(params.prompts.values()))
    sentences = dict(zip(params.prompts, vectors, strict=True))
    save_prompts("data/sentences.safetensors", params.prompts, sentences, params.critic)


if __name__ == "__main__":
    run_stage("text_embeddings", Params, main)
