"""Versions of the libraries: every stage records them with its numbers, so that a change is noticed later."""

import json
from importlib import metadata

from fundiff.pipeline.stage import guarded
from fundiff.pipeline.versions import PACKAGES, record_versions, versions
from tests.pipelines import write_entries


def test_versions_are_those_that_are_installed():
    found = versions()
    assert {name: found[name] for name in PACKAGES} == {name: metadata.version(name) for name in PACKAGES}
    assert found["python"].startswith("3.")


def test_a_stage_records_them_with_its_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entry = {"cmd": "x", "deps": [], "plots": [{"metrics/mine.json": {"cache": False}}]}
    write_entries(tmp_path, {"mine": entry})
    (tmp_path / "metrics").mkdir()
    path = tmp_path / "metrics/mine.json"
    guarded("mine", lambda: path.write_text('{"psnr": 21.5}') and None)
    assert json.loads(path.read_text()) == {"psnr": 21.5, "versions": versions()}


def test_what_holds_no_names_stays_as_it_is(tmp_path):
    path = tmp_path / "numbers.json"
    record_versions(path)
    assert not path.exists()
    path.write_text("[1, 2]")
    record_versions(path)
    assert path.read_text() == "[1, 2]"
