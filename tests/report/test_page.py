"""The report, built from a small made-up project: its bytes, its words, its errors."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from fundiff.pictures.films import save_film
from fundiff.pictures.grids import grid
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.machine import described
from fundiff.pipeline.stage import files, stage_entries
from fundiff.pipeline.versions import versions
from fundiff.report.charts import apart, epoch_ticks, log_ticks, loss_curve
from fundiff.report.embedding import FRAMES, Animation, animation_in, encoded, film, webp
from fundiff.report.page import mathml, render
from fundiff.report.results import Stage, load_stages
from fundiff.report.words import caption, departures
from tests.pipelines import ENTRIES, write_entries

MEGABYTES = 6
ROOT = Path(__file__).resolve().parents[2]
CURVES = ("judge", "train_denoiser", "train_pure_noise", "train_time_unet", "train_class_unet")
PART_B = (
    *CURVES,
    "pure_noise",
    "noising",
    "sample_denoiser",
    "ood_sigma",
    "sample_time_unet",
    "sample_class_unet",
)
BOUNDS = {
    "frechet": 1.85, "frechet_floor": 1.63, "frechet_mean_image": 187.0, "frechet_noise": 176.0,
    "frechet_std": 0.09,
    "coverage": 0.8, "coverage_real": 0.97, "recall": 0.6, "recall_real": 0.87, "judge_accuracy": 0.992,
    "nearest_train_mse": 0.035, "nearest_train_mse_real": 0.033, "n": 1500, "n_per_distance": 500, "seeds": 3,
    "sampler": "ddim, 30 steps", "runtime": "cpu fp32, 2 threads",
}  # fmt: skip


def picture(path: Path, height: int, width: int, seed: int = 0, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, channels), np.uint8)
    Image.fromarray(noise.repeat(4, 0).repeat(4, 1).squeeze()).save(path)


def animation(path: Path, rows: int, frames: int) -> None:
    """A sheet of ten digits a row that comes out of noise, each frame with its label."""
    rng, size = np.random.default_rng(rows), (rows * 29 - 1, 289, 1)
    sheets = [rng.integers(0, 256 * (i + 1) // frames, size, np.uint8) for i in range(frames)]
    save_film(path, sheets, [f"t = {frames - 1 - i}" for i in range(frames)], "“photo”, guidance 7")


def panels(path: Path, rows: list[str], columns: list[str], count: int, side: int = 64) -> None:
    """A plate of pictures that tells of its panels."""
    rng = np.random.default_rng(len(rows))
    shape = (len(rows), count, 3, side, side)
    grid(path, list(torch.tensor(rng.random(shape), dtype=torch.float32)), rows, columns)


IMAGES, LEVELS, T = ["tower", "red_bridge"], [1, 5, 20], [250, 500, 750]
SDEDIT = {"seed": 180, "stride": 30, "images": IMAGES, "levels": LEVELS, "prompt": "a rocket ship"}
PART_A: dict[str, dict] = {
    "setup": {"seed": 180, "prompts": ["a rocket ship", "photo"], "num_inference_steps": [5, 34]},
    "forward_process": {"seed": 180, "timesteps": T},
    "gaussian_denoising": {"timesteps": T},
    "one_step_denoising": {"timesteps": T, "prompt": "photo"},
    "iterative_denoising": {"every": 5, "also_from": T},
    "sampling": {"prompt": "photo", "count": 5},
    "guidance": {"prompt": "photo", "count": 5, "guidance_scale": 7},
    "guidance_sweep": {"count": 5, "guidance_scales": [1, 3, 7], "negative_prompts": ["photo"]},
    "sdedit": SDEDIT,
    "edit_images": SDEDIT,
    "inpainting": {"examples": {"tower_top": {}}},
    "text_sdedit": SDEDIT,
    "visual_anagrams": {
        "anagrams": {"man_fire": [{"view": "identity", "prompt": "photo"}, {"view": "flip", "prompt": "a rocket ship"}]},
        "samples": 8,
    },
    "hybrid_images": {"hybrids": {"skull_falls": {"far": "photo", "near": "a rocket ship"}}, "samples": 8},
    "multi_view_anagrams": {"anagrams": {"puzzle": [{"view": "jigsaw", "prompt": "photo"}]}, "samples": 8},
    "factorized_images": {
        "images": {"inverse": {"parts": [{"prompt": "photo"}, {"image": "tower"}]}}, "samples": 4,
    },
    "masked_sdedit": {"examples": {"sky": {}}, "levels": LEVELS},
    "samplers": {"prompts": ["a rocket ship", "photo"], "calls": [5, 33], "samples": 1},
}  # fmt: skip
SINGLES = {
    "forward_process": [f"t_{t}" for t in T],
    "one_step_denoising": [f"t_{t}" for t in T],
    "iterative_denoising": ["iterative", "one_step", "blurred", *(f"t_{t}" for t in T)],
    "inpainting": ["tower_top", "tower_top_original"],
    "visual_anagrams": ["man_fire"],
    "hybrid_images": ["skull_falls"],
    **{
        name: [f"{i}_{kind}" for i in IMAGES for kind in [*(f"level_{n:02d}" for n in LEVELS), "original"]]
        for name in ("sdedit", "edit_images", "text_sdedit")
    },
}
FIDELITY, FIT = {"psnr": 20.0, "ssim": 0.7}, {"own_prompt": 0.6, "wrong_prompts": 0.2, "rank": 1}
READ = {"readings": [{"seen": "flip", "prompt": "photo"} | FIT], "chosen": {"sample": 3, "of": 8}} | {
    f"{score}{kind}": 0.5 for score in ("alignment", "concealment") for kind in ("", "_random")
}
LOOK = {"spread": 0.2, "contrast": 0.3, "clipped": 0.01, "alignment": FIT}
PART_A_NUMBERS = {
    "setup": {
        "alignment": {f"{n}_steps": {"a rocket ship": FIT, "photo": FIT} for n in (5, 34)},
        "first_timestep": {"5_steps": 800, "34_steps": 990},
    },
    "sampling": LOOK,
    "guidance": LOOK,
    "guidance_sweep": {
        "guidance": {scale: LOOK for scale in ("1", "3", "7")},
        "negative": {"photo": {"before": 0.3, "after": 0.1}},
    },
    "visual_anagrams": {"man_fire": READ},
    "hybrid_images": {"skull_falls": READ},
    "multi_view_anagrams": {"puzzle": READ},
    "factorized_images": {"inverse": READ},
    "masked_sdedit": {"sky": {"known_error": 0.0, "alignment_per_level": {str(n): 0.1 for n in LEVELS}}},
    "samplers": {"alignment": {"ddim": {"5_calls": FIT, "33_calls": FIT}}},
    "gaussian_denoising": {"t": {str(t): FIDELITY | {"sigma": t / 250} for t in T}},
    "one_step_denoising": {"t": {str(t): FIDELITY | {"noisy": FIDELITY} for t in T}},
    "iterative_denoising": {"t": 690, "from": {str(t): FIDELITY for t in T}}
    | {k: FIDELITY for k in ("iterative", "one_step", "blurred", "noisy")},
    "inpainting": {
        "tower_top": {
            "known_error": 0.0,
            "seam": {"plain": 0.1, "resampled": 0.09},
            "seam_of_original": 0.08,
            "alignment": FIT,
        },
        "unet_calls": {"plain": 33, "resampled": 105},
    },
    **{
        name: {
            f"{k}_per_level": {image: {str(n): 0.1 for n in LEVELS} for image in IMAGES}
            for k in ("distance", "alignment")
        }
        for name in ("sdedit", "edit_images", "text_sdedit")
    },
}
BENCH = {
    "machine": {
        "cpu": "Some CPU", "cores": 2, "instruction_sets": ["avx2"], "accelerator": None, "torch": "2.9",
        "threads": 2, "precision": "fp32", "runtime": "cpu fp32, 2 threads",
    },
    "sample_1000": {
        "what": "1,000 digits", "unit": "s", "peer": {"name": "a notebook", "version": "torch 2.9"},
        "ratio": 15.3, "low": 14.1, "high": 16.2, "turns": 3, "median": {"peer": 1530.0, "fundiff": 99.5},
        "memory_mb": {"peer": 900, "fundiff": 800},
        "details": {"peer": {"accuracy": 0.991, "judged": 240}, "fundiff": {"accuracy": 0.994, "judged": 240}},
    },
    "one_param": {
        "what": "One changed param", "unit": "s", "peer": None, "ratio": None, "low": None, "high": None,
        "turns": 1, "median": {"fundiff": 42.0}, "memory_mb": {"fundiff": 700},
        "details": {"fundiff": {"seconds": {"guidance": 12.0}}},
    },
}  # fmt: skip
FILMS = {"iterative_denoising": "iterative_denoising", "sampling": "sampling", "guidance": "guidance"} | {
    "inpainting": "inpainting", "visual_anagrams": "man_fire", "hybrid_images": "skull_falls"
}  # fmt: skip


def part_a(root: Path) -> dict[str, dict]:
    """What every stage of Part A leaves, and the stages' entries of dvc.yaml."""
    entries: dict[str, dict] = {}
    for name in PART_A:
        folder = root / "report/figures" / name
        keys = [key for key in ENTRIES[name]["params"] if key.startswith("base.")]
        entries[name] = {
            "cmd": "true",
            "params": keys,
            "plots": [{f"report/figures/{name}": {"cache": False}}],
        }
        for plate in ["steps", "comparison"] if name == "iterative_denoising" else [name]:
            picture(folder / f"{plate}.png", 260, 1000, channels=3)
        for i, single in enumerate(SINGLES.get(name, [])):
            picture(folder / "single" / f"{single}.png", 64, 64, i, channels=3)
        if name in FILMS:
            animation(folder / f"{FILMS[name]}.webp", 1, 6)
        if name in PART_A_NUMBERS:
            entries[name]["plots"].append({f"metrics/{name}.json": {"cache": False}})
            (root / f"metrics/{name}.json").write_text(json.dumps(PART_A_NUMBERS[name]))
    figures = root / "report/figures"
    panels(
        figures / "guidance_sweep/guidance_sweep.png",
        ["γ = 1", "γ = 3", "γ = 7"],
        [f"sample {i}" for i in range(5)],
        5,
    )
    panels(figures / "samplers/samplers.png", ["ancestral", "ddim"], ["5 calls", "33 calls"], 2)
    return entries


def project(root: Path) -> Path:
    """A project in which every stage has left something, in an empty folder."""
    return shutil.copytree(made_once().name, root, dirs_exist_ok=True)


@cache
def made_once() -> TemporaryDirectory:
    """The project of these tests, of which each takes a copy."""
    folder = TemporaryDirectory()
    fill(Path(folder.name))
    return folder


def fill(root: Path) -> None:
    """Write the results of every stage."""
    shutil.copytree(ROOT / "report/template", root / "report/template")
    shutil.copytree(ROOT / "profiles", root / "profiles")
    (root / "metrics").mkdir()
    (root / "data").mkdir()
    (root / "data/model.json").write_text('{"timesteps": 1000}', encoding="utf-8")
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | PART_A
    del params["base"]["step_size"]  # of the flow stages, which are not here
    params["report"]["gallery"] = ["report/figures/forward_process/single/t_250.png"]
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    stages = {name: ENTRIES[name] for name in ("fetch_mnist", *PART_B)} | part_a(root)
    deps = ["data/model.json", *(path for entry in stages.values() for path in files(entry, "plots"))]
    inherited = [f"base.{key}" for key in params["base"]]  # that all of them have a reader is no matter here
    stages["report"] = {
        "cmd": "python -m stages.report",
        "params": inherited,
        "deps": deps,
        "outs": ["report/index.html"],
    }
    write_entries(root, stages)
    (root / "stages").symlink_to(ROOT / "stages")
    metrics, figures = root / "metrics", root / "report/figures"
    for name in CURVES:
        rows = [f"{e},{0.5 / e:.4f},{0.6 / e + 0.01:.4f},0.001" for e in range(1, params[name]["epochs"] + 1)]
        (metrics / f"{name}.csv").write_text(
            "epoch,train_loss,validation_loss,learning_rate\n" + "\n".join(rows) + "\n"
        )
    ood = {
        f"{s:g}": {
            "psnr": 25 - 8 * s,
            "ssim": 0.9,
            "noisy_psnr": 100.0 if s == 0 else 12.0,
            "noisy_ssim": 0.4,
        }
        | {"gaussian_psnr": 15.0, "gaussian_ssim": 0.6, "gaussian_sigma": 1.0, "mean_image_psnr": 11.5}
        for s in params["ood_sigma"]["sigmas"]
    }
    digits = {str(d): 0.99 for d in range(10)}
    scales = {"1": 0.62, "2": 0.9, "5": 0.99}
    guided = {
        "accuracy": {"overall": 0.99, "per_digit": digits, "per_guidance": scales},
        "guidance_scale": 5.0,
    }
    guided |= {f"{key}_per_guidance": scales for key in ("coverage", "recall")}
    guided["frechet_per_guidance"] = {"1": 3.7, "2": 0.9, "5": 2.4}
    trained = {
        "parameters": 506817,
        "train_loss": 0.03,
        "validation_loss": 0.03,
        "digits": 3500,
        "runtime": "cpu fp32",
    }
    numbers = {name: trained for name in CURVES} | {
        "bench": BENCH,
        "judge": {"held_out_accuracy": 0.992, "held_out_digits": 1000, "hash": "0123456789abcdef"},
        "pure_noise": {"psnr_to_mean_digit": 31.0},
        "ood_sigma": ood,
        "sample_time_unet": BOUNDS,
        "sample_class_unet": BOUNDS | guided,
    }
    for name, value in numbers.items():
        (metrics / f"{name}.json").write_text(json.dumps(value))
    for name, height in (
        ("noising", 760),
        ("sample_denoiser", 560),
        ("ood_sigma", 1200),
    ):
        picture(figures / f"{name}.png", height, 1000)
    panels(figures / "pure_noise.png", ["pure noise", "after epoch 1"], [], 10, 28)
    animation(figures / "ood_sigma.webp", 2, 30)
    for name in ("time_unet", "class_unet"):
        for epoch in (5, 20):
            picture(figures / name / f"epoch_{epoch:03d}.png", 400, 1000, epoch)
            animation(figures / name / f"epoch_{epoch:03d}.webp", 4, 12)


def inputs(root: Path) -> list[str]:
    return [
        "data/model.json",
        *(path for entry in stage_entries(root).values() for path in files(entry, "plots")),
    ]


def built(root: Path) -> str:
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))["report"]
    return render(root, load_stages(root, inputs(root)), params)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return project(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(made) -> str:
    return built(made)


def test_a_stage_that_no_template_mentions_is_shown_by_its_description_and_figures(made):
    before = stage_entries(made)
    mine = {"cmd": "true", "desc": "A new technique", "plots": [{"report/figures/mine": {"cache": False}}]}
    picture(made / "report/figures/mine/mine.png", 64, 64, channels=3)
    try:
        write_entries(made, before | {"mine": mine})
        section = re.search(r'<section id="c-mine".*?</section>', built(made), re.DOTALL)
    finally:
        write_entries(made, before)
        shutil.rmtree(made / "report/figures/mine")
    assert section and "A new technique." in section[0] and section[0].count("<figure") == 1


def told(page: str) -> str:
    """The bench's section as words."""
    section = re.search(r'<section id="m-speed".*?</section>', page, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section[0])) if section else ""


def test_the_bench_is_told_in_words_with_its_machine(page):
    words = told(page)
    assert "Some CPU, 2 cores (avx2), torch 2.9, cpu fp32, 2 threads" in words
    assert "a notebook (torch 2.9) 1,530 s accuracy 0.991, judged 240 99.5 s" in words
    assert "15.30 (14.10 to 16.20) 900 / 800" in words
    assert "One changed param 42 s 700" in words
    assert '<a href="#m-speed">' in page.split("</nav>")[0]


def test_it_says_when_the_bench_is_of_another_machine(made, page):
    assert "built on another machine" in told(page)
    path = made / "metrics/bench.json"
    before = path.read_text()
    try:
        path.write_text(json.dumps(BENCH | {"machine": BENCH["machine"] | described()}))
        assert "another machine" not in told(built(made)) != ""
        path.write_text(json.dumps({"machine": BENCH["machine"]}))
        assert told(built(made)) == ""
        path.unlink()
        assert told(built(made)) == ""
        path.write_text("{")
        with pytest.raises(UserError, match=r"bench\.json: not JSON"):
            built(made)
    finally:
        path.write_text(before)


def test_a_prompt_stays_text(tmp_path):
    """Equations are rendered in the templates alone."""
    root = project(tmp_path)
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    params["text_sdedit"]["prompt"] = "a $5 note, $x_t$ <b>"
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    assert "a $5 note, $x_t$ &lt;b&gt;" in built(root)


def test_results_of_another_library_version_are_named(made, page):
    assert "made with other versions" not in page
    path, now = made / "metrics/judge.json", versions()
    before = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(before) | {"versions": now | {"torch": "1.13.0"}}))
        section = re.search(r'<section id="m-versions".*?</section>', built(made), re.DOTALL)
        path.write_text(json.dumps(json.loads(before) | {"versions": now}))
        assert built(made) == page
    finally:
        path.write_text(before)
    assert section and "<code>dvc repro --force</code> makes all of them anew" in section[0]
    assert f"torch 1.13.0, installed now: {now['torch']}: <code>judge</code></li>" in section[0]


def test_the_same_inputs_give_the_same_bytes(made, page):
    assert built(made) == page


def test_its_own_entry_in_dvc_lock_changes_nothing(made, page):
    lock = made / "dvc.lock"
    lock.write_text(
        yaml.safe_dump(
            {"stages": {"report": {"cmd": "true", "outs": [{"path": "report/index.html", "md5": "0"}]}}}
        )
    )
    assert built(made) == page
    lock.write_text(
        yaml.safe_dump(
            {"stages": {"judge": {"cmd": "true", "outs": [{"path": "models/judge", "md5": "0.dir"}]}}}
        )
    )
    assert built(made) != page
    lock.unlink()


def test_nothing_comes_from_outside(page):
    assert not re.search(r"""(?:src|href|action|poster)\s*=\s*["']?\s*(?:https?:)?//""", page)
    assert not re.search(r"""url\(\s*["']?(?!data:)""", page)
    assert "@import" not in page and "fetch(" not in page
    assert len(page.encode()) < MEGABYTES * 1e6


def test_every_image_has_alt_text(page):
    images = re.findall(r"<img\b[^>]*>", page)
    assert len(images) > 10
    for image in images:
        # the viewer's is filled when it opens; what a picture dissolves into is told by the first one's text
        empty = 'alt=""' in image
        assert empty or re.search(r'alt="[^"]{8,}"', image), image[:80] + image[-80:]


def test_sections_stand_in_the_courses_order_and_only_where_their_stage_does(page):
    found = re.findall(r'<section id="([ab]-[\w-]+)"', page)
    part_a = (
        "setup forward blur one-step iterative sampling guidance sdedit edit inpainting text anagrams hybrids"
    )
    part_b = "noising denoiser ood time class judge"
    assert found == [f"a-{name}" for name in part_a.split()] + [f"b-{name}" for name in part_b.split()]
    for name in found:
        body = page.split(f'<section id="{name}"')[1].split("</section>")[0]
        assert re.findall(r"<h4>(.*?)</h4>", body) == ["What is done", "Why it works", "What to look at"], (
            name
        )
        assert body.count('<p class="reference"') == 1, name
    assert [f"#{name}" for name in found] == re.findall(
        r'<li><a href="(#[ab]-[\w-]+)"', page.split("</nav>")[0]
    )


def test_the_flow_edition_has_parts_of_its_own_in_its_own_order(tmp_path):
    root = project(tmp_path)
    digits = ("train_ddpm", "train_flow", "train_flow_constant", "compare_objectives", "compare_schedules")
    names = [name for name in ENTRIES if name.startswith("flow_") or name in digits]
    for path in [path for name in names for path in files(ENTRIES[name], "plots")]:
        if path.startswith("metrics/"):
            shutil.copy(ROOT / path, root / path)
        else:
            picture(root / path if path.endswith(".png") else root / path / "a.png", 64, 64, channels=3)
    write_entries(root, stage_entries(root) | {name: ENTRIES[name] for name in names})
    page = built(root)
    part_a = "forward blur one-step velocity euler sampling guidance editing anagrams hybrids inpainting"
    expected = [f"fa-{name}" for name in part_a.split()] + ["fb-pure", "fb-objectives", "fb-schedules"]
    assert re.findall(r'<section id="(f[ab]-[\w-]+)"', page) == expected
    assert re.findall(r'<li><a href="#(f[ab]-[\w-]+)"', page.split("</nav>")[0]) == expected
    order = [page.index(f'<h2 id="{name}"') for name in ("part-b", "flow-a", "flow-b")]
    assert order == sorted(order) and 'id="c-flow' not in page
    for name in expected:
        body = page.split(f'<section id="{name}"')[1].split("</section>")[0]
        assert (
            body.count("<h4>") == 3
            and body.count('<p class="reference"') == 1
            and '<p class="finding">' in body
        )
        assert '<div class="try">' in body and '<figure class="' in body, name


def test_a_stage_that_is_gone_takes_its_section_along(tmp_path):
    root = project(tmp_path)
    write_entries(root, {name: entry for name, entry in stage_entries(root).items() if name not in PART_A})
    params = yaml.safe_load((root / "params.yaml").read_text())["report"] | {"gallery": []}
    page = render(root, load_stages(root, inputs(root)), params)
    assert 'id="b-noising"' in page and 'id="a-' not in page and "Part A" not in page


def test_a_stage_that_no_section_tells_of_is_shown_too(tmp_path):
    root = project(tmp_path)
    lines = {"cmd": "true", "desc": "Straight lines", "plots": ["report/figures/flow_matching"]}
    write_entries(root, stage_entries(root) | {"flow_matching": lines})
    picture(root / "report/figures/flow_matching/samples.png", 260, 1000)
    page = built(root)
    assert '<section id="c-flow-matching"' in page and "Beyond the course" in page
    assert "<p>Straight lines.</p>" in page


def test_the_committed_page_is_small_and_whole():
    page = ROOT / "report/index.html"
    if not page.exists():
        pytest.skip("no report/index.html yet: `dvc repro` makes it")
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < MEGABYTES * 1e6 and text.rstrip().endswith("</html>")
    assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", text)


def test_measures_are_named_and_bounded(page):
    words = re.sub(r"<[^>]+>", "", page).replace("\xa0", " ").replace("&nbsp;", " ")
    assert "Frechet classifier distance, N = 500" in words
    assert "real digits" in words and "noise" in words and "mean image" in words
    assert not re.search(r"\bFID\b(?! values)", words)
    assert "$" not in re.sub(r"<(style|script).*?</\1>|<code>.*?</code>", "", page, flags=re.DOTALL)


def test_a_distance_below_that_of_real_digits_is_not_printed(page):
    table = re.search(r'id="t-guidance".*?</table>', page, re.DOTALL)[0]
    distances = re.findall(r"</th><td>[^<]+%</td><td>([^<]+)</td>", table)
    assert distances == ["3.70", "N too small", "2.40", "1.63", "176"]  # γ 1, 2, 5; real digits; noise


@pytest.mark.parametrize(
    "path", ["metrics/ood_sigma.json", "metrics/judge.csv", "report/figures/noising.png"]
)
def test_a_missing_input_is_one_line_that_says_what_makes_it(tmp_path, path):
    root = project(tmp_path)
    (root / path).unlink()
    with pytest.raises(UserError, match=rf"{path}.*dvc repro") as error:
        built(root)
    assert "\n" not in str(error.value)


def test_a_number_that_no_stage_left_is_one_line(tmp_path):
    root = project(tmp_path)
    (root / "metrics/judge.json").write_text('{"held_out_accuracy": 0.99}')
    with pytest.raises(UserError, match="held_out_digits"):
        built(root)


def test_a_picture_that_is_none_is_one_line(tmp_path):
    root = project(tmp_path)
    (root / "report/figures/noising.png").write_text("no picture")
    with pytest.raises(UserError, match=r"noising.png.*not a readable image"):
        built(root)


def test_the_real_report_depends_on_every_number_and_figure():
    made = {path for entry in ENTRIES.values() for path in files(entry, "plots")}
    needed = {path for path in made if not path.startswith("report/figures/")} | {
        "report/figures",
        "params.yaml",
        "data/inputs/versions.json",
        "data/upscaled",
        "data/model.json",
        "profiles/course",
        "metrics/bench.json",
        "models/flow",
        "report/template",
    }
    deps = {path for path in files(ENTRIES["report"], "deps") if not path.startswith("src/")}
    assert deps == needed, f"report should list {sorted(needed - deps)} and not {sorted(deps - needed)}"


@pytest.mark.slow
def test_the_stage_writes_the_page_or_says_in_one_line_why_not(tmp_path):
    root = project(tmp_path)
    command = [sys.executable, "-m", "stages.report"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and (root / "report/index.html").read_text(encoding="utf-8") == built(root)
    (root / "report/index.html").unlink()
    (root / "metrics/judge.csv").unlink()
    failed = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert failed.returncode == 1 and not (root / "report/index.html").exists()
    assert failed.stderr == "report: metrics/judge.csv: not found; `dvc repro` makes it\n"


def test_building_loads_no_torch():
    code = "import sys, stages.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_departures_compares_values_not_words():
    profile = "-S a.rate=1.0e-4 -S a.size=128\n-S b.turn.by=0"
    params = {"a": {"rate": 0.0001, "size": 64}, "b": {"turn": {"by": 8}}}
    assert departures(profile, params) == [("a", "size", "64", "128"), ("b", "turn.by", "8", "0")]


def test_a_picture_is_called_by_what_it_shows():
    def stage(name: str, **params) -> Stage:
        return Stage(name, params, [], {}, Path())

    stages = {
        "setup": stage("setup", prompts=["a rocket ship", "a Zürich tram!"]),
        "sdedit": stage("sdedit", prompt="a rocket ship"),
    }
    singles = "report/figures/{}/single/{}.png".format
    assert caption(singles("setup", "a_zürich_tram_050_steps"), stages) == "a Zürich tram!"
    assert (
        caption(singles("sdedit", "red_bridge_level_07"), stages) == "red bridge as “a rocket ship”, level 7"
    )
    assert caption(singles("iterative_denoising", "iterative"), stages) == "iterative denoising"
    assert caption(singles("forward_process", "t_250"), stages) == "forward process: t 250"


def test_latex_becomes_mathml():
    assert mathml("of $x_t$").startswith(
        'of <math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">'
    )


def test_a_film_has_its_files_labels_and_rests_on_its_last_frame_exactly(tmp_path):
    animation(tmp_path / "a.webp", 2, 5)
    frames = animation_in(tmp_path / "a.webp").frames
    reel = film(animation_in(tmp_path / "a.webp"))
    assert (
        reel.labels == ["t = 4", "t = 3", "t = 2", "t = 1", "t = 0"] and reel.about == "“photo”, guidance 7"
    )
    assert (reel.width, reel.height) == (289, 57) and reel.columns * reel.rows >= 4
    with Image.open(io.BytesIO(base64.b64decode(reel.rest.partition(",")[2]))) as rest:
        assert np.array_equal(np.asarray(rest.convert("RGB")), frames[-1])


def test_a_film_longer_than_the_page_has_room_for_keeps_both_ends(tmp_path):
    animation(tmp_path / "a.webp", 1, 60)
    long = animation_in(tmp_path / "a.webp")
    reel = film(long)
    assert len(reel.labels) == FRAMES and reel.labels[0] == "t = 59" and reel.labels[-1] == "t = 0"
    assert film(Animation(long.frames[:3], long.labels, "")).labels == ["1 / 3", "2 / 3", "3 / 3"]


def test_a_picture_shown_twice_is_encoded_once():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    first, before = encoded(pixels), webp.cache_info()
    assert encoded(pixels.copy()) == first and encoded(255 - pixels) != first
    after = webp.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 1)


def test_the_top_shows_the_anagram_that_reads_best(tmp_path):
    root = project(tmp_path)
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    pairs = params["visual_anagrams"]["anagrams"]
    pairs["better"] = [{"view": "identity", "prompt": "a better one"}, {"view": "flip", "prompt": "photo"}]
    (root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    singles = root / "report/figures/visual_anagrams/single"
    shutil.copy(singles / "man_fire.png", singles / "better.png")
    metrics = root / "metrics/visual_anagrams.json"
    for score, shown in ((0.9, "a better one"), (-0.9, "photo")):
        rows = json.loads(metrics.read_text(encoding="utf-8"))
        rows["better"] = rows["man_fire"] | {"alignment": score}
        metrics.write_text(json.dumps(rows), encoding="utf-8")
        top = built(root).partition("<h2>Key figures")[0]
        assert re.findall(r'gesture turn.*?class="before">([^<]*)<', top, re.DOTALL) == [shown]


def test_curves_have_ticks_marks_and_labels_that_stay_apart():
    assert log_ticks(0.02, 0.3) == pytest.approx([0.02, 0.05, 0.1, 0.2])
    assert log_ticks(0.0072, 0.019) == pytest.approx([0.0075, 0.01, 0.0125, 0.015, 0.0175])
    assert epoch_ticks(20) == [1, 5, 10, 15, 20]
    assert epoch_ticks(5) == [1, 2, 3, 4, 5]
    heights = apart({"a": 100.0, "b": 101.0, "c": 99.0})
    assert sorted(heights.values()) == [99.0, 129.0, 159.0]
    rows = [{"epoch": e, "train_loss": 1 / e, "validation_loss": 2 / e} for e in range(1, 6)]
    svg = loss_curve(rows, "Loss", [1, 5], ("the course", 0.3))
    assert svg.count("<circle") == 10 and "epoch 5" in svg and "the course" in svg
