"""Comparative sentences follow the numbers: those of the project, and made-up ones that turn the other way."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from fundiff.pictures.names import sampler_label
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.params import read_params
from fundiff.report.digit_findings import DIGITS
from fundiff.report.findings import best_read, change, counted, finding, trend
from fundiff.report.flow_findings import FLOWS
from fundiff.report.picture_findings import PICTURES
from fundiff.report.results import Stage

ROOT = Path(__file__).resolve().parents[2]
PARAMS = read_params(ROOT / "params.yaml")
FINDINGS = PICTURES | DIGITS | FLOWS


def numbers(name: str) -> dict[str, Any]:
    """The numbers of metrics/NAME.json, without what they were made with."""
    found = json.loads((ROOT / f"metrics/{name}.json").read_text(encoding="utf-8"))
    return {key: value for key, value in found.items() if key not in ("runtime", "versions")}


def stage(name: str, metrics: dict[str, Any], **params: Any) -> Stage:
    made = Stage(name, PARAMS["base"] | (PARAMS[name] or {}) | params, [], {}, ROOT)
    made.__dict__["metrics"] = metrics
    return made


def said(name: str, metrics: dict[str, Any] | None = None, *others: Stage, **params: Any) -> str:
    one = stage(name, numbers(name) if metrics is None else metrics, **params)
    return finding(FINDINGS, name, {name: one} | {other.name: other for other in others})


def test_trends():
    assert [trend(v) for v in ([1, 2, 2], [3, 1], [1, 2, 1], [1, 1])] == ["rises", "falls", "turns", "stays"]
    assert (
        change("it", [0.1, 0.3, 0.2], [1, 2, 5])
        == "it is largest at γ = 2 (0.30) and smallest at γ = 1 (0.10)"
    )
    assert change("it", [0.3, 0.1], [1, 2], ".0%") == "it falls from 30% to 10%"
    assert [counted(n, 3) for n in (0, 2, 3)] == ["none of 3", "2 of 3", "all 3"]
    assert counted(2, 2) == "both" and change("it", [1, 3, 2], [0, 1, 2], symbol="w").startswith(
        "it is largest at w = 1"
    )


@pytest.mark.parametrize("name", FINDINGS)
def test_every_finding_speaks_of_the_projects_own_numbers(name):
    others = [
        stage(other, numbers(other))
        for other in ("gaussian_denoising", "guidance", "sample_class_unet")
        if other != name
    ]
    words = said(name, None, *others)
    assert words.endswith(".") and any(letter.isdigit() for letter in words)


def test_steps_of_setup():
    def table(few: float, many: float) -> dict:
        return {
            "alignment": {"10_steps": {"a": {"own_prompt": few}}, "50_steps": {"a": {"own_prompt": many}}}
        }

    assert said("setup", table(0.1, 0.3), num_inference_steps=[10, 50]).startswith("More steps give")
    assert said("setup", table(0.3, 0.1), num_inference_steps=[10, 50]).startswith("Fewer steps give")
    assert said("setup", table(0.301, 0.302), num_inference_steps=[10, 50]).startswith(
        "More steps change little"
    )


def test_the_blurs_width():
    metrics = numbers("gaussian_denoising")
    widths = [row["sigma"] for _, row in sorted(metrics["t"].items(), key=lambda entry: int(entry[0]))]
    assert said("gaussian_denoising").startswith("The more noise, the wider") == (trend(widths) == "rises")
    metrics["t"][max(metrics["t"], key=int)]["sigma"] = 0.1
    assert said("gaussian_denoising", metrics).startswith("The best blur’s width")


def test_one_step_against_the_blur():
    rows = {"250": {"psnr": 20.0}, "500": {"psnr": 15.0}}
    blur = stage("gaussian_denoising", {"t": {"250": {"psnr": 21.0}, "500": {"psnr": 14.0}}})
    words = said("one_step_denoising", {"t": rows}, blur)
    assert (
        "at 1 of 2 values of t (−1.0 dB at t = 250 and +1.0 dB at t = 500)" in words and "PSNR falls" in words
    )
    assert "PSNR goes from" in said("one_step_denoising", {"t": {"250": {"psnr": 1.0}, "500": {"psnr": 2.0}}})


@pytest.mark.parametrize(
    "name, other", [("one_step_denoising", "gaussian_denoising"), ("flow_one_step", "flow_blur")]
)
def test_a_blur_of_other_times_or_of_another_picture_is_no_comparison(name, other):
    blurred, restored = numbers(other), numbers(name)
    words = said(name, restored, stage(other, blurred))
    assert "best blur" in words
    elsewhere = stage(other, {"t": {"0.123": next(iter(blurred["t"].values()))}})
    assert "blur" not in said(name, restored, elsewhere)
    assert "blur" not in said(name, restored, stage(other, blurred), image="chelsea")


def test_one_step_against_many():
    metrics = numbers("iterative_denoising")
    wins = metrics["one_step"]["psnr"] > metrics["iterative"]["psnr"]
    assert ("One step wins" in said("iterative_denoising")) == wins
    metrics["iterative"]["psnr"] = metrics["one_step"]["psnr"] + 1
    assert "best first: the iterative result" in said("iterative_denoising", metrics)
    assert "wins even in this measure" in said("iterative_denoising", metrics)


def test_guidance_says_what_each_measure_does():
    metrics = numbers("guidance_sweep")
    rows = sorted(metrics["guidance"].items(), key=lambda entry: float(entry[0]))
    spreads, words = [row["spread"] for _, row in rows], said("guidance_sweep")
    largest = max(rows, key=lambda entry: entry[1]["spread"])[0]
    assert (f"spread is largest at γ = {largest}" in words) == (trend(spreads) == "turns")
    assert ("spread falls from" in words) == (trend(spreads) == "falls")
    for g, row in metrics["guidance"].items():
        row["spread"] = 1 / float(g)
    for row in metrics["negative"].values():
        row["after"] = row["before"] + 0.1
    assert "spread falls from 1.00 to 0.07" in said("guidance_sweep", metrics)
    assert "in the samples for none of 2 negative prompts" in said("guidance_sweep", metrics)


def test_guided_samples_are_compared_with_plain_ones_of_the_same_prompt_and_count():
    plain = stage("sampling", numbers("sampling"))
    assert said("guidance", None, plain).endswith("without.")
    for changed in ({"prompt": "a crab"}, {"count": 3}):
        assert said("guidance", None, plain, **changed).endswith("with guidance.")


def test_levels_and_distances():
    metrics = numbers("sdedit")
    assert "For every picture it gets smaller with every higher level" in said("sdedit")
    metrics["distance_per_level"]["campanile"]["20"] = 1.0
    assert "with every higher level for 2 of 3 pictures" in said("sdedit", metrics)


def test_words_against_picture():
    assert "the largest drop is between levels 3 and 5" in said("text_sdedit")
    metrics = numbers("text_sdedit")
    for row in metrics["alignment_per_level"].values():
        row["20"] = 1.0
    assert "the prompt does not get weaker with less noise" in said("text_sdedit", metrics)


def test_the_seam():
    metrics = numbers("inpainting")
    larger = sum(
        seam > row["seam_of_original"]
        for row in metrics.values()
        if "seam" in row
        for seam in row["seam"].values()
    )
    assert larger == 8 and "larger than the original’s in all 8 fillings: a rim is left" in said("inpainting")
    for row in metrics.values():
        if "seam" in row:
            row["seam"] = {"plain": row["seam_of_original"] / 2, "resampled": row["seam_of_original"] / 3}
    words = said("inpainting", metrics)
    assert "in none of 8 fillings." in words and "a rim is left" not in words
    assert "smaller in all 4 pictures" in words


def test_readings_name_the_weak_ones():
    metrics = copy.deepcopy(numbers("hybrid_images"))
    for name, row in metrics.items():
        rank = max(reading["rank"] for reading in row["readings"])
        assert (f"{name.replace('_', ' ')} (worst rank {rank})" in said("hybrid_images")) == (rank > 1)
    for row in metrics.values():
        for reading in row["readings"]:
            reading["rank"] = 1
    assert (
        said("hybrid_images", metrics)
        == "All 3 pictures have rank 1 in every reading (rank 1: the critic puts the right prompt first)."
    )


def test_the_picture_whose_weaker_reading_scores_best_comes_first():
    rows = {
        name: {"alignment": score, "readings": []} for name, score in (("a", 0.1), ("b", 0.3), ("c", 0.2))
    }
    assert best_read(stage("visual_anagrams", rows | {"runtime": "cpu", "samples": 12})) == ["b", "c", "a"]
    assert best_read(None) == []


def test_colours_that_do_not_help_the_prompt_are_named():
    def rows(**gains: float) -> dict[str, Any]:
        return {
            name: {"alignment": 0.3 + gain, "alignment_of_grey": 0.3, "grey_error": 0.0}
            for name, gain in gains.items()
        }

    assert said("colourisation", rows(car=0.1, crab=0.2, tree=0.1)) == (
        "All 3 pictures fit their prompts better in colour than in grey."
    )
    assert said("colourisation", rows(car=0.1, crab=-0.2, old_car=0)).endswith(
        "1 of 3 pictures fit their prompts better in colour than in grey; crab and old car do not."
    )


def test_samplers_say_what_few_calls_cost():
    rows = {
        "ddim": {
            f"{n}_calls": {"own_prompt": value, "own_prompt_std": 0.01} for n, value in ((5, 0.1), (25, 0.3))
        }
    }
    assert "the largest loss of alignment compared with 25 calls is 0.200" in said(
        "samplers", {"alignment": rows}, calls=[5, 25]
    )
    rows["ddim"]["5_calls"]["own_prompt"] = 0.295
    assert "no sampler loses more than 0.005" in said("samplers", {"alignment": rows}, calls=[5, 25])


def test_recall_of_digits_is_not_said_to_fall_where_it_does_not():
    metrics = numbers("digit_guidance")
    scales = sorted(metrics["guidance"], key=float)
    recalls = [metrics["guidance"][g]["recall"] for g in scales]
    assert ("recall falls" in said("digit_guidance")) == (trend(recalls) == "falls")
    for g in scales:
        metrics["guidance"][g]["recall"] = 1 / float(g)
    assert "recall falls from 100% to 12%" in said("digit_guidance", metrics)
    metrics["guidance"][scales[1]]["recall"] = 1.5
    assert f"recall is largest at γ = {scales[1]}" in said("digit_guidance", metrics)


def test_autoguidance_is_said_to_help_where_it_does():
    metrics = numbers("autoguidance")
    first, *_, last = sorted(metrics["guidance"], key=float)
    for row in metrics["guidance"].values():
        row["frechet"] = 9.0
    metrics["guidance"][last]["frechet"], metrics["real"]["frechet_floor"] = 4.0, 2.0
    assert said("autoguidance", metrics).endswith(
        f"smallest at γ = {last}: 4.00, compared with 9.00 at γ = {first} "
        "and 2.00 between two sets of real digits."
    )
    metrics["real"]["frechet_floor"] = 5.0
    assert said("autoguidance", metrics).endswith("real digits (5.00): these are too few digits to say more.")
    metrics["guidance"][first]["frechet"] = 3.0
    assert said("autoguidance", metrics).endswith(f"at γ = {first}: here this guidance does not help.")


def test_what_real_digits_give_is_no_floor_where_samples_go_below():
    words, metrics = said("sample_class_unet"), numbers("sample_class_unet")
    nearest = min(metrics["frechet_per_guidance"].values())
    assert ("below that between two sets of real digits" in words) == (nearest < metrics["frechet_floor"])
    farther = metrics["frechet_mean_image"] > metrics["frechet_noise"]
    assert ("the mean image is farther from digits than noise" in words) == farther
    metrics["frechet_per_guidance"] = dict.fromkeys(
        metrics["frechet_per_guidance"], metrics["frechet_floor"] / 2
    )
    assert "below that between two sets of real digits" in said("sample_class_unet", metrics)
    metrics["frechet_floor"], metrics["frechet_noise"] = 0.1, 999.0
    words = said("sample_class_unet", metrics)
    assert "between two sets of real digits it is 0.10" in words and "noise is farther from digits" in words


def test_recall_above_that_of_real_digits_is_explained():
    assert "raise recall and not coverage" in said("sample_time_unet")
    metrics = numbers("sample_time_unet") | {"recall": 0.5}
    assert "raise recall" not in said("sample_time_unet", metrics) and "recall is 50%, below" in said(
        "sample_time_unet", metrics
    )


def test_objectives_and_samplers_of_digits():
    metrics = numbers("compare_objectives")
    for calls, row in metrics["flow"]["calls"].items():
        row["frechet"] = 2 * metrics["ddpm"]["calls"][calls]["frechet"]
        row["accuracy"] = metrics["ddpm"]["calls"][calls]["accuracy"] - 0.1
    words = said("compare_objectives", metrics)
    assert "at none of 3" in words and "points lower" in words
    metrics = numbers("digit_samplers")
    fewest = {
        name: min((int(n) for n, good in row.items() if good), default=0)
        for name, row in metrics["within"].items()
    }
    least = min(calls for calls in fewest.values() if calls)
    names = [sampler_label(name) for name, calls in fewest.items() if calls == least]
    words = said("digit_samplers")
    assert all(name in words for name in names) and f": {least} calls are enough" in words
    for row in metrics["within"].values():
        for calls in row:
            row[calls] = calls == "300"
    assert (
        said("digit_samplers", metrics) == "No sampler with fewer calls is as good as ancestral, 300 calls."
    )


def test_a_loss_that_leaves_the_training_behind_is_called_so():
    one = stage("train_denoiser", {})
    one.__dict__["curve"] = [
        {"train_loss": 2.0, "validation_loss": 2.0},
        {"train_loss": 1.0, "validation_loss": 1.5},
    ]
    assert "50% above the training loss" in finding(FINDINGS, "train_denoiser", {"train_denoiser": one})


def test_what_the_schedule_leaves_of_the_digit_in_pure_noise_is_told():
    course = said("train_time_unet", beta_end=0.02)
    assert course.endswith("the noisiest input in training still contains 0.22 times the digit.")
    assert said("train_time_unet", beta_end=0.04).endswith(
        "0.05 times the digit; with the course’s noise schedule (β up to 0.02) it is 0.22 times the digit."
    )
    assert "noisiest" not in said("train_time_unet", objective="v", zero_terminal_snr=True)


def test_out_of_distribution_names_where_something_simpler_wins():
    assert "A simpler method comes closer at the others: the unchanged input at σ = 0." in said("ood_sigma")
    metrics = {
        s: row | {"psnr": 99.0 + i} for i, (s, row) in enumerate(numbers("ood_sigma").items()) if s != "0"
    }
    assert "at all 6 strengths" in said("ood_sigma", metrics) and "does not simply fall" in said(
        "ood_sigma", metrics
    )


def test_guidance_that_is_too_strong_is_told_by_its_numbers():
    rows = {
        g: {"clipped": 0.001, "contrast": 0.2, "spread": 0.2, "alignment": {"own_prompt": 0.25}}
        for g in ("1", "7")
    }
    assert said("guidance_sweep", {"guidance": rows}).endswith(
        "At γ = 7 there is no sign yet of too much guidance (values outside the picture’s range, "
        "samples that are too alike, a prompt that is lost)."
    )
    rows["7"] |= {"clipped": 0.1, "spread": 0.1, "alignment": {"own_prompt": 0.2}}
    words = said("guidance_sweep", {"guidance": rows})
    assert "γ = 7 is too strong: 10% of all values leave the picture’s range" in words
    assert "more alike than at γ = 1" in words and "less clearly than at a smaller scale" in words
    rows["7"]["spread"] = 0.3
    assert "alike" not in said("guidance_sweep", {"guidance": rows})


def test_no_distance_below_that_of_real_digits_is_told():
    metrics = numbers("sample_time_unet") | {"frechet": 0.123, "frechet_floor": 1.5}
    assert "N is too small" in said("sample_time_unet", metrics) and "0.12" not in said(
        "sample_time_unet", metrics
    )
    metrics = numbers("digit_guidance")
    metrics["real"]["frechet"] = 0.0
    assert "too few digits" not in said("digit_guidance", metrics)
    metrics["real"]["frechet"] = 999.0
    assert "too few digits" in said("digit_guidance", metrics)
    metrics = numbers("compare_schedules") | {"frechet_floor": 999.0}
    last = metrics["flow"][max(metrics["flow"], key=int)]["frechet"]
    assert "neither is printed" in said("compare_schedules", metrics)
    assert f"{last:.2f}" not in said("compare_schedules", metrics)


def test_the_line_and_its_blurs():
    assert "to the last bit" in said(
        "flow_forward", {"t": {"0": {"mse": 1.0}, "1": {"mse": 0.0}}, "image_exact": True}
    )
    rough = said("flow_forward", {"t": {"0": {"mse": 0.1}, "1": {"mse": 0.2}}, "image_exact": False})
    assert "does not fall" in rough and "not quite the picture" in rough
    mse = {"4": 0.2, "8": 0.1}
    wide = {"0.25": {"best_sigma": 8.0, "mse": mse}, "0.5": {"best_sigma": 4.0, "mse": mse}}
    assert said("flow_blur", {"t": wide}).startswith("The more noise")
    assert "At t = 0.25 that is the widest that was tried" in said("flow_blur", {"t": wide})
    wide["0.5"]["best_sigma"] = 9.0
    assert said("flow_blur", {"t": wide}).startswith("The best width does not simply follow")


def test_one_velocity_against_the_blur():
    rows = {"0.25": {"mse": 0.02}, "0.5": {"mse": 0.01}}
    blur = stage("flow_blur", {"t": {"0.25": {"mse": {"4": 0.03, "8": 0.025}}, "0.5": {"mse": {"4": 0.01}}}})
    words = said("flow_one_step", {"t": rows}, blur)
    assert (
        "The MSE falls" in words
        and "at 1 of 2 values of t, and equal to it in four decimal places at 1." in words
    )
    assert "does not simply fall" in said("flow_one_step", {"t": {"0.25": {"mse": 0.1}, "0.5": {"mse": 0.2}}})


def test_the_error_of_the_velocity_alone_and_as_a_share():
    def at(*rows: tuple[float, float]) -> str:
        return said(
            "flow_velocity", {"t": {str(i): {"rms_error": e, "rms_true": u} for i, (e, u) in enumerate(rows)}}
        )

    assert "the error falls" in at((0.3, 0.9), (0.2, 0.4)) and "but as a share" in at((0.3, 0.9), (0.2, 0.4))
    assert "and so does its share" in at((0.3, 0.4), (0.1, 0.4))
    assert "the error rises" in at((0.1, 0.2), (0.2, 0.8)) and "but its share" in at((0.1, 0.2), (0.2, 0.8))


def test_euler_against_one_step_is_told_beside_the_course():
    metrics = numbers("flow_euler")
    for one_step, words in ((0.001, "beats Euler here, as in"), (0.9, "loses to Euler here, unlike in")):
        metrics["one_step"]["mse"] = one_step
        assert words in said("flow_euler", metrics)
    metrics["one_step"]["mse"] = metrics["euler"]["mse"]
    assert "is as good as Euler here, unlike in" in said("flow_euler", metrics)


def test_unguided_flow_beside_the_guided():
    guided, metrics = stage("flow_guidance", numbers("flow_guidance")), numbers("flow_sampling")
    for contrast, word in ((0.0, "weaker"), (9.0, "stronger")):
        assert f"Contrast is {word} without guidance" in said(
            "flow_sampling", metrics | {"contrast": contrast}, guided
        )


def test_flow_edits_and_holes():
    metrics = numbers("flow_editing")
    for row in metrics["edits"].values():
        for t, one in row.items():
            one |= {"distance": 1 - float(t), "alignment": float(t)}
    count = len(metrics["edits"])
    words = said("flow_editing", metrics)
    assert f"with every later start for all {count} edits" in words and "is higher at the late start" in words
    metrics = numbers("flow_inpainting")
    for row in metrics.values():
        row |= {"seam": 0.1, "seam_of_original": 0.2, "known_error": 0.0}
    words = said("flow_inpainting", metrics)
    assert "is exact" in words and "in none of 2 pictures" in words and "a rim is left" not in words
    for row in metrics.values():
        row |= {"seam": 0.3, "known_error": 0.01}
    words = said("flow_inpainting", metrics)
    assert "in both pictures: a rim is left" in words and "the largest error is 0.01" in words


def test_schedules_match_within_their_spread():
    metrics = numbers("compare_schedules")
    last = max(metrics["flow"], key=int)
    falling, constant = (metrics[name][last] for name in ("flow", "flow_constant"))
    falling |= {"frechet": 10.0, "frechet_std": 0.5}
    for frechet, words in (
        (10.4, "matches"),
        (5.0, "is nearer to real digits than"),
        (20.0, "is worse than"),
    ):
        constant |= {"frechet": frechet, "frechet_std": 0.5}
        assert words in said("compare_schedules", metrics)


def test_a_missing_number_is_one_line():
    with pytest.raises(
        UserError, match=r"metrics/pure_noise.json: no 'psnr_to_mean_digit' in it; `dvc repro`"
    ):
        said("pure_noise", {})
