"""The scorer takes critic and vocabulary from the manifest of stage `critic`, and refuses other files."""

import json
import shutil
from pathlib import Path

import pytest

from fundiff.critic.encoder import ImageEncoder, save_critic
from fundiff.critic.scoring import load_scorer
from fundiff.pipeline.errors import UserError
from stages.critic import VOCABULARY, Params, main


@pytest.fixture
def vocabulary(tmp_path, monkeypatch) -> Path:
    """The vocabulary of a project whose stage `critic` has run; the working directory is the project's."""
    save_critic(tmp_path / "models/critic", ImageEncoder(), {})
    shutil.copy(VOCABULARY, tmp_path / VOCABULARY)
    monkeypatch.chdir(tmp_path)
    main(Params(name="models/critic"))
    return VOCABULARY


def test_the_vocabulary_is_that_of_the_manifest(vocabulary):
    assert load_scorer().vocabulary == json.loads(vocabulary.read_text(encoding="utf-8"))


def test_a_changed_vocabulary_is_one_line(vocabulary):
    vocabulary.write_text(json.dumps(["a dog"]), encoding="utf-8")
    with pytest.raises(
        UserError, match=r"^models/critic/vocabulary.json: not the file that .*`dvc repro critic`$"
    ):
        load_scorer()
    main(Params(name="models/critic"))
    assert load_scorer().vocabulary == ["a dog"]


def test_a_missing_vocabulary_is_one_line(vocabulary):
    vocabulary.unlink()
    with pytest.raises(
        UserError, match=r"^models/critic/vocabulary.json: cannot be read .*; restore it from git$"
    ):
        load_scorer()
    with pytest.raises(UserError, match=r"^models/critic/vocabulary.json: not found; restore it from git$"):
        main(Params(name="models/critic"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "models/critic"}'])
def test_a_manifest_that_is_none_is_one_line(vocabulary, text):
    Path("data/critic.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"^data/critic.json: missing or unreadable; run `dvc repro critic`$"):
        load_scorer()
