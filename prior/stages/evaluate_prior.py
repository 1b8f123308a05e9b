"""Sample the fixed prompts at several guidance scales, and score the samples.

The critic and an independent judge look for the prompt in each sample. Distances to the training set show memorising, and
distances between samples show diversity.
"""

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
from prior.making.captions import captioned
from prior.making.critic_training import on_white
from prior.making.features import Lite0, features_of, load_features
from prior.making.fidelity import colourfulness, diversity, nearest_distance, roughness, sheet, small
from prior.making.nearest import Reference, verdict
from prior.making.network import guided_samples
from prior.making.prompts import Prompt, fixed_prompts
from prior.making.retrieval import retrieval, summary
from prior.making.styles import STYLES
from prior.making.words import Noun
from prior.stages.caption import load_library, load_nouns, make_plan
from prior.stages.sections import Caption, EvaluatePrior, read, run

SHOWN = {"contact": ("course", "name"), "others": ("properties", "style")}


def sample(
    unet: nn.Module, states: Tensor, section: EvaluatePrior, scale: float, purpose: str = "evaluate"
) -> Tensor:
    """Samples `[P, 3, 64, 64]` in [-1, 1] of P prompts; each position has its own noise.

    states: `[1 + P, 77, C]`, row 0 is the empty prompt's.
    """
    noise = randn(sample_generators(section.seed, len(states) - 1, purpose), (3, 64, 64))
    runtime, parts = prepare_runtime(), []
    starts = range(0, len(noise), section.batch_size)
    for start in progress(starts, f"{purpose}, guidance {scale:g}", len(starts), " batches"):
        rows = slice(start, start + section.batch_size)
        batch = torch.cat([states[:1], states[1:][rows]]).to(runtime.device)
        bf16 = runtime.precision == "bf16"
        parts.append(
            guided_samples(unet, batch, noise[rows].to(runtime.device), scale, section.steps, bf16).cpu()
        )
    return torch.cat(parts)


def pictures_of(rows: list[dict], pixels: np.ndarray, sets: list[str]) -> tuple[list[str], Tensor]:
    """The concepts and the drawings of some sets, on white: `[N, 3, 64, 64]` in [-1, 1]."""
    kept = [index for index, row in enumerate(rows) if row["set"] in sets]
    images = torch.from_numpy(on_white(pixels[kept])).permute(0, 3, 1, 2).float() / 127.5 - 1
    return [rows[index]["concept"] for index in kept], images


class IndependentJudge:
    """The independent judge: its reference, and drawings of another set, whose scores are the ceiling."""

    def __init__(self, section: EvaluatePrior):
        rows = json.loads(Path("data/prior/drawings.json").read_text(encoding="utf-8"))
        pixels = np.load("data/prior/drawings.npz")["pixels"]
        self.network: Lite0 = load_features()
        concepts, images = pictures_of(rows, pixels, section.reference)
        self.reference = Reference(features_of(self.network, images), concepts)
        self.others, self.drawings = pictures_of(rows, pixels, [section.ceiling])

    def verdict(self, images: Tensor, right: list[tuple[str, ...]]) -> dict:
        """The verdict on samples. right: for each sample its right concepts."""
        return verdict(self.reference, features_of(self.network, images), right)

    def baselines(self, right: list[tuple[str, ...]], noise: Tensor) -> dict:
        """The verdict on drawings of the same concepts by the other set (ceiling) and on noise (floor)."""
        wanted = set().union(*right)
        kept = [i for i, c in enumerate(self.others) if c in wanted and c in self.reference.names]
        drawn = self.verdict(self.drawings[kept], [(self.others[i],) for i in kept])
        return {"drawings_of_a_third_set": drawn, "noise": self.verdict(noise, right)}


def scores_of(
    images: Tensor, prompts: list[Prompt], nouns: dict[str, Noun], independent: IndependentJudge
) -> dict:
    """All scores of the samples at one guidance scale."""
    critic, names = load_critic("data/prior/critic"), sorted(nouns)
    vectors, figures = sentence_vectors(names), {}
    for kind in ("name", "style"):
        rows = [i for i, prompt in enumerate(prompts) if prompt.kind == kind]
        right = torch.tensor([names.index(prompts[i].noun) for i in rows])
        figures[kind] = retrieval(critic, images[rows], vectors, right)
        concepts = [nouns[prompts[i].noun].concepts for i in rows]
        figures[f"independent_{kind}"] = independent.verdict(images[rows], concepts)
    for kind in ("properties", "course"):
        rows = [i for i, prompt in enumerate(prompts) if prompt.kind == kind]
        own = sentence_vectors([prompts[i].sentence for i in rows])
        figures[kind] = retrieval(critic, images[rows], own, torch.arange(len(rows)))
    return figures


def obedience(images: Tensor, prompts: list[Prompt]) -> dict:
    """Colourfulness and roughness of the samples of each style, and of samples without a style."""
    table = {}
    for style in ("", *STYLES):
        rows = [i for i, p in enumerate(prompts) if p.kind in ("name", "style") and p.style == style]
        table[style or "as it is"] = {
            "colourfulness": summary(colourfulness(images[rows])),
            "roughness": summary(roughness(images[rows])),
        }
    return table


def baselines(caption: Caption, section: EvaluatePrior, nouns: dict[str, Noun], known: Tensor) -> dict:
    """The critic's scores of newly composed training pictures (ceiling) and of noise (floor)."""
    library, people = load_library(caption.held_out)
    plan, names = make_plan(caption, library, people), sorted(nouns)
    made = [captioned(library, plan, caption.seed, caption.pictures + i) for i in range(section.new_pictures)]
    pictures = torch.from_numpy(np.stack([p for _, p in made])).permute(0, 3, 1, 2).float() / 127.5 - 1
    rows = [i for i, (sentence, _) in enumerate(made) if sentence in nouns]
    right = torch.tensor([names.index(made[i][0]) for i in rows])
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
    """How much samples of one prompt differ at the second guidance scale, and how much those of different prompts do."""
    count = min(10, section.names)
    repeated = states[1 : 1 + count].repeat_interleave(section.seeds, 0)
    images = sample(unet, torch.cat([states[:1], repeated]), section, section.scales[1], "vary")
    images = images.view(count, section.seeds, *images.shape[1:])
    return {
        "same_name": summary(diversity(images)),
        "different_names": summary(diversity(images.transpose(0, 1))),
    }


def save_sheets(images: Tensor, prompts: list[Prompt], scale: float) -> None:
    """Write two contact sheets of samples: one of names and the course's prompts, one of the rest."""
    for name, kinds in SHOWN.items():
        rows = [i for kind in kinds for i, prompt in enumerate(prompts) if prompt.kind == kind]
        with replacing(Path("prior/sheets") / f"{name}_guidance_{scale:g}.png") as path:
            sheet(images[rows], [prompts[i].sentence for i in rows]).save(path, format="PNG")


def small_pictures() -> Tensor:
    """The training pictures, reduced by `small`."""
    pool = np.load("data/prior/pictures.npy", mmap_mode="r")
    starts = range(0, len(pool), 2000)
    parts = (torch.from_numpy(pool[i : i + 2000]).permute(0, 3, 1, 2).float() / 127.5 - 1 for i in starts)
    return torch.cat([small(part) for part in parts])


def main() -> None:
    section, caption = read(EvaluatePrior, "evaluate_prior"), read(Caption, "caption")
    unet = ShuffledUNet2DConditionModel.from_pretrained(
        "data/prior/trained", subfolder="unet", torch_dtype=torch.float32
    )
    unet, nouns, independent = prepare_runtime().place(unet.eval()), load_nouns(), IndependentJudge(section)
    prompts = fixed_prompts(
        nouns, independent.reference.names, section.seed, names=section.names, styled=section.styled
    )
    states = token_states(text_pipeline(), ["", *(prompt.sentence for prompt in prompts)])
    known = small_pictures()
    figures: dict = {
        "runtime": str(prepare_runtime()),
        "prompts": len(prompts),
        "names": len(nouns),
        "guidance": {},
    }
    for scale in section.scales:
        started = time.perf_counter()
        images = sample(unet, states, section, scale)
        seconds = (time.perf_counter() - started) / len(images)
        figures["guidance"][str(scale)] = {
            **scores_of(images, prompts, nouns, independent),
            "distance_to_training": summary(nearest_distance(small(images), known)),
            "styles": obedience(images, prompts),
            "seconds_a_sample": round(seconds, 2),
        }
        print(scale, json.dumps(figures["guidance"][str(scale)]["independent_name"]), flush=True)
        save_sheets(images, prompts, scale)
    right = [nouns[prompt.noun].concepts for prompt in prompts if prompt.kind == "name"]
    noise = randn(sample_generators(section.seed, len(right), "noise"), (3, 64, 64)).clamp(-1, 1)
    figures["baselines"] = baselines(caption, section, nouns, known)
    figures["baselines"]["independent"] = independent.baselines(right, noise)
    figures["diversity"] = varied(unet, states, section)
    write_json("prior/metrics/evaluate_prior.json", figures)


if __name__ == "__main__":
    run("evaluate_prior", main)
