"""Copy the trained prior to models/prior, with its credits and a model card written from the metrics.

The critic goes to models/critic.
"""

import json
import shutil
from pathlib import Path

import torch
import yaml

from fundiff.pipeline.files import digest, replacing, write_json
from fundiff.prior.shuffled_unet import ShuffledUNet2DConditionModel
from prior.making.card import card, credits_file
from prior.making.network import save_prior
from prior.making.words import read_nouns
from prior.stages.sections import PARAMS, EvaluatePrior, FetchDrawings, read, run

FOLDER, CRITIC = Path("models/prior"), Path("models/critic")


def main() -> None:
    unet = ShuffledUNet2DConditionModel.from_pretrained(
        "data/prior/trained", subfolder="unet", torch_dtype=torch.float32
    )
    save_prior(FOLDER, unet)
    packages = read(FetchDrawings, "fetch_drawings").packages
    figures = json.loads(Path("prior/metrics/evaluate_prior.json").read_text(encoding="utf-8"))
    critic = json.loads(Path("data/prior/critic/metrics.json").read_text(encoding="utf-8"))
    logs = [
        Path(f"prior/metrics/{leg}.csv").read_text(encoding="utf-8") for leg in ("train_first", "train_last")
    ]
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    nouns = read_nouns(yaml.safe_load(Path("prior/nouns.yaml").read_text(encoding="utf-8")))
    size = sum(p.numel() for p in unet.parameters())
    for name, text in (
        ("README.md", card(params, figures, critic, logs, len(nouns), size)),
        ("CREDITS.md", credits_file(packages)),
    ):
        with replacing(FOLDER / name) as path:
            path.write_text(text, encoding="utf-8")
    with replacing(FOLDER / "contact_sheet.png") as path:
        scale = read(EvaluatePrior, "evaluate_prior").scales[1]
        shutil.copyfile(f"prior/sheets/contact_guidance_{scale:g}.png", path)
    shutil.copytree("data/prior/critic", CRITIC, dirs_exist_ok=True)
    landed = [*sorted(FOLDER.rglob("*.*")), *sorted(CRITIC.glob("*.*"))]
    write_json("prior/metrics/export.json", {path.as_posix(): digest(path) for path in landed})


if __name__ == "__main__":
    run("export", main)
