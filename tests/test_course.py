"""docs/course: the page's tables are those of its numbers, its pictures are there, and it ran the course's own recipe."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("record", "docs/course/record.py")
record = importlib.util.module_from_spec(spec)
spec.loader.exec_module(record)

FOLDER = Path("docs/course")
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
RUNS = json.loads((FOLDER / "numbers.json").read_text(encoding="utf-8"))
PROFILES = {"Fall 2026": ("course", "fa26", "course_flow")}


def asked(names: tuple[str, ...]) -> dict[str, str]:
    """What profiles set, the last one first."""
    words = " ".join(Path("profiles", name).read_text(encoding="utf-8") for name in names).split()
    return dict(word.split("=", 1) for word in words if "=" in word)


@pytest.mark.parametrize("run", PROFILES)
@pytest.mark.parametrize("stage", ["train_time_unet", "train_class_unet"])
def test_the_trainings_had_the_profiles_sizes_all_digits_and_fp32(run, stage):
    made, profile = RUNS[run]["trainings"][stage], asked(PROFILES[run])
    for key in record.RECIPE:
        assert str(made[key]) == profile[f"{stage}.{key}"] or made[key] == float(profile[f"{stage}.{key}"])
    assert made["digits"] == 59_500 and "fp32" in made["runtime"]
    assert len(made["train_loss"]) == made["epochs"]


def test_its_tables_are_those_of_its_numbers():
    assert record.filled(PAGE, RUNS) == PAGE


def test_its_scores_are_of_ten_thousand_samples_and_none_is_below_that_of_real_digits():
    for run in RUNS.values():
        for scores in run["scores"].values():
            assert scores["n"] == 10_000 and scores["judge_accuracy"] >= 0.995
            assert (
                min([scores["frechet"], *scores.get("frechet_per_guidance", {}).values()])
                > scores["frechet_floor"]
            )


def test_its_pictures_are_there_and_small():
    named = set(re.findall(r"!\[[^\]]*\]\(([^)]+)\)", PAGE))
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.png")}
    assert named and named <= found
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.*")) < 600_000


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0123456, "0.0123"), (99.5, "99.5"), (123.4, "123"), (2, "2.00")]
)
def test_numbers_have_three_digits(value, shown):
    assert record.number(value) == shown


def test_a_table_is_markdown():
    assert record.table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
