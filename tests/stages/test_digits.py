"""The stages of Part B beyond the course, run on tiny untrained networks with every objective, and shown by the report."""

import importlib
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image, ImageSequence

from fundiff.digits.networks import save_config, save_epoch, unet_of
from fundiff.judge.classifier import Judge
from fundiff.pictures.metadata import labels_of
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import seeded
from fundiff.pipeline.params import inherited, load_section, validate
from fundiff.pipeline.stage import files, stage_names
from fundiff.report.page import render
from fundiff.report.results import load_stages
from tests.pipelines import ENTRIES, write_entries

pytestmark = [pytest.mark.bits, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
STAGES = [
    "compare_objectives",
    "compare_schedules",
    "digit_samplers",
    "digit_guidance",
    "autoguidance",
    "digit_walks",
]
TRAININGS = ["train_ddpm", "train_flow", "train_flow_constant"]
CONFIG = {"hidden_size": 4, "time": True, "classes": 10, "epochs": 2, "snapshots": [1, 2]} | {
    "timesteps": 20, "beta_start": 1e-4, "beta_end": 0.02,
}  # fmt: skip


def network(name: str, **changes) -> None:
    config = CONFIG | changes
    with seeded(0), torch.no_grad():
        for epoch in config["snapshots"]:
            unet = unet_of(config)
            for part in (unet.c1, unet.c2) if unet.classes else ():  # untrained, a class would hardly matter
                for parameter in part.parameters():
                    parameter.mul_(20)
            save_epoch(f"models/{name}", epoch, unet)
    save_config(f"models/{name}", config)


def shrunk(params: dict) -> dict:
    sets = {"calls": [1, 2], "seeds": 2, "count": 10}
    params["compare_objectives"] |= sets
    params["compare_schedules"] |= sets | {"calls": [2]}
    params["digit_samplers"] |= sets | {"reference": 4}
    params["digit_guidance"] |= {"guidance_scales": [1, 2.5], "count": 10, "steps": 2}
    params["autoguidance"] |= {"epoch": 1, "guidance_scales": [1, 3], "steps": 2}
    params["digit_walks"] |= {"steps": 12}
    params["digit_walks"]["interpolation"] |= {"frames": 5, "steps": 2}
    for name in TRAININGS:
        params[name] |= {"epochs": 2, "snapshots": [1, 2]}
    params["report"]["gallery"] = []
    return params


def run(name: str) -> None:
    module = importlib.import_module(f"stages.{name}")
    module.main(load_section(module.Params, name, stage_names(ROOT / "stages")))


def number(name: str) -> dict:
    return json.loads(Path(f"metrics/{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder in which every stage has run once; the working directory while the tests run."""
    folder = tmp_path_factory.mktemp("project")
    before = Path.cwd()
    os.chdir(folder)
    params = shrunk(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")))
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for name, objective in (
        ("class_unet", {}),
        ("time_unet", {"classes": 0}),
        ("ddpm", {}),
        ("flow", {"objective": "flow"}),
        ("flow_constant", {"objective": "flow"}),
    ):
        network(name, **objective)
    save_config("models/judge", {"epochs": 1})
    with seeded(0):
        save_epoch("models/judge", 1, Judge())
    g, labels = np.random.default_rng(0), np.arange(200) % 10
    parts = {s: g.integers(0, 256, (200, 28, 28), np.uint8) for s in ("train", "validation", "test")}
    Path("data").mkdir()
    np.savez(
        "data/mnist.npz",
        **{f"{s}_images": x for s, x in parts.items()},
        **{f"{s}_labels": labels for s in parts},
    )
    for name in STAGES:
        run(name)
    yield folder
    os.chdir(before)


def test_every_stage_leaves_all_that_dvc_expects(project):
    for name in STAGES:
        for path in files(ENTRIES[name], "metrics", "plots"):
            assert Path(path).exists(), path


def test_objectives_are_compared_at_equal_calls_by_their_own_samplers(project):
    found = number("compare_objectives")
    assert (found["ddpm"]["sampler"], found["flow"]["sampler"]) == ("ddim", "euler")
    for name in ("ddpm", "flow"):
        assert set(found[name]["epochs"]) == {"1", "2"} and set(found[name]["calls"]) == {"1", "2"}
        assert found[name]["epochs"]["2"] == found[name]["calls"]["2"]


def test_schedules_are_compared_after_every_kept_epoch(project):
    found = number("compare_schedules")
    assert {name: set(found[name]) for name in ("flow", "flow_constant")} == {
        "flow": {"1", "2"}, "flow_constant": {"1", "2"},
    }  # fmt: skip
    assert found["flow"]["1"].keys() >= {"accuracy", "frechet", "accuracy_std"}


def test_the_usual_sampler_alone_is_asked_for_the_reference(project):
    found = number("digit_samplers")
    assert {s: set(row) for s, row in found["scores"].items()} == {
        "ancestral": {"1", "2", "4"}, "ddim": {"1", "2"}, "dpm_solver": {"1", "2"},
    }  # fmt: skip
    assert found["within"]["ancestral"]["4"] is True and found["reference"] == "ancestral, 4 calls"


def test_within_is_no_worse_than_the_reference_by_more_than_its_spread():
    from stages.digit_samplers import within

    reference = {"accuracy": 0.95, "accuracy_std": 0.01, "frechet": 4.0, "frechet_std": 0.5}
    for accuracy, frechet, expected in [
        (0.95, 4.0, True), (0.945, 4.4, True), (1.0, 1.0, True), (0.93, 4.0, False), (0.95, 4.6, False),
    ]:  # fmt: skip
        assert within({"accuracy": accuracy, "frechet": frechet}, reference) is expected


def test_a_network_is_guided_away_from_an_earlier_epoch_and_not_from_itself(project):
    from stages.autoguidance import Params, main

    params = load_section(Params, "autoguidance", stage_names(ROOT / "stages"))
    away, picture = number("autoguidance")["guidance"], Path("report/figures/autoguidance.png").read_bytes()
    assert set(away) == {"1", "3"} and away["1"] != away["3"]
    try:
        main(params.model_copy(update={"epoch": 2}))
        assert number("autoguidance")["guidance"]["1"] == away["1"]
        same = number("autoguidance")["guidance"]["3"]
        assert same == pytest.approx(away["1"], rel=1e-3, abs=1e-3)
    finally:
        main(params)
    assert Path("report/figures/autoguidance.png").read_bytes() == picture
    with pytest.raises(UserError, match=r"no such checkpoint; kept are epoch_001, epoch_002"):
        main(params.model_copy(update={"epoch": 7}))


def test_walks_are_animations_that_end_where_they_should(project):
    with Image.open("report/figures/digit_walks/denoising.webp") as film:
        assert film.n_frames == 12 and labels_of(film)[0][-1] == "t = 0"
    with Image.open("report/figures/digit_walks/interpolation.webp") as film:
        seen = [np.asarray(frame.convert("L"), int) for frame in ImageSequence.Iterator(film)]
        labels = labels_of(film)[0]
    assert len(seen) == len(labels) == 9 and labels[0] == labels[-1] == "0%" and labels[4] == "100%"
    assert np.array_equal(seen[1], seen[7]) and not np.array_equal(seen[1], seen[4])  # there and back


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        ({"objective": "flow"}, {"euler"}),
        ({"objective": "v", "zero_terminal_snr": True}, {"ancestral", "ddim"}),
    ],
)
def test_a_class_network_of_another_objective_is_sampled_by_what_suits_it(project, objective, names):
    network("class_unet", **objective)
    try:
        for name in STAGES[1:]:
            run(name)
        assert set(number("digit_samplers")["scores"]) == names
    finally:
        network("class_unet")
        for name in STAGES[1:]:
            run(name)


def test_more_steps_than_the_network_knows_are_one_line(project):
    from stages.digit_walks import Params, main

    sections = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params = inherited(Params, sections) | sections["digit_walks"]
    with pytest.raises(UserError, match="steps is 21; the network was trained on 20"):
        main(validate(Params, "digit_walks", params | {"steps": 21}))


def test_zero_terminal_snr_wants_v():
    from stages.train_flow import Params

    sections = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    section = inherited(Params, sections) | sections["train_flow"]
    with pytest.raises(UserError, match=r"train_flow\.zero_terminal_snr is True; expected false, unless"):
        validate(Params, "train_flow", section | {"zero_terminal_snr": True})
    params = validate(Params, "train_flow", section | {"objective": "v", "zero_terminal_snr": True})
    assert params.config()["zero_terminal_snr"] is True
    assert "objective" not in validate(Params, "train_flow", section | {"objective": "eps"}).config()


def test_the_report_tells_of_them(project):
    shutil.copytree(ROOT / "report/template", "report/template")
    shutil.copytree(ROOT / "profiles", "profiles")
    Path("stages").symlink_to(ROOT / "stages")
    for name in TRAININGS:
        Path(f"metrics/{name}.json").write_text('{"runtime": "cpu", "parameters": 1000}', encoding="utf-8")
        rows = "epoch,train_loss,validation_loss,learning_rate\n1,0.5,0.4,0.001\n2,0.3,0.3,0.001\n"
        Path(f"metrics/{name}.csv").write_text(rows, encoding="utf-8")
    told = {name: ENTRIES[name] for name in (*TRAININGS, *STAGES)}
    deps = [path for entry in told.values() for path in files(entry, "plots")]
    write_entries(Path(), told)
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["report"]
    page = render(Path(), load_stages(Path(), deps), params)
    sections = "fb-objectives fb-schedules c-digit-samplers c-digit-guidance c-autoguidance c-digit-walks"
    assert re.findall(r'<section id="((?:fb|c)-[\w-]+)"', page) == sections.split()
    assert page.count("data-axes=") == 6  # schedules, epochs and calls, samplers, both kinds of guidance
    scores = number("digit_samplers")["scores"]["ancestral"]["4"]
    assert f"{scores['frechet']:.2f} ± {scores['frechet_std']:.2f}" in page
    assert page.count("data-columns") == 2 and "{{" not in page


def test_the_same_again_leaves_the_same_bytes(project):
    paths = [p for p in Path("report/figures").rglob("*") if p.is_file()]
    before = {path: path.read_bytes() for path in paths}
    for name in STAGES:
        run(name)
    assert {path: path.read_bytes() for path in paths} == before


def test_a_tensor_of_classes_is_a_mixture(project):
    from fundiff.digits.estimators import classed, mixed
    from fundiff.digits.networks import load_unet, process_of

    unet, config = load_unet("models/class_unet")
    process, x = process_of(config), torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([1, 1, 7])
    plain = classed(unet, labels, process, 3.0)(x, 5)[0]
    assert torch.equal(mixed(unet, torch.eye(10)[labels], process, 3.0)(x, 5)[0], plain)
    half = mixed(unet, (torch.eye(10)[1] + torch.eye(10)[7]).expand(3, 10) / 2, process, 3.0)(x, 5)[0]
    assert not torch.allclose(half, plain)
