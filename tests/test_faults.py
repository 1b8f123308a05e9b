"""A list of faults with the test of each; and any value in any section gives a result or one line.

"One line" is exit code 1 and one line on stderr that says what, where and what to do, before long work.
"""

import ast
import datetime
import importlib
import json
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from dvc.exceptions import DvcException
from dvc.utils.serialize import load_yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.lock import read_lock
from fundiff.pipeline.params import Section, inherited, read_params, validate
from fundiff.pipeline.stage import stage_names
from fundiff.report.key_figures import key_figures
from fundiff.report.results import Stage
from fundiff.report.words import caption
from stages.report import Params as ReportParams

OPENING, SOURCES = "pictures/test_opening.py", "pictures/test_sources.py"
PARAMS, RUNTIME, FOLDERS = (
    "pipeline/test_params.py",
    "pipeline/test_runtime.py",
    "prior/test_faulty_folders.py",
)
HERE, PART_A, CLONES = "test_faults.py", "stages/test_part_a.py", "stages/test_clones.py"
# fault -> file::test, without the test's parameters.
ROWS = {
    # Wrong results without an error
    "a mask, a picture, a .npy view, a prior's folder changes": "pipeline/test_inputs.py::test_a_changed_byte_changes_the_section_that_names_the_file_and_no_other",
    "the same with DVC": "stages/test_repro.py::test_a_changed_byte_of_a_picture_reruns_what_reads_it",
    "16-bit grey, 32-bit integer or float pictures": f"{OPENING}::test_greys_of_any_depth_keep_their_ramp",
    "EXIF orientation": f"{OPENING}::test_a_picture_lies_as_its_camera_was_held",
    "a mask with a transparent hole": f"{SOURCES}::test_the_hole_of_a_mask_is_where_new_content_goes",
    "an embedded profile, wide gamut": f"{OPENING}::test_an_embedded_profile_is_converted_to_srgb",
    "an embedded profile, CMYK": f"{OPENING}::test_a_cmyk_jpeg_has_the_colours_of_its_profile",
    "a picture named ../escaped, an example a/b": f"{PARAMS}::test_another_name_is_one_line",
    "names Mine and mine, car and car_original": f"{PARAMS}::test_names_of_one_file_are_one_line",
    "seed: 017, no:, 12:30:45, CRLF": f"{PARAMS}::test_params_are_read_as_dvc_reads_them",
    "a key twice, UTF-16, a list": f"{PARAMS}::test_what_dvc_refuses_is_one_line",
    "learning rate 1e6": "digits/test_fit.py::test_a_diverged_training_is_one_line_with_its_rate_and_nothing_published",
    "precision on a busy machine": f"{RUNTIME}::test_a_precision_is_never_timed",
    "precision between kill and resume": f"{RUNTIME}::test_a_checkpoint_belongs_to_its_runtime_data_and_code",
    "beta_start above beta_end, class_drop 1": f"{PARAMS}::test_noise_grows_and_the_class_is_seen_sometimes",
    "a prompt with $...$": "report/test_page.py::test_a_prompt_stays_text",
    "class_drop 0 with guidance": "digits/test_samples.py::test_guidance_of_a_network_that_never_dropped_its_classes_is_one_line",
    "guidance below 0": f"{HERE}::test_a_value_out_of_range_is_one_line",
    "guidance 0 and 1": f"{PART_A}::test_any_prompt_and_scale_is_drawn",
    "stage II with part weights": "prior/test_stage_ii.py::test_the_second_reading_weighs_what_its_weight_says",
    "a prediction_type of sample": "prior/test_pixel_prior.py::test_other_predictions_are_turned_into_noise",
    "a library bump": "report/test_page.py::test_results_of_another_library_version_are_named",
    "a mistyped key of base": f"{PARAMS}::test_a_key_of_base_that_no_stage_inherits_names_the_nearest",
    "RANK without WORLD_SIZE, device cpu:7": f"{RUNTIME}::test_a_wrong_value_is_one_line_that_names_it",
    "reduction sum with weights that do not sum to 1": f"{HERE}::test_a_value_out_of_range_is_one_line",
    "a prediction that no step here can use": f"{FOLDERS}::test_a_folder_that_is_no_prior_is_one_line",
    "equal frames of a film": "pictures/test_grids.py::test_equal_frames_stay_as_many",
    "a mask as a wide SVG": f"{SOURCES}::test_a_mask_drawn_as_svg_is_light_where_new_content_goes_and_never_squeezed",
    "a dim 16-bit mask": f"{SOURCES}::test_a_dim_mask_of_16_bits_is_scaled_to_its_range",
    # Tracebacks in place of one line
    "a decompression bomb": f"{OPENING}::test_a_bomb_is_one_line",
    "a huge SVG": f"{OPENING}::test_an_svg_keeps_its_proportions_and_is_never_huge",
    "a folder, no name, a name too long": f"{OPENING}::test_a_path_that_leads_to_no_file_is_one_line",
    "a filled stroke of one point": f"{SOURCES}::test_a_wrong_source_is_one_line",
    "file:, a URL with a space": f"{SOURCES}::test_another_address_is_one_line",
    "a short answer, one without end": f"{SOURCES}::test_an_answer_that_is_none_is_one_line",
    "a section named no": f"{PARAMS}::test_a_section_of_any_name_that_is_none_is_one_line",
    "a section that stages inherit is missing": f"{PARAMS}::test_a_base_that_is_no_mapping_is_one_line",
    "gallery with README.md": f"{HERE}::test_a_value_out_of_range_is_one_line",
    "gallery with a masked_sdedit single": f"{HERE}::test_any_figure_of_a_stage_has_a_caption",
    "empty or broken numbers": f"{HERE}::test_broken_numbers_are_one_line",
    "a loss CSV empty or with a word in it": f"{HERE}::test_a_broken_loss_curve_is_one_line",
    "dvc.lock half written": f"{HERE}::test_a_cut_lock_is_one_line_that_says_how_to_mend_it",
    "num_inference_steps, sigmas, lengths out of range": f"{HERE}::test_a_value_out_of_range_is_one_line",
    "timesteps: [1000]": f"{HERE}::test_a_timestep_that_the_model_does_not_know_is_one_line",
    "motion length above the side": f"{HERE}::test_a_motion_longer_than_the_picture_is_one_line",
    "the word empty and no word as a prompt, two prompts in all": f"{PART_A}::test_any_prompt_and_scale_is_drawn",
    "an anagram of one view, of none": f"{HERE}::test_a_value_out_of_range_is_one_line",
    "fetch_images.size unlike the model's": f"{SOURCES}::test_a_picture_of_another_size_than_the_models_is_one_line",
    "unet/config.json without a class, weights missing, *.bin": f"{FOLDERS}::test_a_folder_that_is_no_prior_is_one_line",
    "CLIP as *.bin": "critic/test_clip.py::test_pickles_and_missing_weights_are_one_line",
    "a cut critic file": "critic/test_encoder.py::test_a_cut_critic_file_is_one_line",
    "a text encoder that lacks weights": f"{FOLDERS}::test_a_folder_that_is_no_prior_is_one_line",
    "weights of a digits' network cut or of other sizes": "digits/test_training.py::test_weights_of_other_sizes_or_no_file_are_one_line",
    "a stage without an entry in dvc.yaml": f"{PARAMS}::test_a_stage_without_an_entry_in_dvc_yaml_says_so_before_its_work",
    # Kills
    "a kill while a folder is replaced": "pipeline/test_files.py::test_a_kill_between_any_two_steps_leaves_one_whole",
    "temporaries of dead processes": "pipeline/test_files.py::test_what_dead_processes_left_is_swept_and_what_living_ones_write_is_not",
    "a kill before the metrics": "digits/test_fit.py::test_a_kill_before_the_metrics_are_written_loses_no_training",
    "a full disk": "pipeline/test_outside.py::test_a_full_disk_is_one_line_and_what_was_there_stays",
    "Ctrl-C": "pipeline/test_outside.py::test_ctrl_c_is_one_line",
    "read-only folder": "pipeline/test_outside.py::test_a_read_only_folder_is_one_line",
    "foreign classes and pickles": f"{FOLDERS}::test_no_pickle_of_a_folder_is_ever_opened",
    "an object of DVC's cache damaged": "pipeline/test_lock.py::test_a_damaged_object_of_the_cache_goes_and_the_others_stay",
    "make repro tells of a cut dvc.lock": "pipeline/test_lock.py::test_make_repro_says_all_of_it",
    # Machines
    "Intel cores with AMX": "pipeline/test_workers.py::test_digits_sampled_by_two_processes_are_those_of_one",
    "a folder with a space, LC_ALL=C, no HOME, a read-only one": f"{CLONES}::test_any_folder_locale_and_home",
    "git clone --depth 1": f"{CLONES}::test_a_shallow_clone",
    "a ZIP without .git": f"{CLONES}::test_a_zip_says_that_dvc_needs_git_and_works_after_git_init",
    "CRLF": f"{CLONES}::test_line_ends_of_windows",
    "two repros at once": f"{CLONES}::test_two_repros_at_once",
    "another Python, none, one without venv": f"{CLONES}::test_make_says_what_python_it_needs",
    "exp run --temp with a picture of one's own": f"{CLONES}::test_a_picture_of_ones_own_in_an_experiment_elsewhere",
    "a failing value among queued ones": f"{CLONES}::test_a_value_that_fails_among_queued_ones_fails_alone",
    "a GPU without a deterministic kernel": "pipeline/test_outside.py::test_an_operation_without_a_deterministic_kernel_is_one_line",
    "Apple silicon: mps": f"{RUNTIME}::test_an_apple_gpu_is_chosen_where_there_is_one",
    "Apple silicon: no float64": f"{RUNTIME}::test_features_leave_the_device_before_they_become_float64",
}  # fmt: skip


@pytest.mark.parametrize("fault", ROWS)
def test_every_fault_has_its_test(fault):
    file, name = ROWS[fault].split("::")
    tree = ast.parse((Path("tests") / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


SECTIONS = read_params("params.yaml")
KINDS: dict[str, type[Section]] = {
    name: importlib.import_module(f"stages.{name}").Params for name in stage_names() if name in SECTIONS
}


def shipped(name: str) -> dict[str, Any]:
    """The section as it ships, with what it inherits."""
    return deepcopy(inherited(KINDS[name], SECTIONS) | SECTIONS[name])


def refused(name: str, **changes: Any) -> str:
    with pytest.raises(UserError) as error:
        validate(KINDS[name], name, shipped(name) | changes)
    assert "\n" not in str(error.value)
    return str(error.value)


FLIP = {"view": "flip", "prompt": "a tulip"}


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("setup", {"num_inference_steps": [0]}, "num_inference_steps.0 is 0; expected greater than 0"),
        ("setup", {"num_inference_steps": [-1]}, "num_inference_steps.0 is -1; expected greater than 0"),
        ("forward_process", {"timesteps": [-1]}, "timesteps.0 is -1"),
        ("noising", {"sigmas": [-0.1]}, "sigmas.0 is -0.1"),
        ("samplers", {"calls": [0]}, "calls.0 is 0"),
        ("guidance", {"guidance_scale": -1}, "guidance_scale is -1"),
        ("guidance_sweep", {"guidance_scales": [-1]}, "guidance_scales.0 is -1"),
        ("digit_guidance", {"guidance_scales": [1, -1]}, "guidance_scales.1 is -1"),
        ("sample_class_unet", {"guidance_scales": [-2]}, "guidance_scales.0 is -2"),
        ("sample_class_unet", {"guidance_scale": -2}, "guidance_scale is -2"),
        ("flow_guidance", {"w": -2}, "w is -2"),
        ("hybrid_images", {"sigma": 0}, "sigma is 0"),
        ("hybrid_images", {"kernel": 10**9}, "kernel is 1000000000; expected less than or equal to 1025"),
        ("factorized_images", {"images": {"a": {"kind": "bands", "sigmas": [0], "parts": []}}}, "sigmas.0 is 0"),
        ("factorized_images", {"images": {"a": {"kind": "bands", "sigmas": [-2], "parts": []}}}, "sigmas.0 is -2"),
        ("visual_anagrams", {"anagrams": {"a": []}}, "anagrams.a is []"),
        ("visual_anagrams", {"anagrams": {"a": [FLIP]}}, "at least 2 items"),
        ("visual_anagrams", {"anagrams": {"a": [FLIP] * 2}, "reduction": "sum"}, "sum to 1, not 2"),
        ("report", {"gallery": ["README.md"]}, "gallery.0 is 'README.md'"),
        ("report", {"gallery": ["report/figures/../../a.png"]}, "gallery.0 is"),
        ("train_flow", {"class_drop": 1}, "class_drop is 1; expected less than 1"),
        ("flow_editing", {"starts": [0.5, 1]}, "starts.1 is 1; expected less than 1"),
        ("flow_velocity", {"times": [1]}, "times.0 is 1; expected less than 1"),
        ("flow_one_step", {"times": [1]}, "times.0 is 1; expected less than 1"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_one_line(name, changes, said):
    assert said in refused(name, **changes)


def test_weights_that_sum_to_one_may_be_summed():
    parts = [FLIP | {"weight": 0.25}, FLIP | {"weight": 0.75}]
    values = shipped("visual_anagrams") | {"anagrams": {"a": parts}, "reduction": "sum"}
    assert validate(KINDS["visual_anagrams"], "visual_anagrams", values)


def test_a_timestep_that_the_model_does_not_know_is_one_line():
    import torch

    from fundiff.process.paths import VariancePreserving
    from fundiff.techniques.restoration import noisy

    path = VariancePreserving(torch.linspace(0.9, 0.1, 1000))
    with pytest.raises(UserError, match="timestep 1000 is out of range; the model knows 0 to 999"):
        noisy(path, 0, torch.zeros(3, 8, 8), 1000)


def test_a_motion_longer_than_the_picture_is_one_line():
    from types import SimpleNamespace

    from fundiff.techniques.factorized import Factorized
    from stages.factorized_images import samples_of

    wanted = Factorized(kind="motion", length=65, parts=[{"prompt": "a"}, {"prompt": "b"}])
    bench: Any = SimpleNamespace(prior=SimpleNamespace(size=64))
    with pytest.raises(UserError, match=r"images\.long\.length is 65; expected at most the model's 64"):
        samples_of(bench, SimpleNamespace(samples=1, seed=0), "long", wanted)


def stage(folder: Path, name: str, **params: Any) -> Stage:
    return Stage(name, params, [f"metrics/{name}.json", f"metrics/{name}.csv"], {}, folder, "")


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"words"', "\0", "\xff"])
def test_broken_numbers_are_one_line(text, tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/sdedit.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"metrics/sdedit\.json: .*`dvc repro` makes it anew") as error:
        _ = stage(tmp_path, "sdedit").metrics
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("sdedit", {"alignment_per_level": [1]}),
        ("sdedit", {"alignment_per_level": {}}),
        ("sdedit", {"alignment_per_level": {"a": {"1": "high"}}}),
        ("sdedit", {}),
        ("judge", {"held_out_accuracy": "all"}),
        ("inpainting", {"a": 3}),
        ("visual_anagrams", {"a": {"alignment": None}}),
    ],
)
def test_numbers_of_another_shape_are_one_line(name, numbers, tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / f"metrics/{name}.json").write_text(json.dumps(numbers))
    with pytest.raises(UserError, match=rf"metrics/{name}\.json: .*`dvc repro` makes it"):
        key_figures({name: stage(tmp_path, name)})


@pytest.mark.parametrize(
    "text", ["", "epoch,loss\n", "epoch,loss\n1,many\n", "epoch,loss\n1\n", "epoch\n1,2\n", "\0"]
)
def test_a_broken_loss_curve_is_one_line(text, tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/judge.csv").write_text(text)
    with pytest.raises(UserError, match=r"metrics/judge\.csv: not a loss curve; .*`dvc repro` makes it anew"):
        _ = stage(tmp_path, "judge").curve


@pytest.mark.slow
def test_a_cut_lock_is_one_line_that_says_how_to_mend_it(tmp_path):
    """A dvc.lock cut anywhere gives an error, or it still has complete stages and DVC can read it."""
    whole, told = Path("digits/dvc.lock").read_text(encoding="utf-8")[:6000], 0
    path = tmp_path / "dvc.lock"
    for end in range(1, len(whole), 7):
        path.write_text(whole[:end], encoding="utf-8")
        try:
            read_lock(path)
        except UserError as error:
            told += 1
            assert f"`git checkout {path.as_posix()}`" in str(error) and "\n" not in str(error)
    assert told > 100
    assert read_lock(tmp_path / "none") == {}


@pytest.mark.parametrize(
    "path",
    [
        "report/figures/masked_sdedit/single/car_level_03.png",
        "report/figures/masked_sdedit/single/other_level_03.png",
        "report/figures/nowhere/single/car_level_03.png",
        "report/figures/setup/single/a_010_steps.png",
        "report/figures/noising.png",
        "report/figures/a/b/c/d.webp",
    ],
)
def test_any_figure_of_a_stage_has_a_caption(path, tmp_path):
    told = {"masked_sdedit": stage(tmp_path, "masked_sdedit", examples={"car": {"prompt": "a taxi"}})}
    assert validate(ReportParams, "report", {"title": "", "gallery": [path]})
    assert caption(path, told)
    assert "a taxi" in caption("report/figures/masked_sdedit/single/car_level_03.png", told)


# Any value in any section.

NUMBERS = st.one_of(
    st.integers(), st.integers(-3, 3), st.just(10**400), st.floats(), st.sampled_from([0.0, -1.0, 1e-300, 1e300])
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), NUMBERS, st.text(max_size=20), st.sampled_from(["", "..", "a/b", "nan", "1e6", "\n"]),
    st.dates(), st.datetimes(), st.binary(max_size=4),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.text(max_size=8), st.integers(), st.none()), inner, max_size=4)
    ),
    max_leaves=6,
)  # fmt: skip
TRIED: Counter[str] = Counter()


def places(value: Any) -> list[tuple[Any, ...]]:
    """The paths of all values inside a section, and () for the section itself."""
    inside: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [(), *((key, *rest) for key, item in inside for rest in places(item))]


def within(value: Any, place: tuple[Any, ...]) -> Any:
    """The value at a place."""
    for key in place:
        value = value[key]
    return value


def alike(value: Any) -> st.SearchStrategy:
    """Values of the same kind; a section accepts many of them."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        return st.one_of(st.integers(1, 30), st.integers())
    if isinstance(value, float):
        return st.one_of(st.floats(0, 1), st.floats())
    if isinstance(value, str):
        return st.one_of(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(max_size=20))
    if isinstance(value, list):
        return st.permutations(value) if value else st.just(value)
    return st.just(value)


def put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The value with `new` at one place inside it."""
    if not place:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[place[0]] = put(value[place[0]], place[1:], new)
    return changed


@st.composite
def changed_sections(draw: st.DrawFn, name: str) -> Any:
    """A shipped section with up to three values replaced, dropped or added."""
    section: Any = shipped(name)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(section)))
        new = draw(st.one_of(VALUES, alike(within(section, place))))
        if draw(st.integers(0, 9)) == 0:
            new = shipped(name) | {draw(st.text(max_size=8)): new}
            place = ()
        section = put(section, place, new)
    return section


@pytest.mark.parametrize("name", KINDS)
def test_any_value_in_a_section_is_a_section_or_one_line(name):
    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(changed_sections(name))
    def tried(section: Any) -> None:
        TRIED["inputs"] += 1
        try:
            assert isinstance(validate(KINDS[name], name, section), KINDS[name])
            TRIED["results"] += 1
        except UserError as error:
            assert (
                "\n" not in str(error) and str(error).startswith("params.yaml: ") and len(str(error)) < 1500
            )
            TRIED["one-liners"] += 1

    tried()


TEXT = Path("params.yaml").read_text(encoding="utf-8")
TEXT = TEXT[: TEXT.index("\n\n", 1500) + 1]  # whole sections
SNIPPETS = st.one_of(
    st.text(max_size=6),
    st.sampled_from([":", "\n", "- ", "  ", "\t", "{", "]", "&a ", "*a", "!!set ", "017", "no", "12:30:45", "#", "\r\n", "\ufeff", '"']),
)  # fmt: skip


def test_any_text_in_params_yaml_is_read_as_dvc_reads_it_or_one_line(tmp_path):
    path = tmp_path / "params.yaml"

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 1500), st.integers(0, 30), SNIPPETS)
    def tried(start: int, length: int, snippet: str) -> None:
        TRIED["inputs"] += 1
        path.write_bytes((TEXT[:start] + snippet + TEXT[start + length :]).encode("utf-8", "surrogatepass"))
        try:
            ours: Any = read_params(path)
            TRIED["results"] += 1
        except UserError as error:
            TRIED["one-liners"] += 1
            assert "\n" not in str(error)
            ours = None
        try:
            theirs = load_yaml(path)
        except (DvcException, ValueError):
            theirs = None
        assert repr(ours) == repr(theirs if isinstance(theirs, dict) else None)

    tried()


def test_what_was_tried_is_told(capsys):
    """Runs after the two tests above and prints their counts. An input that is neither ended in a traceback."""
    if not TRIED["inputs"]:
        pytest.skip("needs the tests above")
    with capsys.disabled():
        print(f"\nproperty tests: {dict(TRIED)} ({datetime.date.today()})")
    assert TRIED["inputs"] == TRIED["results"] + TRIED["one-liners"]
    assert min(TRIED["results"], TRIED["one-liners"]) > TRIED["inputs"] / 10
