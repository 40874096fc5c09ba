"""The targets of fuzzing hold on their seeds, on what once broke them, and on bytes made by chance."""

import random

import pytest

from .fuzz.seeds import FOUND, seeds
from .fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_holds_on_its_seeds_and_on_what_once_broke_it(target):
    for data in seeds(target).values():
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_holds_on_seeds_with_flipped_and_lost_bytes(target):
    chance = random.Random(target)
    made = [data for data in seeds(target).values() if data]
    for _ in range(60):
        data = bytearray(chance.choice(made))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        cut = chance.randrange(1, len(data) + 1) if chance.random() < 0.3 else len(data)
        TARGETS[target](bytes(data[:cut]))


def test_what_was_found_belongs_to_a_target():
    assert {path.name for path in FOUND.iterdir()} <= {*TARGETS, "README"}
