"""Stage II through views: with one view it equals diffusers' own pipeline; an anagram stays an anagram."""

import pytest
import torch
from diffusers import IFSuperResolutionPipeline

from fundiff.pipeline.noise import sample_generators
from fundiff.pipeline.runtime import Runtime
from fundiff.prior.hub import Pinned
from fundiff.prior.schedules import schedule_of
from fundiff.prior.stage_ii import FACTOR, enlarged, load_stage_ii
from fundiff.views.registry import VIEWS, enlarged_view, view_named
from tests.tiny import SIZE, make_stage_ii, scheduler

CPU = Runtime("cpu", "fp32", 1)
LOW = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
STATES = torch.randn(2, 77, 32, generator=torch.Generator().manual_seed(1))
EMPTY = torch.zeros(77, 32)


@pytest.fixture(scope="module")
def second(model):
    return load_stage_ii(model, CPU)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = make_stage_ii(tmp_path_factory.mktemp("prior") / "if-ii")
    return Pinned(
        name="none", variant=None, precision="fp32", offload=False, stage_ii=str(folder),
        revision=None, stage_ii_revision=None, timesteps=1000, files={}, schedule=schedule_of("none", scheduler()),
    )  # fmt: skip


def generators():
    return sample_generators(180, len(LOW))


def test_one_reading_as_it_is_is_the_super_resolution_pipeline(model, second):
    pipe = IFSuperResolutionPipeline.from_pretrained(
        model.stage_ii, text_encoder=None, tokenizer=None, safety_checker=None, feature_extractor=None,
        watermarker=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    side = FACTOR * SIZE
    expected = pipe(
        image=LOW, height=side, width=side, prompt_embeds=STATES, negative_prompt_embeds=EMPTY.expand_as(STATES),
        num_inference_steps=3, generator=generators(), output_type="pt",
    ).images  # fmt: skip
    ours = enlarged(second, LOW, [(VIEWS["identity"](), STATES, 1.0)], EMPTY, generators(), steps=3)
    assert torch.allclose(ours, expected, atol=1e-4)


def test_the_second_reading_weighs_what_its_weight_says(second):
    def drawn(weight: float, reduction: str = "mean"):
        readings = [(VIEWS["identity"](), STATES, 1.0), (VIEWS["flip"](), STATES.flip(0), weight)]
        return enlarged(second, LOW, readings, EMPTY, generators(), reduction, steps=2)

    one = enlarged(second, LOW, [(VIEWS["identity"](), STATES, 1.0)], EMPTY, generators(), steps=2)
    assert one.shape == drawn(1.0).shape
    assert not torch.allclose(one, drawn(1.0)) and not torch.allclose(drawn(1.0), drawn(3.0))
    assert not torch.allclose(drawn(1.0), drawn(1.0, "alternate"))
    assert torch.allclose(drawn(1e-9), one, atol=1e-4)


def test_a_model_without_a_second_stage_has_none(model):
    assert load_stage_ii(model.model_copy(update={"stage_ii": None}), CPU) is None


@pytest.mark.parametrize("name", [*VIEWS, "pixels then flip"])
def test_a_view_of_the_large_picture_is_the_view_of_the_small_one(name):
    small = view_named(name)
    large = enlarged_view(small, FACTOR)
    low = LOW.repeat_interleave(FACTOR, 2).repeat_interleave(FACTOR, 3)
    seen = small.view(LOW).repeat_interleave(FACTOR, 2).repeat_interleave(FACTOR, 3)
    assert torch.equal(large.inverse(large.view(low)), low)
    if name not in ("skew", "jigsaw", "inner_circle"):  # enlarged, their edges are finer than small pixels
        assert torch.equal(large.view(low), seen)
    else:
        assert (large.view(low) == seen).float().mean() > 0.6
