"""Files that params name: which ones are found, and that a change of their bytes is noticed."""

import numpy as np
import pytest

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.inputs import named, named_files
from fundiff.pipeline.stage import without_inputs

SECTIONS = {
    "base": {"seed": 180},
    "fetch_images": {"images": {"mine": {"file": "mine.png"}, "theirs": {"package": "rocket"}}},
    "inpainting": {
        "examples": {"one": {"mask": {"file": "mask.png"}}, "two": {"mask": {"rectangle": [0, 0, 1, 1]}}}
    },
    "visual_anagrams": {"anagrams": {"a": [{"view": "flip"}, {"view": "order.npy then negate"}]}},
    "model": {"name": "prior", "stage_ii": None},
    "critic": {"name": "openai/clip-vit-large-patch14"},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "prior/unet").mkdir(parents=True)
    for name in ("mine.png", "mask.png", "prior/unet/config.json"):
        (tmp_path / name).write_bytes(name.encode())
    np.save(tmp_path / "order.npy", np.arange(4))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_file_of_every_kind_is_found():
    assert {name: list(named(section)) for name, section in SECTIONS.items() if list(named(section))} == {
        "fetch_images": ["mine.png"],
        "inpainting": ["mask.png"],
        "visual_anagrams": ["order.npy"],
    }


@pytest.mark.parametrize(
    ("file", "section"),
    [
        ("mine.png", "fetch_images"),
        ("mask.png", "inpainting"),
        ("order.npy", "visual_anagrams"),
        ("prior/unet/config.json", "model"),
    ],
)
def test_a_changed_byte_changes_the_section_that_names_the_file_and_no_other(project, file, section):
    before = named_files(SECTIONS)
    content = bytearray((project / file).read_bytes())
    content[-1] ^= 1
    (project / file).write_bytes(content)
    after = named_files(SECTIONS)
    assert [name for name in before if before[name] != after[name]] == [section]


def test_a_hub_id_is_no_file(project):
    assert "critic" not in named_files(SECTIONS)


def test_a_missing_file_is_one_line(project):
    (project / "mask.png").unlink()
    with pytest.raises(UserError, match=r"inpainting names 'mask.png', which cannot be read \(No such file"):
        named_files(SECTIONS)


def test_a_file_that_dvc_would_not_see_is_one_line():
    outs = ["data/inputs/inpainting.json"]
    without_inputs({"inpainting": {}}, outs)
    with pytest.raises(
        UserError, match=r"sdedit names a file; add data/inputs/sdedit.json to the outs of `inputs`"
    ):
        without_inputs({"sdedit": {}}, outs)
