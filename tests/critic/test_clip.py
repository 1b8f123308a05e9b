"""CLIP as the critic: a tiny random CLIP of transformers' own classes, compared with CLIPModel itself."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

from fundiff.critic.clip import ClipCritic
from fundiff.pipeline.errors import UserError

PROMPTS = ["a dog", "a rocket"]
IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CLIP folder: its tokens are letters, and its two layers are very narrow."""
    path = tmp_path_factory.mktemp("clip")
    letters = [chr(i) for i in range(97, 123)]
    vocab = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (path / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(vocab)}))
    (path / "merges.txt").write_text("#version: 0.2\n")
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    words = {"vocab_size": len(vocab), "bos_token_id": 52, "eos_token_id": 53, "max_position_embeddings": 16}
    config = CLIPConfig(
        text_config=small | words, vision_config=small | {"image_size": 32, "patch_size": 8}, projection_dim=8
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(path)
    tokenizer = CLIPTokenizer(str(path / "vocab.json"), str(path / "merges.txt"), model_max_length=16)
    size = {"shortest_edge": 32}
    images = CLIPImageProcessor(size=size, crop_size={"height": 32, "width": 32})
    CLIPProcessor(images, tokenizer).save_pretrained(path)
    return path


def test_scores_are_clips_own_logits(folder):
    critic = ClipCritic(str(folder))
    pixels = list(((IMAGES + 1) * 127.5).round().byte())
    inputs = critic.processor(text=PROMPTS, images=pixels, padding=True, return_tensors="pt")
    expected = CLIPModel.from_pretrained(folder)(**inputs).logits_per_image
    ours = critic.scale * critic.score(IMAGES, critic.vectors(PROMPTS))
    assert torch.allclose(ours, expected, atol=1e-3)


def test_a_score_is_a_cosine(folder):
    critic = ClipCritic(str(folder))
    assert critic.score(IMAGES, critic.vectors(PROMPTS)).abs().max() <= 1 + 1e-6


def test_no_clip_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"critic.name '.*' is neither a critic of this project") as error:
        ClipCritic(str(tmp_path))
    assert "\n" not in str(error.value)


def test_a_hub_id_may_name_its_revision(folder, tmp_path, monkeypatch):
    repo = tmp_path / "models--openai--clip"
    for commit in ("a" * 40, "b" * 40):
        shutil.copytree(folder, repo / "snapshots" / commit)
    (repo / "snapshots" / ("b" * 40) / "model.safetensors").unlink()
    (repo / "refs").mkdir()
    (repo / "refs/main").write_text("b" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert ClipCritic(f"openai/clip@{'a' * 40}").scale > 0
    with pytest.raises(UserError, match=r"critic.name 'openai/clip' is neither"):
        ClipCritic("openai/clip")


def test_pickles_and_missing_weights_are_one_line(folder, tmp_path):
    weights = load_file(folder / "model.safetensors")
    pickled = shutil.copytree(folder, tmp_path / "pickled")
    torch.save(weights, pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"nor a CLIP model in \*.safetensors") as error:
        ClipCritic(str(pickled))
    assert "\n" not in str(error.value)
    lacking = shutil.copytree(folder, tmp_path / "lacking")
    save_file({k: v for k, v in weights.items() if k != "logit_scale"}, lacking / "model.safetensors")
    with pytest.raises(UserError, match="lacks 1 weights, as logit_scale"):
        ClipCritic(str(lacking))
