"""The critic: its loss, its folder, and that it learns to distinguish pictures that it was not trained on."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy, normalize

from fundiff.critic.encoder import (
    Critic,
    ImageEncoder,
    contrastive_loss,
    load_critic,
    save_critic,
    sentence_vectors,
)
from fundiff.pipeline.errors import UserError
from prior.making.critic_training import augmented, on_white, training
from prior.making.retrieval import interval, retrieval, summary

COLOURS = {"a red square": (220, 30, 30), "a green square": (30, 160, 40), "a blue square": (40, 60, 210)}


def squares(count: int, seed: int) -> tuple[np.ndarray, torch.Tensor]:
    """Coloured squares of random size and place on white: pictures `[N, 64, 64, 3]` and which colour each has."""
    chance = np.random.default_rng(seed)
    pixels, which = np.full((count, 64, 64, 3), 255, np.uint8), chance.integers(3, size=count)
    for picture, colour in zip(pixels, which, strict=True):
        top, left, side = chance.integers(4, 24), chance.integers(4, 24), chance.integers(18, 36)
        picture[top : top + side, left : left + side] = list(COLOURS.values())[colour]
    return pixels, torch.from_numpy(which)


def test_without_repeats_the_loss_is_clips():
    g = torch.Generator().manual_seed(0)
    images, texts = (normalize(torch.randn(5, 8, generator=g), dim=1) for _ in range(2))
    logits, target = 7.0 * images @ texts.T, torch.arange(5)
    expected = (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2
    assert torch.allclose(contrastive_loss(images, texts, torch.tensor(7.0)), expected, atol=1e-6)


def test_pictures_of_the_same_sentence_do_not_push_each_other_away():
    g = torch.Generator().manual_seed(0)
    texts = normalize(torch.randn(1, 8, generator=g), dim=1).expand(4, 8)
    apart, together = normalize(torch.randn(4, 8, generator=g), dim=1), texts
    scale = torch.tensor(5.0)
    assert torch.isclose(contrastive_loss(together, texts, scale), torch.tensor(4.0).log(), atol=1e-5)
    assert contrastive_loss(apart, texts, scale) > contrastive_loss(together, texts, scale)


def test_sentence_vectors_know_meaning_and_do_not_depend_on_the_batch():
    vectors = sentence_vectors(["a dog", "a puppy", "a fire engine"], batch_size=2)
    assert vectors.shape == (3, 384)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3), atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
    assert torch.allclose(vectors[2:], sentence_vectors(["a fire engine"]), atol=1e-5)


def test_transparent_pixels_become_white_and_opaque_ones_stay():
    cut_out = np.zeros((1, 2, 2, 4), np.uint8)
    cut_out[0, 0, 0] = (10, 20, 30, 255)
    picture = on_white(cut_out)
    assert picture[0, 0, 0].tolist() == [10, 20, 30] and picture[0, 1, 1].tolist() == [255, 255, 255]


def test_augmentation_is_a_function_of_its_generator_and_stays_in_range():
    images = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    one, same, other = (augmented(images, torch.Generator().manual_seed(s)) for s in (3, 3, 4))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert one.abs().max() <= 1 and (one - images).abs().mean() > 0.05


@pytest.fixture(scope="module")
def trained() -> Critic:
    """A critic trained on 400 squares of three colours."""
    torch.manual_seed(0)
    encoder = ImageEncoder()
    pixels, which = squares(400, seed=1)
    steps = training(
        encoder,
        pixels,
        which,
        sentence_vectors(list(COLOURS)),
        seed=0,
        images=1600,
        batch_size=32,
        learning_rate=2e-3,
        bf16=False,
    )
    assert list(steps)[-1][0] == 1600
    return Critic(encoder, {})


@pytest.mark.slow
def test_trained_it_names_the_colour_of_squares_that_it_never_saw(trained):
    pixels, which = squares(60, seed=2)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    figures = retrieval(trained, images, sentence_vectors(list(COLOURS)), which)
    assert figures["r_at_1"]["mean"] > 0.9
    assert figures["alignment_right"]["low"] > figures["alignment_wrong"]["high"]
    assert trained.rank(images, list(COLOURS), which).float().mean() < 0.1


@pytest.mark.slow
def test_saved_and_loaded_it_scores_the_same_and_fits_the_limit(trained, tmp_path):
    save_critic(tmp_path, trained.encoder, {"r_at_1": 0.5})
    loaded = load_critic(tmp_path)
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    assert loaded.metrics == {"r_at_1": 0.5}
    assert torch.allclose(
        loaded.score(images, list(COLOURS)), trained.score(images, list(COLOURS)), atol=2e-2
    )
    assert (tmp_path / "model.safetensors").stat().st_size < 8e6
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"r_at_1": 0.5}


def test_a_folder_without_a_critic_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"holds no critic .*train_critic") as error:
        load_critic(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_cut_critic_file_is_one_line(trained, tmp_path):
    save_critic(tmp_path, trained.encoder, {})
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    weights = load_file(path)
    for size in (0, 7, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"holds no critic \(SafetensorError\); run dvc repro") as error:
            load_critic(tmp_path)
        assert "\n" not in str(error.value)
    save_file({name: weights[name] for name in sorted(weights)[1:]}, path)
    with pytest.raises(UserError, match=r"holds no critic \(RuntimeError\)"):
        load_critic(tmp_path)
    path.write_bytes(whole)
    (tmp_path / "metrics.json").write_text('{"r_at_1"')
    with pytest.raises(UserError, match=r"holds no critic \(JSONDecodeError\)"):
        load_critic(tmp_path)


def test_the_interval_covers_the_mean_as_often_as_it_says():
    g = torch.Generator().manual_seed(0)
    covered = 0
    for _ in range(100):
        low, high = interval(torch.randn(80, generator=g), rounds=300)
        covered += low <= 0 <= high
    assert 86 <= covered <= 100
    assert summary(torch.ones(5)) == {"mean": 1.0, "low": 1.0, "high": 1.0}
