"""The independent judge: TensorFlow's padding, ranks among names, a distance with a floor, and its weights if installed."""

from importlib import metadata

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, pad

from fundiff.pipeline.errors import UserError
from fundiff.prior.plain_text import TOKENS
from fundiff.prior.text import encoder_folder, load_text, text_pipeline, token_states
from prior.making.carried import TOKENIZER, Encoder, pack, unpack
from prior.making.features import PACKAGE, Lite0, Same, load_features
from prior.making.nearest import Reference, verdict


@pytest.mark.parametrize(("side", "stride", "before", "after"), [(8, 2, 0, 1), (7, 2, 1, 1), (8, 1, 1, 1)])
def test_same_padding_puts_the_odd_pixel_last(side, stride, before, after):
    torch.manual_seed(0)
    conv, x = Same(2, 3, 3, stride, bias=False), torch.randn(1, 2, side, side)
    expected = conv2d(pad(x, (before, after, before, after)), conv.weight, stride=stride)
    assert torch.allclose(conv(x), expected, atol=1e-6) and expected.shape[-1] == -(-side // stride)


def test_the_network_has_the_published_size():
    assert sum(p.numel() for p in Lite0().parameters()) == 4_652_008  # Tan & Le's 4.7 M
    with torch.inference_mode():
        assert Lite0().eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1280)


def test_a_missing_package_is_one_line(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", missing)
    with pytest.raises(UserError, match=f"pip install {PACKAGE}") as error:
        load_features()
    assert "\n" not in str(error.value)


def reference() -> Reference:
    g = torch.Generator().manual_seed(0)
    return Reference(torch.randn(60, 16, generator=g), [f"thing {i // 2}" for i in range(60)])


def test_a_picture_is_found_by_the_nearest_of_its_drawings():
    r = reference()
    near = r.features[::2] + 0.01
    right = [(f"thing {i}",) for i in range(30)]
    assert (r.ranks(near, right) == 0).all()
    wrong = [(f"thing {(i + 1) % 30}", "unheard of") for i in range(30)]
    assert (r.ranks(near, wrong) > 0).all()
    assert r.ranks(near[:1], [("unheard of",)]).item() == len(r.names) == 30


def test_the_verdict_has_a_floor_and_grows_with_the_distance():
    r = reference()
    same, far = (verdict(r, x, [("thing 0",)] * 60)["frechet_distance"] for x in (r.features, r.features + 3))
    assert same == pytest.approx(0, abs=0.01) and far > 100


def test_what_is_carried_is_read_as_it_was_and_encodes_as_the_pipeline_does(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    tokenizer, encoder = load_text()
    tokens = {0, 100, 101, 102, *tokenizer("a red house next to two cats")["input_ids"]}
    files = [encoder_folder() / name for name in TOKENIZER if (encoder_folder() / name).is_file()]
    pack(tmp_path / "zip", pixels, {"seed": 1}, encoder.state_dict(), files, sorted(tokens))
    found, table = unpack(tmp_path / "zip")
    assert (found == pixels).all() and table == {"seed": 1}
    carried = Encoder(tmp_path / "zip", tmp_path / "files", "cpu")
    sentences = ["", "a red house", "Two cats next to a red house"]
    expected = token_states(text_pipeline(), sentences)
    found = carried(sentences).float()
    assert found.shape == (3, TOKENS, 384)
    assert (found - expected).square().mean().sqrt() < 0.003 * expected.std(), (
        "half precision is all that is lost"
    )
    with pytest.raises(UserError, match="a word of 'a giraffe' was not carried"):
        carried(["a giraffe"])
