"""The scores of an illusion: closed forms, and what random prompts give."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fundiff.critic.alignment import Alignment, best
from fundiff.critic.concealment import alignment_score, concealment_score, illusion_scores


def chance():
    return torch.Generator().manual_seed(0)


def test_alignment_is_the_worst_reading():
    assert alignment_score(torch.tensor([[0.9, 0.1], [0.2, 0.3]])) == pytest.approx(0.3)


@given(st.integers(2, 5), st.floats(-1, 1), st.floats(0.1, 50))
def test_views_that_look_alike_conceal_nothing(views, value, scale):
    assert concealment_score(torch.full((views, views), value), scale) == pytest.approx(1 / views, abs=1e-6)


def test_concealment_of_two_views_is_a_logistic_curve():
    expected = torch.sigmoid(torch.tensor(10 * 0.4)).item()
    assert concealment_score(torch.tensor([[0.5, 0.1], [0.1, 0.5]]), 10) == pytest.approx(expected)


def test_exchanged_readings_score_below_chance():
    assert concealment_score(torch.tensor([[0.1, 0.5], [0.5, 0.1]]), 10) < 0.1


def test_a_true_illusion_stands_above_random_prompts():
    similarities = torch.zeros(2, 6)
    similarities[0, 3] = similarities[1, 5] = 1.0
    scores = illusion_scores(similarities, [3, 5], 10, chance(), 6)
    assert scores["alignment"] == 1 and scores["alignment_random"] == 0
    assert scores["concealment"] > 0.99 and scores["concealment_random"] == pytest.approx(0.5)


def test_the_sample_that_hides_its_other_reading_is_chosen():
    # Two samples, prompts (skull, falls, other). Seen from near, the first shows its own prompt, the falls,
    # better than the second does, but it shows the skull even better.
    near = Alignment(torch.tensor([[0.6, 0.5, 0.0], [0.1, 0.2, 0.0]]), torch.tensor([1, 1]), 3)
    afar = Alignment(torch.tensor([[0.6, 0.0, 0.0], [0.4, 0.1, 0.0]]), torch.tensor([0, 0]), 3)
    assert best(torch.stack([near.margin(), afar.margin()])) == 0
    assert best(torch.stack([near.margin([0]), afar.margin([1])])) == 1


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4))
def test_a_margin_over_more_prompts_is_never_larger(scores):
    scored = Alignment(torch.tensor([scores]), torch.tensor([2]), 4)
    assert scored.margin([0, 3]) <= scored.margin([0]) <= scored.margin()


def test_a_prompt_outside_of_the_vocabulary_is_compared_with_all_of_it():
    alignment = Alignment(torch.tensor([[0.3, 0.1, 0.2]]), torch.tensor([2]), 2)
    assert alignment.wrong.item() == pytest.approx(0.2) and alignment.rank.item() == 2
    inside = Alignment(torch.tensor([[0.3, 0.1, 0.9]]), torch.tensor([0]), 2)
    assert inside.wrong.item() == pytest.approx(0.1) and inside.rank.item() == 1


def test_random_sentences_are_the_vocabularys_alone():
    similarities = torch.tensor([[0.9, 0.0, 0.0, 0.8], [0.0, 0.0, 0.0, 0.9]])
    scores = illusion_scores(similarities, [0, 3], 10, chance(), 3)
    assert scores["alignment_random"] == 0
    with pytest.raises(ValueError, match="no 2 others"):
        illusion_scores(similarities, [0, 1], 10, chance(), 3)
