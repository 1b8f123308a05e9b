"""Every stage of Part A on a tiny pipeline of DeepFloyd's layout: the same code path as the shipped prior's."""

import importlib
import json
import os
import shutil
from pathlib import Path

import pytest
import yaml
from PIL import Image

from fundiff.critic.encoder import ImageEncoder, save_critic
from fundiff.pictures.metadata import labels_of
from fundiff.pipeline.errors import UserError
from fundiff.pipeline.runtime import prepare_runtime
from stages import upscaling
from tests.pipelines import copy_pipelines
from tests.tiny import SIZE, make_if, make_stage_ii

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
STAGES = [
    "model",
    "critic",
    "fetch_images",
    "setup",
    "forward_process",
    "gaussian_denoising",
    "one_step_denoising",
    "iterative_denoising",
    "sampling",
    "guidance",
    "guidance_sweep",
    "sdedit",
    "edit_images",
    "inpainting",
    "text_sdedit",
    "visual_anagrams",
    "hybrid_images",
    "multi_view_anagrams",
    "factorized_images",
    "masked_sdedit",
    "colourisation",
    "samplers",
    "upscaling",
    "flow_forward",
    "flow_blur",
    "flow_one_step",
    "flow_velocity",
    "flow_euler",
    "flow_sampling",
    "flow_guidance",
    "flow_editing",
    "flow_anagrams",
    "flow_hybrids",
    "flow_inpainting",
]


def shrunk(params: dict, prior: Path) -> dict:
    """The project's own params with the tiny model and few steps."""
    large = make_stage_ii(prior.parent / "if-ii", "fp16")
    params["model"] |= {"name": str(prior), "variant": "fp16", "precision": "fp32", "stage_ii": str(large)}
    params["fetch_images"]["size"] = SIZE
    params["base"]["stride"] = 330  # 990, 660, 330, 0
    for name, section in params.items():
        if name in STAGES and "levels" in section:
            section["levels"] = [0, 2, 3]
    for name in ("iterative_denoising", "sampling", "guidance"):
        params[name]["step"] = (
            "scheduler"  # without bounds an untrained network's x0 is black and white in every frame
        )
    params["setup"]["num_inference_steps"] = [2, 3]
    params["guidance"]["count"] = 2
    params["guidance_sweep"] |= {"guidance_scales": [1], "count": 2, "negative_prompts": ["a snowy village"]}
    params["iterative_denoising"] |= {"i_start": 1, "every": 1}
    params["inpainting"]["examples"] = {
        "rows": {
            "image": "campanile",
            "prompt": "a high quality photo",
            "mask": {"rectangle": [2, 4, 6, 10]},
        },
        "drawn": {
            "image": "tree",
            "prompt": "a photo of a dog",
            "mask": {"strokes": [{"points": "0.5,0.5", "width": 0.4}]},
        },
    }
    params["inpainting"]["resample"] = {"length": 2, "times": 2}
    for name in (
        "visual_anagrams",
        "hybrid_images",
        "multi_view_anagrams",
        "factorized_images",
        "colourisation",
    ):
        params[name]["samples"] = 2
    params["multi_view_anagrams"]["stride"] = params["factorized_images"]["stride"] = 330
    params["visual_anagrams"]["turning"] = params["hybrid_images"]["zoom"] = 3
    params["multi_view_anagrams"]["turning"] = 3
    params["factorized_images"]["images"]["motion_blur"]["length"] = 4
    for example in params["masked_sdedit"]["examples"].values():
        example["mask"] = {"rectangle": [0, 0, SIZE // 2, SIZE]}
    params["samplers"]["calls"] = [2, 3]
    params["base"]["step_size"] = 0.3
    for name in ("flow_anagrams", "flow_hybrids"):
        params[name]["samples"] = 2
    params["flow_anagrams"]["turning"] = 3
    params["flow_guidance"] |= {"sweep": [0], "count": 2}
    params["flow_editing"]["starts"] = [0.1, 0.93]
    return params


def run(name: str) -> None:
    importlib.import_module(f"stages.{name}").__dict__["main"](section(name))


def section(name: str):
    from fundiff.pipeline.params import load_section
    from fundiff.pipeline.stage import stage_names

    module = importlib.import_module(f"stages.{name}")
    return load_section(module.__dict__["Params"], name, stage_names(ROOT / "stages"))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder in which every stage has run once, in order; the working directory while the tests run."""
    folder = tmp_path_factory.mktemp("project")
    prior = make_if(folder / "if", "fp16")
    save_critic(folder / "models/critic", ImageEncoder(), {})
    shutil.copytree(ROOT / "data/images", folder / "data/images")
    shutil.copy(ROOT / "models/critic/vocabulary.json", folder / "models/critic/vocabulary.json")
    shutil.copytree(ROOT / "models/upscaler", folder / "models/upscaler")
    copy_pipelines(folder)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    (folder / "params.yaml").write_text(
        yaml.safe_dump(shrunk(params, prior), sort_keys=False), encoding="utf-8"
    )
    before = Path.cwd()
    os.chdir(folder)
    for name in STAGES:
        run(name)
    yield folder
    os.chdir(before)


def numbers(name: str) -> dict:
    found = json.loads(Path(f"metrics/{name}.json").read_text(encoding="utf-8"))
    assert found.pop("runtime") == str(prepare_runtime())
    return found


@pytest.mark.parametrize("name", [name for name in STAGES[3:] if name != "upscaling"])
def test_a_stage_leaves_its_figure_and_its_numbers(project, name):
    assert numbers(name)
    assert list(Path(f"report/figures/{name}").glob("*.png"))


@pytest.mark.parametrize("name", ["iterative_denoising", "sampling", "guidance", "inpainting"])
def test_animations_have_a_frame_for_every_step(project, name):
    with Image.open(f"report/figures/{name}/{name}.webp") as film:
        labels, about = labels_of(film)
        assert len(labels) == film.n_frames >= 3
        assert labels[-1] == "t = 0" and "guidance" in about


def test_single_pictures_have_their_true_size(project):
    singles = list(Path("report/figures").glob("*/single/*.png"))
    assert len(singles) > 40
    large = {path for path in singles if path.stem.endswith("_large")}
    anagrams = [*numbers("visual_anagrams"), *numbers("multi_view_anagrams")]
    assert len(large) == 3 + len(anagrams)  # what setup draws, and every anagram through its views
    assert {Image.open(path).size for path in large} == {(4 * SIZE, 4 * SIZE)}
    assert {Image.open(path).size for path in set(singles) - large} == {(SIZE, SIZE)}


def test_plain_pictures_are_also_large(project, monkeypatch):
    def made() -> dict[str, tuple[str, bytes]]:
        told = json.loads(Path("data/upscaled/made.json").read_text("utf-8"))
        files = {path: Path("data/upscaled", *Path(path).parts[2:]) for path in told}
        assert {Image.open(file).size for file in files.values()} == {(4 * SIZE, 4 * SIZE)}
        return {path: (how, Image.open(files[path]).tobytes()) for path, how in told.items()}

    singles = {
        path.as_posix() for name in upscaling.listed("report/") for path in Path(name).glob("single/*.png")
    }
    first = made()
    assert set(first) == {path for path in singles if not path.endswith("_large.png")} and len(first) > 30
    assert {how for how, _ in first.values()} == {"realesrgan"}
    run("upscaling")
    assert made() == first
    upscaling.main(upscaling.Params(upscaler="resize"))
    assert {how for how, _ in made().values()} == {"resize"}
    upscaling.main(upscaling.Params(upscaler="stage_ii"))
    drawn = {path: content for path, (how, content) in made().items() if how == "stage_ii"}
    assert len(drawn) == 3 + len(numbers("visual_anagrams"))
    assert all(
        Image.open(Path(path).with_stem(Path(path).stem + "_large")).tobytes() == content
        for path, content in drawn.items()
    )
    monkeypatch.setattr(upscaling, "LARGE", "_none")
    with pytest.raises(UserError, match=r"upscaling\.upscaler is stage_ii, but no second stage drew"):
        upscaling.main(upscaling.Params(upscaler="stage_ii"))


def test_sdedit_nears_the_input_and_its_last_level_returns_it(project):
    for distances in numbers("sdedit")["distance_per_level"].values():
        assert distances["0"] > distances["2"] > distances["3"]
        assert distances["3"] < 0.01


def test_inpainting_keeps_what_is_known_exactly(project):
    done = numbers("inpainting")
    assert done.pop("unet_calls")["plain"] == 3
    for example in done.values():
        assert example["known_error"] == 0
        assert all(seam > 0 for seam in example["seam"].values())


def test_every_restoration_is_scored(project):
    assert set(numbers("gaussian_denoising")["t"]["250"]) == {"psnr", "ssim", "kernel", "sigma"}
    assert {"iterative", "one_step", "blurred", "noisy"} <= set(numbers("iterative_denoising"))


@pytest.mark.bits
def test_a_stage_run_again_leaves_the_same_bytes(project):
    def made() -> dict[str, bytes]:
        return {
            str(p): p.read_bytes() for p in sorted(Path("report/figures/sampling").rglob("*")) if p.is_file()
        }

    before = made()
    run("sampling")
    assert made() == before


def test_an_edit_inside_a_mask_leaves_the_rest_exactly(project):
    assert {example["known_error"] for example in numbers("masked_sdedit").values()} == {0}


def test_colourisation_keeps_the_grey(project):
    done = numbers("colourisation")
    assert set(done.pop("key_figures")) == {"alignment", "colourfulness"}
    assert {example["grey_error"] for example in done.values()} == {0}
    assert all(example["colourfulness"] > 0 for example in done.values())


def test_resampling_is_counted_in_unet_calls(project):
    assert numbers("inpainting")["unet_calls"] == {"plain": 3, "resampled": 6}


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("sdedit", "levels", [99], "level 99 is out of range; expected 0 to 3"),
        ("masked_sdedit", "levels", [4], "level 4 is out of range; expected 0 to 3"),
        ("iterative_denoising", "i_start", 40, "level 40 is out of range; expected 0 to 3"),
        ("hybrid_images", "kernel", 4, "hybrid_images.kernel is 4; expected an odd number below"),
        ("hybrid_images", "kernel", 999, "hybrid_images.kernel is 999; expected an odd number below"),
        ("forward_process", "image", "campanil", "did you mean 'campanile'"),
    ],
)
def test_a_wrong_param_is_one_line(project, name, key, value, message):
    params = section(name).model_copy(update={key: value})
    with pytest.raises(UserError) as error:
        importlib.import_module(f"stages.{name}").__dict__["main"](params)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_stage_ii_is_loaded_once_for_all_anagrams(project, monkeypatch):
    from fundiff.techniques import illusions

    loaded, made = [], illusions.load_stage_ii
    monkeypatch.setattr(illusions, "load_stage_ii", lambda *a: loaded.append(made(*a)) or loaded[-1])
    run("visual_anagrams")
    assert len(section("visual_anagrams").anagrams) > 1 and len(loaded) == 1 and loaded[0] is not None


TWO = [{"view": "identity", "prompt": "a photo of a dog"}, {"view": "flip", "prompt": "a snowy village"}]


@pytest.mark.parametrize(
    ("name", "all_changes"),
    [
        ("sampling", [{"prompt": "empty"}, {"prompt": ""}, {"prompt": "a $5 note, $x_t$"}]),
        ("guidance_sweep", [{"negative_prompts": ["empty"]}, {"negative_prompts": [""]}]),
        ("guidance", [{"guidance_scale": 0}, {"guidance_scale": 1}]),
        ("visual_anagrams", [{"anagrams": {"two_prompts_in_all": TWO}}]),
    ],
)
def test_any_prompt_and_scale_is_drawn(project, name, all_changes):
    stage = importlib.import_module(f"stages.{name}")
    kept = Path(f"metrics/{name}.json").read_bytes()
    try:
        for changes in all_changes:
            stage.main(stage.Params.model_validate(section(name).model_dump() | changes))
            assert all(isinstance(value, int | float | dict | str) for value in numbers(name).values())
    finally:
        run(name)
    assert Path(f"metrics/{name}.json").read_bytes() == kept
