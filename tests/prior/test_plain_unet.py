"""The shipped prior's UNet equals its diffusers class bit by bit, and does not import diffusers."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fundiff.prior.hub import Model, pin
from fundiff.prior.pixel_prior import load_unet
from fundiff.prior.plain_unet import PlainUNet, is_plain
from fundiff.prior.shuffled_unet import ShuffledUNet2DConditionModel
from prior.making.network import make_unet, save_prior

SHAPES = {
    "one block a level": {"block_out_channels": [32, 64], "layers_per_block": 1},
    "two blocks a level": {"block_out_channels": [32, 64], "layers_per_block": 2},
    "three levels": {"block_out_channels": [32, 32, 64], "layers_per_block": 1},
}


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def folder(request, tmp_path_factory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("prior")
    save_prior(folder, make_unet(shuffle=4, sample_size=32, **SHAPES[request.param]))
    return folder


@pytest.fixture(scope="module")
def both(folder):
    return [load_unet(folder, "tiny", None, torch.float32, plain=plain) for plain in (True, False)]


@pytest.mark.bits
@pytest.mark.parametrize("rows", [1, 3, 64])
@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
def test_its_bits_are_those_of_the_diffusers_class(both, rows, bf16):
    g = torch.Generator().manual_seed(rows)
    x, states = torch.randn(rows, 3, 32, 32, generator=g), torch.randn(rows, 77, 384, generator=g)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        ours, theirs = (unet(x, 500, encoder_hidden_states=states, return_dict=False)[0] for unet in both)
    assert [type(unet) for unet in both] == [PlainUNet, ShuffledUNet2DConditionModel]
    assert torch.equal(ours, theirs)


@torch.no_grad()
def test_token_states_are_read_once_and_forgotten_with_their_tensor(both):
    unet, x = both[0], torch.randn(2, 3, 32, 32)
    states, others = torch.randn(2, 2, 77, 384)
    first, other = unet(x, 500, states)[0], unet(x, 500, others)[0]
    assert len(unet.read) == 2 and not torch.equal(first, other)
    assert torch.equal(unet(x, 500, states)[0], first), "what was read is what is read again"
    del states, others
    assert len(unet.read) == 0


@pytest.mark.parametrize(
    "change",
    [{"_class_name": "UNet2DConditionModel"}, {"act_fn": "gelu"}, {"up_block_types": ["AttnUpBlock2D"]}],
)
def test_another_kind_of_network_is_left_to_diffusers(both, change):
    config = vars(both[0].config)
    assert is_plain(config) and not is_plain(config | change)


@pytest.mark.slow
def test_a_stage_with_the_shipped_prior_imports_neither_diffusers_nor_transformers(tmp_path):
    """Each costs seconds at the start of every stage of Part A."""
    options = {"variant": None, "precision": "fp32", "offload": False, "stage_ii": None}
    manifest = tmp_path / "model.json"
    manifest.write_text(pin(Model(name="models/prior", **options)).model_dump_json())
    code = (
        "import sys, pathlib, stages.setup\n"
        "from fundiff.critic.encoder import sentence_vectors\n"
        "from fundiff.pipeline.runtime import prepare_runtime\n"
        "from fundiff.prior.hub import load_pinned\n"
        "from fundiff.prior.pixel_prior import load_pixel_prior\n"
        "from fundiff.prior.prompts import embed\n"
        f"model, runtime = load_pinned({str(manifest)!r}), prepare_runtime()\n"
        f"embed(model, runtime, ['a prompt that no cache has'], pathlib.Path({str(tmp_path)!r}))\n"
        "load_pixel_prior(model, runtime), sentence_vectors(['another'])\n"
        "sys.exit(str({'diffusers', 'transformers', 'torchvision', 'scipy', 'torch._dynamo'} & set(sys.modules) or 0))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr == "0\n", run.stderr
