"""The flow form's techniques that are no more than arithmetic; those with a prior are in tests/prior/test_flow.py."""

from hypothesis import given
from hypothesis import strategies as st

from fundiff.techniques.flow import file_name


def test_a_time_in_a_files_name_is_in_hundredths():
    assert [file_name(t) for t in (0, 0.02, 0.5, 0.93, 1)] == ["000", "002", "050", "093", "100"]
    assert file_name(0.024) == "002_4"


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_two_times_never_share_a_file(one, other):
    names = {file_name(t / 10_000) for t in (one, other)}
    assert len(names) == len({one, other}) and all(set(name) <= set("0123456789_") for name in names)
