"""A prior in DeepFloyd's layout: the loader, the prompts and the loop, and every way in which they can fail."""

import json
import shutil

import pytest
import torch
from diffusers import IFPipeline

from fundiff.pipeline.errors import UserError
from fundiff.pipeline.noise import generator, randn, sample_generators
from fundiff.pipeline.runtime import Runtime
from fundiff.prior.hub import Model, folder_of, load_pinned, pin
from fundiff.prior.pixel_prior import load_pixel_prior
from fundiff.prior.prompts import embed, load_encoder
from fundiff.sampling.estimators import conditional, guided
from fundiff.sampling.loop import denoise, last
from tests.tiny import SIZE, make_if, rescheduled

pytestmark = pytest.mark.bits
CPU = Runtime("cpu", "fp32", 1)
OPTIONS = {"variant": "fp16", "precision": "fp32", "offload": False, "stage_ii": None}
PROMPTS = {"rocket": "a rocket ship", "dog": "a photo of a dog", "empty": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_if(tmp_path_factory.mktemp("prior") / "if", "fp16")


@pytest.fixture(scope="module")
def model(folder):
    return pin(Model(name=str(folder), **OPTIONS))


@pytest.fixture(scope="module")
def prior(model):
    return load_pixel_prior(model, CPU)


@pytest.fixture(scope="module")
def states(model, tmp_path_factory):
    states = embed(model, CPU, list(PROMPTS.values()), tmp_path_factory.mktemp("cache"))
    return {key: states[text] for key, text in PROMPTS.items()}


def test_a_prior_gives_noise_and_variance(prior, states):
    x = torch.randn(2, 3, SIZE, SIZE)
    eps, v = prior(x, 500, torch.stack([states["rocket"], states["dog"]]))
    assert eps.shape == v.shape == x.shape
    assert prior.size == SIZE


@pytest.mark.parametrize("kind", ["v_prediction", "sample"])
def test_other_predictions_are_turned_into_noise(prior, states, kind):
    x, emb = torch.randn(1, 3, SIZE, SIZE), states["dog"][None]
    plain = prior(x, 500, emb).eps
    turned = rescheduled(prior, prediction_type=kind)(x, 500, emb).eps
    abar = prior.path.alphas_cumprod[500]
    expected = {
        "v_prediction": abar.sqrt() * plain + (1 - abar).sqrt() * x,
        "sample": (x - abar.sqrt() * plain) / (1 - abar).sqrt(),
    }
    assert torch.allclose(turned, expected[kind], atol=1e-6)


def test_a_prediction_that_no_step_can_use_is_one_line(model, tmp_path):
    copy = shutil.copytree(model.name, tmp_path / "copy")
    path = copy / "scheduler/scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"prediction_type": "flow"}))
    with pytest.raises(UserError, match="prediction_type 'flow' is not supported"):
        load_pixel_prior(pin(Model(name=str(copy), **OPTIONS)), CPU)


@pytest.mark.parametrize(("kind", "end"), [("fixed_small", -1.0), ("fixed_large", 1.0)])
def test_a_fixed_variance_is_an_end_of_the_learned_range(prior, states, kind, end):
    fixed = rescheduled(prior, variance_type=kind)
    v = fixed(torch.randn(1, 3, SIZE, SIZE), 500, states["dog"][None])[1]
    assert (v == end).all()


def test_the_loop_with_the_schedulers_step_is_ifpipeline_itself(folder, prior, states):
    """Same prompt, seed, guidance and number of steps: the same picture as diffusers' own pipeline draws."""
    pipe = IFPipeline.from_pretrained(folder, variant="fp16", dtype=torch.float32, safety_checker=None)
    theirs = pipe(
        PROMPTS["rocket"],
        num_inference_steps=5,
        guidance_scale=7,
        generator=generator(180, "a"),
        output_type="pt",
    ).images
    g = [generator(180, "a")]
    estimator = guided(prior, states["rocket"][None], states["empty"], 7)
    x = randn(g, (3, SIZE, SIZE))
    ours = last(denoise(x, estimator, prior.spaced(5), prior.step("scheduler"), g))
    assert torch.allclose(ours.clamp(-1, 1), theirs, atol=1e-3)


def test_a_sample_is_the_same_alone_in_a_batch_and_after_a_restart(model, states):
    def sample(keys):
        prior = load_pixel_prior(model, CPU)
        emb = torch.stack([states[key] for key in keys])
        g = sample_generators(180, len(keys))
        step = prior.step("course")
        return last(denoise(randn(g, (3, SIZE, SIZE)), conditional(prior, emb), [600, 300, 0], step, g))

    alone, batch = sample(["dog"]), sample(["dog", "rocket"])
    assert torch.equal(alone, sample(["dog"]))
    assert torch.allclose(alone[0], batch[0], rtol=1e-4, atol=1e-4)


def test_a_level_from_pure_noise_is_sampling_and_the_last_returns_the_picture(prior, states):
    timesteps = list(range(990, -1, -30))
    image = torch.rand(1, 3, SIZE, SIZE) * 2 - 1

    def edit(level):
        g = sample_generators(180, 1)
        x = prior.path.forward(image, timesteps[level], randn(g, (3, SIZE, SIZE)))
        estimator = conditional(prior, states["dog"][None])
        return x, last(denoise(x, estimator, timesteps, prior.step("scheduler"), g, enter=[level]))

    start, _ = edit(0)
    noise = randn(sample_generators(180, 1), (3, SIZE, SIZE))
    assert torch.allclose(start, noise, atol=0.02)
    assert torch.allclose(edit(33)[1], image, atol=0.04)


def test_a_long_prompt_names_what_is_cut(model):
    encoder = load_encoder(model, CPU)
    assert encoder.cut("a" * 60) == ""
    assert encoder.cut("a" * 75 + "tail").endswith("tail"[-3:])


def test_a_manifest_changes_with_the_weights(folder, model, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = copy / "unet/diffusion_pytorch_model.fp16.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    changed = pin(Model(name=str(copy), **OPTIONS))
    hashes = [sorted(m.files.values()) for m in (model, changed)]
    assert hashes[0] != hashes[1]
    (tmp_path / "model.json").write_text(json.dumps(model.model_dump()))
    assert load_pinned(tmp_path / "model.json") == model
    with pytest.raises(UserError, match="dvc repro model"):
        load_pinned(tmp_path / "none.json")


@pytest.fixture
def hub(folder, tmp_path, monkeypatch):
    """A hub cache that holds the tiny prior as DeepFloyd/IF-I-XL-v1.0, and no network."""
    commit = "a" * 40
    repo = tmp_path / "models--DeepFloyd--IF-I-XL-v1.0"
    shutil.copytree(folder, repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs/main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return commit


def test_a_hub_id_is_pinned_to_its_revision(hub):
    pinned = pin(Model(name="DeepFloyd/IF-I-XL-v1.0", **OPTIONS))
    assert pinned.revision == hub and pinned.timesteps == 1000
    assert load_pixel_prior(pinned, CPU).size == SIZE


@pytest.mark.parametrize("name", ["DeepFloyd/IF-I-M-v1.0", "no/such-model"])
def test_no_access_is_one_line_that_says_how_to_get_it(hub, name):
    with pytest.raises(
        UserError, match=f"{name}.*accept its licence at huggingface.co/{name}.*HF_TOKEN"
    ) as error:
        folder_of(name, fetch=True)
    assert "\n" not in str(error.value)


def test_a_gated_model_without_a_token_is_one_line(monkeypatch):
    from huggingface_hub.errors import GatedRepoError

    class Gated(GatedRepoError):
        def __init__(self):
            OSError.__init__(self, "401 Client Error.\nAccess is restricted.")

    def gated(*args, **kwargs):
        raise Gated

    monkeypatch.setattr("huggingface_hub.snapshot_download", gated)
    with pytest.raises(UserError, match="accept its licence") as error:
        folder_of("DeepFloyd/IF-I-XL-v1.0", fetch=True)
    assert "\n" not in str(error.value)


def test_a_missing_folder_a_missing_variant_and_no_accelerator_are_one_line(folder):
    with pytest.raises(UserError, match=r"'models/none' cannot be loaded.*check model.name"):
        pin(Model(name="models/none", **OPTIONS))
    plain = pin(Model(name=str(folder), **OPTIONS | {"variant": None}))
    with pytest.raises(UserError, match=r"check model.name, model.stage_ii and model.variant") as error:
        load_pixel_prior(plain, CPU)
    assert "\n" not in str(error.value)
    streamed = pin(Model(name=str(folder), **OPTIONS | {"offload": True}))
    with pytest.raises(UserError, match=r"model.offload is true, but this machine has no accelerator"):
        load_pixel_prior(streamed, CPU)
