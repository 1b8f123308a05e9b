"""All rows of the bench: what is measured, both sides, and the number of turns."""

from __future__ import annotations

from benchmarks.row import Row, side

EPOCHS = 20  # of the course's recipe over the 3,500 digits; its final held-out loss is the goal

NOTEBOOK = "the course as a notebook"
PRIOR = {"data/model.json": "model"}
PICTURES = PRIOR | {"data/pictures": "fetch_images"}
JUDGE = {"data/mnist.npz": "fetch_mnist", "models/judge": "judge"}
DIGITS = JUDGE | {"models/class_unet": "train_class_unet"}
CRITIC = PRIOR | {"data/critic.json": "critic"}


def widths() -> list[Row]:
    """Training the same network at three widths, with fewer batches and turns for the slow, wide ones."""
    return [
        Row(
            f"train_throughput_d{hidden}",
            f"Training the class-conditioned UNet of D {hidden}, batch 128",
            "images/s",
            side("training.fundiff_throughput", hidden=hidden, batches=batches),
            side("training.notebook_throughput", hidden=hidden, batches=batches),
            NOTEBOOK,
            turns=turns,
        )
        for hidden, batches, turns in ((32, 6, 5), (64, 3, 4), (128, 1, 3))
    ]


def libraries() -> list[Row]:
    """Training steps of other libraries, on their own networks with about as many parameters as the UNet of D 64."""
    return [
        Row(
            f"train_throughput_{name}",
            f"A training step of {peer}, its own UNet, beside FunDiff's of D 64: other networks of a similar size",
            "images/s",
            side("training.fundiff_throughput", hidden=64, batches=2),
            side(f"libraries.{name}", batches=1, **size),
            peer,
            package,
            turns=3,
        )
        for name, peer, package, size in (
            ("ddpm_pytorch", "denoising-diffusion-pytorch", "denoising-diffusion-pytorch", {"dim": 52}),
            ("diffusers", "diffusers", "diffusers", {"widths": [64, 96]}),
            ("smalldiffusion", "smalldiffusion", "smalldiffusion", {"ch": 32}),
        )
    ]


def roofline(precision: str) -> Row:
    """Training compared with convolutions alone."""
    return Row(
        f"roofline_{precision}",
        f"FLOP/s of training at D 64 in {precision}, as a share of the machine's convolution peak",
        "GFLOP/s",
        side("roofline.achieved", precision=precision),
        side("roofline.peak", precision=precision),
        "the fastest of the networks' own convolutions",
        turns=2,
    )


ROWS = [
    *widths(),
    *libraries(),
    Row(
        "time_to_quality",
        f"Training from nothing to the held-out loss that the course's recipe has after {EPOCHS} passes",
        "s",
        side("quality.fundiff_quality"),
        side("quality.notebook_quality", hidden=64, epochs=EPOCHS),
        NOTEBOOK,
        turns=1,
        needs=JUDGE,
    ),
    Row(
        "sample_1000",
        "1,000 digits at guidance 5: 300 ancestral steps of two UNet calls, against 25 of DDIM with shared work",
        "s",
        side("samples.fundiff_samples", folder="models/class_unet", steps=25),
        side("samples.notebook_samples", folder="models/class_unet", count=80),
        NOTEBOOK,
        turns=3,
        needs=DIGITS,
    ),
    Row(
        "flow_digits",
        "Ten digits by flow matching at guidance 5, 5 Euler steps, against two UNet calls a step",
        "s",
        side("samples.flow_digits", folder="models/flow", steps=5),
        side("samples.notebook_flow_digits", folder="models/flow", steps=5),
        NOTEBOOK,
        turns=9,
        needs={"models/flow": "train_flow"},
    ),
    Row(
        "prior_sample",
        "One guided sample of the prior, 33 steps",
        "s",
        side("part_a.prior_sample"),
        side("peers_a.if_sample"),
        "IFPipeline",
        "diffusers",
        needs=PRIOR,
    ),
    Row(
        "prior_sample_notebook",
        "The same sample, two UNet calls a step",
        "s",
        side("part_a.prior_sample"),
        side("peers_a.notebook_sample"),
        NOTEBOOK,
        needs=PRIOR,
    ),
    Row(
        "sdedit_list",
        "SDEdit of every image at every level",
        "s",
        side("part_a.sdedit_list"),
        side("peers_a.if_sdedit"),
        "IFImg2ImgPipeline, one call each",
        "diffusers",
        turns=2,
        needs=PICTURES,
    ),
    Row(
        "sdedit_list_notebook",
        "The same list, one image at a time, two UNet calls a step",
        "s",
        side("part_a.sdedit_list"),
        side("peers_a.notebook_sdedit"),
        NOTEBOOK,
        turns=2,
        needs=PICTURES,
    ),
    Row(
        "anagram",
        "One anagram of two views, 33 steps, against a loop over the views with a UNet call each",
        "s",
        side("part_a.anagram"),
        side("peers_a.notebook_anagram"),
        NOTEBOOK,
        turns=3,
        needs=PRIOR,
    ),
    Row(
        "inpaint_jumps",
        "Inpainting every example with RePaint's jumps, against one at a time (one measured, times their number)",
        "s",
        side("part_a.inpaint_jumps"),
        side("peers_a.notebook_inpaint"),
        NOTEBOOK,
        turns=2,
        needs=PICTURES,
    ),
    Row(
        "environment",
        "`make environment` in a fresh clone",
        "s",
        side("clones.environment"),
        turns=1,
    ),
    Row(
        "make_repro",
        "`make repro` in a fresh clone, every stage",
        "s",
        side("clones.make_repro"),
        turns=1,
    ),
    Row(
        "make_test",
        "`make test` in a fresh clone",
        "s",
        side("clones.make_test"),
        turns=1,
    ),
    Row(
        "noop_repro",
        "`dvc repro` with nothing to do, beside the same stages with empty commands and no code to watch",
        "s",
        side("commands.noop_fundiff"),
        side("commands.noop_bare"),
        "the same graph, empty",
        "dvc",
    ),
    Row(
        "one_param",
        "From a changed guidance scale to the rebuilt report",
        "s",
        side("commands.one_param"),
        turns=1,
        needs=CRITIC,
    ),
    Row(
        "stage_start",
        "A stage of Part A until its work begins, beside loading torch and diffusers alone",
        "s",
        side("commands.stage_start", stage="sdedit"),
        side("commands.imports"),
        "import torch, diffusers",
        "diffusers",
        turns=3,
    ),
    Row(
        "stage_start_digits",
        "A stage of Part B until its work begins, beside loading torch and diffusers alone",
        "s",
        side("commands.stage_start", stage="train_class_unet"),
        side("commands.imports"),
        "import torch, diffusers",
        "diffusers",
        turns=3,
    ),
    roofline("fp32"),
    roofline("bf16"),
]
