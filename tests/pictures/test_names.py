"""Names of files made from prompts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundiff.pictures.names import LONGEST, slug, slugs
from fundiff.pipeline.errors import UserError


def test_a_slug_is_the_words():
    assert slug("an oil painting of a Snowy village!") == "an_oil_painting_of_a_snowy_village"
    assert slug("") == slug("?!") == "empty"


@given(st.text())
def test_a_slug_is_always_a_safe_name(text):
    assert re.fullmatch(r"\w+", slug(text)) and len(slug(text)) <= LONGEST


def test_texts_that_would_share_a_file_are_one_line():
    assert slugs(["a dog", "a cat", "a dog"]) == {"a dog": "a_dog", "a cat": "a_cat"}
    with pytest.raises(UserError, match="would share the file name 'a_dog'"):
        slugs(["a dog", "A dog!"])
