"""Key figures: each beside its baseline and what real data give, few enough for one screen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.stage import PIPELINES, stage_entries
from fundiff.report.key_figures import MEASURES, KeyFigure, fit, key_figures, readings
from fundiff.report.results import Stage, load_stages
from tests.report.test_page import inputs, project

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stages(tmp_path_factory) -> dict[str, Stage]:
    root = project(tmp_path_factory.mktemp("results"))
    return load_stages(root, inputs(root))


def stage(name: str, metrics: dict, **params) -> Stage:
    made = Stage(name, params, [], {}, Path())
    made.__dict__["metrics"] = metrics
    return made


def test_what_there_is_not_is_not_written():
    assert KeyFigure(0.123456, None, 1).numbers() == {"here": 0.12346, "real": 1}


def test_alignment_is_the_mean_beside_that_of_the_other_prompts():
    rows = [{"own_prompt": own, "wrong_prompts": wrong, "rank": 1} for own, wrong in ((0.2, 0.0), (0.4, 0.2))]
    assert fit(rows)["alignment"] == KeyFigure(pytest.approx(0.3), pytest.approx(0.1))


def test_illusions_stand_beside_prompts_drawn_at_random():
    pictures = {
        "a": {"alignment": 0.1, "alignment_random": 0.0},
        "b": {"alignment": 0.3, "alignment_random": 0.2},
    }
    figure = readings(stage("visual_anagrams", pictures), {})["alignment"]
    assert figure == KeyFigure(pytest.approx(0.2), pytest.approx(0.1))


def test_guidance_has_its_alignment_and_its_spread(stages):
    samples = {"alignment": {"own_prompt": 0.5, "wrong_prompts": 0.0}, "spread": 5}
    assert key_figures({"guidance": stage("guidance", samples)}) == {
        "guidance_alignment": KeyFigure(0.5, 0.0),
        "guidance_spread": KeyFigure(5),
    }


def test_every_stage_has_its_figures_and_one_that_is_gone_has_none(stages):
    names = set(key_figures(stages))
    assert {name for name in MEASURES if not any(found.startswith(name) for found in names)} == set()
    rest = {
        name: one for name, one in stages.items() if name not in ("gaussian_denoising", "sample_class_unet")
    }
    assert key_figures(rest)["one_step_denoising_psnr"].baseline is None
    assert names - set(key_figures(rest)) == {
        f"sample_class_unet_{measure}" for measure in ("accuracy", "frechet", "recall", "nearest_train_mse")
    }


def test_a_sigma_that_the_denoiser_was_not_trained_on_gives_no_figure(stages):
    trained = replace(stages["train_denoiser"], params=stages["train_denoiser"].params | {"sigma": 0.55})
    assert not [name for name in key_figures(stages | {"train_denoiser": trained}) if name.startswith("ood")]


def test_a_missing_number_is_one_line(stages):
    with pytest.raises(UserError, match=r"metrics/judge.json: no 'held_out_accuracy' in it; `dvc repro`"):
        key_figures({"judge": stage("judge", {})})


def test_only_the_key_figures_are_metrics_and_they_fit_on_a_screen():
    """DVC prints every number of every metric, a file a row, a number a column."""
    files = sorted((ROOT / "metrics/key").glob("*.json"))
    numbers = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for pipeline in (*PIPELINES, "prior/dvc.yaml"):
        entries = stage_entries(ROOT, [pipeline])
        metrics = [path for entry in entries.values() for out in entry.get("metrics", []) for path in out]
        assert metrics == (["metrics/key"] if pipeline == "dvc.yaml" else [])
    assert len(files) <= 38 and {key for row in numbers for key in row} == {"baseline", "here", "real"}
