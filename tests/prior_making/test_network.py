"""The prior's network: the interface of diffusers' UNet, a coarse grid inside, and a folder that IFPipeline can load."""

import pytest
import torch
from diffusers import DDPMScheduler, IFPipeline

from fundiff.pipeline.errors import UserError
from fundiff.prior.pipelines import load_prior
from fundiff.prior.shuffled_unet import ShuffledUNet2DConditionModel
from fundiff.process.paths import VariancePreserving
from prior.making.network import guided_samples, make_scheduler, make_unet, save_prior

TINY = {"shuffle": 4, "block_out_channels": [32, 64], "layers_per_block": 1, "sample_size": 16}


@pytest.fixture(scope="module")
def unet() -> ShuffledUNet2DConditionModel:
    torch.manual_seed(0)
    return make_unet(**TINY).eval()


@pytest.fixture(scope="module")
def folder(unet, tmp_path_factory):
    path = tmp_path_factory.mktemp("prior")
    save_prior(path, make_unet_like(unet))
    return path


def make_unet_like(unet):
    copy = make_unet(**TINY)
    copy.load_state_dict(unet.state_dict())
    return copy


def test_six_channels_come_out_and_the_config_shows_the_outer_sizes(unet):
    with torch.no_grad():
        out = unet(torch.randn(2, 3, 16, 16), torch.tensor([5, 900]), torch.randn(2, 77, 384)).sample
    assert out.shape == (2, 6, 16, 16)
    assert (unet.config.sample_size, unet.config.in_channels, unet.config.out_channels) == (16, 3, 6)
    assert unet.conv_in.in_channels == 3 * 16 and unet.conv_out.out_channels == 6 * 16


def test_the_first_three_channels_are_whole_pixels_of_the_estimate(unet):
    """pixel_shuffle must not mix the estimate with the variance: a bias on the last half moves the variance alone."""
    changed = make_unet_like(unet).eval()
    x, t, states = torch.randn(1, 3, 16, 16), 10, torch.randn(1, 77, 384)
    with torch.no_grad():
        changed.conv_out.bias[3 * 16 :] += 1
        before, after = unet(x, t, states).sample, changed(x, t, states).sample
    assert torch.allclose(before[:, :3], after[:, :3], atol=1e-6)
    assert torch.allclose(before[:, 3:] + 1, after[:, 3:], atol=1e-5)


def test_words_and_time_change_the_estimate(unet):
    x, states = torch.randn(1, 3, 16, 16), torch.randn(2, 77, 384)
    with torch.no_grad():
        one, other, later = (
            unet(x, 10, states[:1])[0],
            unet(x, 10, states[1:])[0],
            unet(x, 800, states[:1])[0],
        )
    assert not torch.allclose(one, other, atol=1e-3) and not torch.allclose(one, later, atol=1e-3)


def test_a_size_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="not a multiple of shuffle"):
        ShuffledUNet2DConditionModel(shuffle=4, sample_size=18)


def test_saved_and_loaded_it_is_the_same_network(unet, folder):
    loaded = ShuffledUNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=torch.float32)
    assert loaded.config.shuffle == 4
    for name, value in unet.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float()), name


def test_the_stock_pipeline_samples_from_the_folder(folder):
    pipe = load_prior(str(folder))
    assert isinstance(pipe, IFPipeline)
    pipe.set_progress_bar_config(disable=True)
    states, negative = pipe.encode_prompt("A Rocket Ship")
    assert states.shape == negative.shape == (1, 77, 384)
    assert torch.equal(states, pipe.encode_prompt("a rocket ship")[0]), "encode_prompt lower-cases"
    pictures = pipe(
        "a rocket ship", timesteps=[990, 660, 330, 0], guidance_scale=3.0, output_type="pt"
    ).images
    assert pictures.shape == (1, 3, 16, 16) and torch.isfinite(pictures).all()


def test_another_layout_and_no_layout_are_one_line_each(folder, tmp_path):
    with pytest.raises(UserError, match=r"model_index\.json; expected the layout") as error:
        load_prior(str(tmp_path))
    assert "\n" not in str(error.value)
    (tmp_path / "model_index.json").write_text(
        '{"_class_name": "StableDiffusionPipeline", "unet": [], "scheduler": []}'
    )
    with pytest.raises(UserError, match="is a StableDiffusionPipeline; expected the layout") as error:
        load_prior(str(tmp_path))
    assert "\n" not in str(error.value)


def test_a_hub_id_that_cannot_be_had_is_one_line(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"accept its licence .*hf auth login") as error:
        load_prior("DeepFloyd/IF-I-XL-v1.0", variant="fp16")
    assert "\n" not in str(error.value)


def test_v_becomes_the_schedulers_own_step():
    """Stepping with v in the v-scheduler equals stepping with the path's eps in an epsilon scheduler."""
    by_v, by_eps = (
        make_scheduler(),
        DDPMScheduler.from_config(make_scheduler().config, prediction_type="epsilon"),
    )
    path, g = VariancePreserving.of(by_v), torch.Generator().manual_seed(1)
    x, v, share = (torch.randn(1, 3, 8, 8, generator=g) for _ in range(3))
    for scheduler in (by_v, by_eps):
        scheduler.set_timesteps(timesteps=list(range(990, -1, -30)))
    for t in (960, 510, 30, 0):
        outputs = (v, path.of_velocity(x, t, v)[1])
        one, other = (
            s.step(torch.cat([out, share], 1), t, x, generator=torch.Generator().manual_seed(2)).prev_sample
            for s, out in zip((by_v, by_eps), outputs, strict=True)
        )
        assert torch.allclose(one, other, atol=1e-3), t


def test_a_sample_is_the_same_alone_or_in_a_batch(unet):
    g = torch.Generator().manual_seed(3)
    noise, states = torch.randn(3, 3, 16, 16, generator=g), torch.randn(4, 77, 384, generator=g)
    batch = guided_samples(unet, states, noise, 4.0, steps=3)
    alone = guided_samples(unet, states[[0, 2]], noise[1:2], 4.0, steps=3)
    assert torch.allclose(batch[1:2], alone, atol=1e-4)
