"""Scores of sample sets: real digits score their floor, noise its ceiling, and the spread is over the sets."""

import pytest
import torch

from fundiff.digits.data import Digits
from fundiff.judge.classifier import Judge
from fundiff.judge.scores import Reference, bounds, certainty, clarity, rounded, scores_of_sets
from fundiff.pipeline.errors import UserError


def digits(n: int, seed: int) -> Digits:
    """Ten blurry shapes with jitter: different enough that distances can rank sets of them."""
    g = torch.Generator().manual_seed(seed)
    shapes = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(9)).round()
    labels = torch.arange(n) % 10
    return Digits((shapes[labels] + 0.1 * torch.randn(n, 1, 28, 28, generator=g)).clamp(0, 1), labels)


@pytest.fixture(scope="module")
def judge() -> Judge:
    torch.manual_seed(0)
    return Judge().eval()


def test_what_is_real_scores_the_floor_and_noise_the_ceiling(judge):
    test, train = digits(200, 0), digits(200, 1)
    reference = Reference.of(judge, test, seed=0)
    limits = bounds(judge, reference, test, train, seed=0)
    real = scores_of_sets(judge, reference, train, [digits(reference.size, 2).images], None)
    assert limits["frechet_floor"] < limits["frechet_noise"] and limits["coverage_real"] > 0.5
    assert real["frechet"] < 3 * limits["frechet_floor"] < limits["frechet_noise"]
    assert "accuracy" not in real and "frechet_std" not in real


def test_accuracy_is_the_share_that_the_judge_reads_as_asked(judge):
    test = digits(100, 0)
    reference = Reference.of(judge, test, seed=0)
    images = test.images[: reference.size]
    seen = judge(images).argmax(1)
    wrong = torch.where(torch.arange(len(seen)) < 5, (seen + 1) % 10, seen)
    scores = scores_of_sets(judge, reference, test, [images, images], wrong)
    assert scores["accuracy"] == pytest.approx(1 - 5 / len(seen))
    assert scores["accuracy_std"] == 0 and scores["nearest_train_mse"] == 0


def test_real_digits_are_clear_by_definition_and_a_sure_judge_finds_all_others_so(judge):
    certain = certainty(judge, digits(200, 0).images)
    torch.testing.assert_close(certain, judge(digits(200, 0).images).softmax(1).amax(1))
    assert clarity(certain, certain) == 0.95
    ordered = certain.sort().values
    assert clarity(ordered[-20:], certain) == 1 and clarity(ordered[:5], certain) == 0


def test_numbers_are_rounded_to_five_digits_at_any_depth():
    assert rounded({"a": {"b": 1.23456789}, "n": 3}) == {"a": {"b": 1.2346}, "n": 3}


def test_the_balanced_floor_is_far_below_noise_and_wants_enough_of_every_digit(judge):
    test = digits(200, 0)
    reference = Reference.of(judge, test, seed=0)
    least = min(int(labels.bincount(minlength=10).min()) for labels in reference.labels)
    floor, noise = (
        reference.balanced_floor(10 * least),
        bounds(judge, reference, test, test, 0)["frechet_noise"],
    )
    assert 0 < floor["frechet"] < noise / 3
    with pytest.raises(
        UserError, match="count is 200; a half of the held-out digits has fewer of some digit"
    ):
        reference.balanced_floor(200)
