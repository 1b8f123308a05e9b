"""Sample 200 fixed prompts at several guidances and measure: does the critic find them, are they
memorised, how diverse."""

import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fundiff.critic.encoder import load_critic, sentence_vectors
from fundiff.pipeline.files import replacing, write_json
from fundiff.pipeline.noise import randn, sample_generators
from fundiff.pipeline.progress import progress
from fundiff.pipeline.runtime import prepare_runtime
from fundiff.prior.shuffled_unet import ShuffledUNet2DConditionModel
from fundiff.prior.text import text_pipeline, token_states
from prior.making.captions import captioned, phrase
from prior.making.fidelity import colourfulness, diversity, nearest_distance, roughness, sheet, small
from prior.making.network import guided_samples
from prior.making.prompts import Prompt, fixed_prompts
from prior.making.retrieval import retrieval, summary
from prior.making.styles import STYLES
from prior.stages.caption import load_library, make_plan
from prior.stages.sections import Caption, EvaluatePrior, read, run

SHOWN_FIRST = ("course", "name", "style", "scene", "keyword")


def sample(
    unet: nn.Module, states: Tensor, section: EvaluatePrior, scale: float, purpose: str = "evaluate"
) -> Tensor:
    """Samples `[P, 3, 64, 64]` of prompts with states `[1 + P, 77, C]` (row 0 is ""), one noise a
    position."""
    noise = randn(sample_generators(section.seed, len(states) - 1, purpose), (3, 64, 64))
    bf16 = prepare_runtime().precision == "bf16"
    parts = []
    starts = range(0, len(noise), section.batch_size)
    for start in progress(starts, f"{purpose}, guidance {scale:g}", len(starts), " batches"):
        rows = slice(start, start + section.batch_size)
        batch = torch.cat([states[:1], states[1:][rows]])
        parts.append(guided_samples(unet, batch, noise[rows], scale, section.steps, bf16))
    return torch.cat(parts)


def training_pictures(section: Caption, count: int) -> tuple[list[str], Tensor]:
    """Pictures made as the training's are, at positions beyond the training's: the ceiling of every score."""
    library, keywords = load_library(section.sets)
    plan = make_plan(section, library, keywords)
    made = [captioned(library, plan, section.seed, section.pictures + i) for i in range(count)]
    pixels = torch.from_numpy(np.stack([picture for _, picture in made]))
    return [sentence for sentence, _ in made], pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


def judge(images: Tensor, prompts: list[Prompt], names: list[str], known: Tensor) -> dict:
    """All figures of the samples of one guidance."""
    critic = load_critic("data/prior/critic")
    vectors = sentence_vectors(names)
    figures: dict = {"distance_to_training": summary(nearest_distance(small(images), known))}
    for kind in ("name", "keyword", "style"):
        rows = [i for i, prompt in enumerate(prompts) if prompt.kind == kind]
        right = torch.tensor([names.index(phrase(prompts[i].concept)) for i in rows])
        figures[kind] = retrieval(critic, images[rows], vectors, right)
    for kind in ("scene", "course"):
        rows = [i for i, prompt in enumerate(prompts) if prompt.kind == kind]
        own = sentence_vectors([prompts[i].sentence for i in rows])
        figures[kind] = retrieval(critic, images[rows], own, torch.arange(len(rows)))
    return figures


def obedience(images: Tensor, prompts: list[Prompt]) -> dict:
    """Colourfulness and roughness of the samples of each style, and of the plain names to compare with."""
    table = {}
    for style in ("", *STYLES):
        rows = [i for i, p in enumerate(prompts) if p.kind in ("name", "style") and p.style == style]
        table[style or "as it is"] = {
            "colourfulness": summary(colourfulness(images[rows])),
            "roughness": summary(roughness(images[rows])),
        }
    return table


def main() -> None:
    section, caption = read(EvaluatePrior, "evaluate_prior"), read(Caption, "caption")
    unet = ShuffledUNet2DConditionModel.from_pretrained(
        "data/prior/trained", subfolder="unet", torch_dtype=torch.float32
    )
    unet = unet.eval().to(memory_format=torch.channels_last)
    library, keywords = load_library(caption.sets)
    concepts = caption.concepts or sorted(library.rows)
    prompts = fixed_prompts(
        concepts,
        keywords,
        section.seed,
        names=section.names,
        words=section.keywords,
        scenes=section.scenes,
        styled=section.styled,
    )
    states = token_states(text_pipeline(), ["", *(prompt.sentence for prompt in prompts)])
    names = sorted({phrase(concept) for concept in concepts})
    pool = np.load("data/prior/pictures.npy", mmap_mode="r")
    parts = [
        torch.from_numpy(pool[i : i + 2000]).permute(0, 3, 1, 2).float() / 127.5 - 1
        for i in range(0, len(pool), 2000)
    ]
    known = torch.cat([small(part) for part in parts])
    figures: dict = {
        "runtime": str(prepare_runtime()),
        "prompts": len(prompts),
        "names": len(names),
        "guidance": {},
    }
    for scale in section.scales:
        started = time.perf_counter()
        images = sample(unet, states, section, scale)
        figures["guidance"][str(scale)] = {
            **judge(images, prompts, names, known),
            "styles": obedience(images, prompts),
            "seconds_a_sample": round((time.perf_counter() - started) / len(images), 2),
        }
        print(scale, json.dumps(figures["guidance"][str(scale)]["name"]), flush=True)
        save_sheets(images, prompts, scale)
    figures["baselines"] = baselines(caption, section, names, known)
    figures["diversity"] = varied(unet, states, section)
    write_json("prior/metrics/evaluate_prior.json", figures)


def baselines(caption: Caption, section: EvaluatePrior, names: list[str], known: Tensor) -> dict:
    """The same scores of new pictures made as the training's (ceiling) and of noise (floor)."""
    sentences, pictures = training_pictures(caption, 600)
    rows = [i for i, sentence in enumerate(sentences) if sentence in names][:200]
    right = torch.tensor([names.index(sentences[i]) for i in rows])
    vectors, critic = sentence_vectors(names), load_critic("data/prior/critic")
    noise = randn(sample_generators(section.seed, len(rows), "noise"), (3, 64, 64)).clamp(-1, 1)
    return {
        "new_training_pictures": {
            "distance_to_training": summary(nearest_distance(small(pictures), known)),
            "name": retrieval(critic, pictures[rows], vectors, right),
        },
        "noise": {
            "distance_to_training": summary(nearest_distance(small(noise), known)),
            "name": retrieval(critic, noise, vectors, right),
        },
    }


def varied(unet: nn.Module, states: Tensor, section: EvaluatePrior) -> dict:
    """How much samples of one name differ, at the second guidance, beside samples of different names."""
    count = min(10, section.names)
    repeated = states[1 : 1 + count].repeat_interleave(section.seeds, 0)
    images = sample(
        unet,
        torch.cat([states[:1], repeated]),
        section,
        section.scales[1],
        "vary",
    )
    images = images.view(count, section.seeds, *images.shape[1:])
    return {
        "same_name": summary(diversity(images)),
        "different_names": summary(diversity(images.transpose(0, 1))),
    }


def save_sheets(images: Tensor, prompts: list[Prompt], scale: float) -> None:
    """Write two contact sheets of first samples: the course's prompts and every name, and the rest."""
    order = sorted(range(len(prompts)), key=lambda i: SHOWN_FIRST.index(prompts[i].kind))
    asked = [i for i in order if prompts[i].kind in ("course", "name")]
    others = [i for i in order if i not in asked]
    for name, rows in (("contact", asked), ("others", others)):
        if rows:
            with replacing(Path("prior/sheets") / f"{name}_guidance_{scale:g}.png") as path:
                sheet(images[rows], [prompts[i].sentence for i in rows]).save(path, format="PNG")


if __name__ == "__main__":
    run("evaluate_prior", main)
