import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_dip.errors import UserError
from napari_dip.tasks.settings import Settings, kinds, setting


@dataclass(frozen=True, kw_only=True)
class Example(Settings):
    count: int = setting(3, "How many", least=1, most=10)
    size: float | None = setting(None, "How large", least=0, most=1)
    on: bool = setting(True, "Whether")
    mode: Literal["slow", "quick"] | None = setting(None, "How")
    widths: tuple[int, ...] | None = setting(None, "Widths", least=0)
    modes: tuple[Literal["a", "b"], ...] = setting(("a",), "Modes")


def test_kinds_are_read_off_the_annotations():
    found = kinds(Example)
    assert [(k.scalar, k.choices, k.many, k.optional) for k in found.values()] == [
        (int, (), False, False),
        (float, (), False, True),
        (bool, (), False, False),
        (str, ("slow", "quick"), False, True),
        (int, (), True, True),
        (str, ("a", "b"), True, False),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"size": 1}, 1.0),
        ({"size": np.float32(0.5)}, 0.5),
        ({"count": np.int64(4)}, 4),
        ({"widths": [1, 2]}, (1, 2)),
        ({"widths": 5}, (5,)),
        ({"widths": np.uint8(5)}, (5,)),
        ({"modes": "b"}, ("b",)),
        ({"mode": None}, None),
    ],
)
def test_values_take_their_fields_type(values, expected):
    (name,) = values
    value = getattr(Example(**values), name)
    assert value == expected
    assert type(value) is type(expected)
    json.dumps(value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"count": 0}, "count: 0 is below its least value of 1"),
        ({"count": 11}, "count: 11 is above its greatest value of 10"),
        ({"count": 2.0}, "count: 2.0 is not a whole number"),
        ({"count": True}, "count: True is not a whole number"),
        ({"count": "3"}, "count: '3' is not a whole number"),
        ({"count": None}, "count: None is not a whole number"),
        ({"size": float("nan")}, "size: nan is not a finite number"),
        ({"size": float("inf")}, "size: inf is not a finite number"),
        ({"size": -0.5}, "size: -0.5 is below its least value of 0"),
        ({"size": "0.5"}, "size: '0.5' is not a number"),
        ({"size": False}, "size: False is not a number"),
        ({"on": 1}, "on: 1 is not true or false"),
        ({"mode": "fast"}, "mode: 'fast' is not one of slow, quick"),
        ({"widths": ()}, "widths: it is empty; give one entry for each level"),
        ({"widths": (1, -1)}, "widths: -1 is below its least value of 0"),
        ({"widths": (1, 0.5)}, "widths: 0.5 is not a whole number, or several with commas"),
        ({"modes": ("a", "c")}, "modes: 'c' is not one of a, b, or several with commas"),
    ],
)
def test_bad_values_are_refused_in_one_line(values, said):
    with pytest.raises(UserError) as caught:
        Example(**values)
    assert str(caught.value) == said


def test_settings_are_frozen():
    with pytest.raises(AttributeError):
        Example().count = 5


def test_replace_checks_again():
    assert Example().replace(count=5) == Example(count=5)
    with pytest.raises(UserError, match="count: 0"):
        Example().replace(count=0)


@pytest.mark.parametrize(
    "use",
    [
        lambda: Example().replace(cuont=5),
        lambda: Example.from_dict({"cuont": 5}),
        lambda: Example.parse("cuont", "5"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(use):
    with pytest.raises(UserError) as caught:
        use()
    assert str(caught.value) == "cuont: Example has no such setting; did you mean count?"


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="known are count, size, on, mode, widths, modes"):
        Example.from_dict({"xyz": 1})


examples = st.builds(
    Example,
    count=st.integers(1, 10),
    size=st.none() | st.floats(0, 1),
    on=st.booleans(),
    mode=st.sampled_from([None, "slow", "quick"]),
    widths=st.none() | st.lists(st.integers(0, 99), min_size=1, max_size=4).map(tuple),
    modes=st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map(tuple),
)


@given(examples)
def test_settings_survive_json(example):
    assert Example.from_dict(json.loads(example.to_json())) == example


@given(examples)
def test_text_of_a_value_parses_to_it(example):
    for name, value in example.to_dict().items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert Example.parse(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("size", "25/255", 25 / 255),
        ("size", "1e-3", 0.001),
        ("count", " 7 ", 7),
        ("on", "yes", True),
        ("on", "FALSE", False),
        ("on", "0", False),
        ("size", "none", None),
        ("size", "Null", None),
        ("size", "", None),
        ("widths", "64", (64,)),
        ("widths", "64, 32", (64, 32)),
        ("modes", "a,b", ("a", "b")),
    ],
)
def test_text_is_parsed(name, text, expected):
    assert Example.parse(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("count", "many"),
        ("count", "1.5"),
        ("count", "none"),
        ("size", "1/2/3"),
        ("size", "/"),
        ("on", "perhaps"),
        ("widths", "64,"),
        ("widths", "64 32"),
    ],
)
def test_text_that_is_no_value_is_refused(name, text):
    with pytest.raises(UserError, match=f"^{name}: '{text}' is not "):
        Example.parse(name, text)


@pytest.mark.parametrize(("name", "text"), [("size", "1/0"), ("mode", "fast"), ("count", "0")])
def test_text_of_a_value_out_of_range_is_refused_by_the_settings(name, text):
    with pytest.raises(UserError, match=f"^{name}: "):
        Example(**{name: Example.parse(name, text)})
