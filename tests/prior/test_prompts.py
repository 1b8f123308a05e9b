"""Prompts are encoded once and cached by content: what is encoded, when, and what the cache depends on."""

import pytest
import torch

from fundiff.pipeline.runtime import Runtime
from fundiff.prior import prompts
from fundiff.prior.hub import Model, pin
from fundiff.prior.pipelines import load_prior
from fundiff.prior.prompts import embed, encoder_identity, kept_by_content
from tests.tiny import make_if

CPU = Runtime("cpu", "fp32", 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = make_if(tmp_path_factory.mktemp("prior") / "if")
    return pin(Model(name=str(folder), variant=None, precision="fp32", offload=False, stage_ii=None))


class Encoder:
    """An encoder that records what it is asked to encode."""

    def __init__(self):
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> list[torch.Tensor]:
        self.asked.append(texts)
        return [torch.full((2,), float(len(text))) for text in texts]


def test_only_what_the_cache_lacks_is_encoded_and_all_of_it_at_once(tmp_path):
    encode = Encoder()
    first = kept_by_content("one", ["a", "bb"], encode, tmp_path)
    again = kept_by_content("one", ["bb", "ccc", "dddd", "a"], encode, tmp_path)
    assert encode.asked == [["a", "bb"], ["ccc", "dddd"]]
    assert first[:, 0].tolist() == [1, 2] and again[:, 0].tolist() == [2, 3, 4, 1]


def test_another_encoder_has_another_cache(tmp_path):
    encode = Encoder()
    kept_by_content("one", ["a"], encode, tmp_path)
    kept_by_content("other", ["a"], encode, tmp_path)
    assert encode.asked == [["a"], ["a"]]


def test_a_damaged_file_is_encoded_anew(tmp_path):
    encode = Encoder()
    kept_by_content("one", ["a"], encode, tmp_path)
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:20])
    assert kept_by_content("one", ["a"], encode, tmp_path).tolist() == [[1, 1]]
    assert len(encode.asked) == 2 and not list(tmp_path.rglob(".*.safetensors"))


def test_states_are_those_of_encode_prompt_whatever_is_encoded_beside_them(model, tmp_path):
    alone = embed(model, CPU, ["a dog"], tmp_path / "alone")["a dog"]
    beside = embed(model, CPU, ["a cat", "a dog", ""], tmp_path / "beside")["a dog"]
    expected, _ = load_prior(model.name).encode_prompt(["a dog"], do_classifier_free_guidance=False)
    assert torch.equal(alone, beside) and torch.equal(alone, expected[0].float())


def test_a_full_cache_loads_no_encoder(model, tmp_path, monkeypatch):
    embed(model, CPU, ["a dog"], tmp_path)
    monkeypatch.setattr(prompts, "load_encoder", lambda *_: pytest.fail("the encoder was loaded"))
    assert set(embed(model, CPU, ["a dog", "a dog"], tmp_path)) == {"a dog"}


def test_what_is_cut_off_is_said(model, tmp_path, capsys):
    embed(model, CPU, ["a" * 75 + "tail"], tmp_path)
    assert "the prior sees 77 tokens" in capsys.readouterr().out


def test_identity_is_the_encoders_files_and_precision(model):
    other = model.model_copy(update={"files": {k: v + "x" for k, v in model.files.items()}})
    unet = {k: v + "x" if "/unet/" in k else v for k, v in model.files.items()}
    assert encoder_identity(other) != encoder_identity(model)
    assert encoder_identity(model.model_copy(update={"files": unet})) == encoder_identity(model)
    assert encoder_identity(model.model_copy(update={"precision": "fp16"})) != encoder_identity(model)
