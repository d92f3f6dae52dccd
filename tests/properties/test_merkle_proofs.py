"""Proofs over random trees: each right one verifies, no changed one does; the keeper and the verifier agree without sharing code."""

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hoeksteen_keeper.evidence.merkle import consistency_proof, consistent, inclusion_proof, leaf_hash, pair_hash, range_proof, range_root
from hoeksteen_keeper.evidence.objects import Files
from hoeksteen_keeper.evidence.tiles import TileStore
from hoeksteen_keeper.verify import formats
from hoeksteen_keeper.verify.bundle import _in_order

SIZE = 1_100
HASHES = [leaf_hash(str(number).encode()) for number in range(SIZE)]


def root_of(low: int, high: int) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if high == low:
        return hashlib.sha256(b"").digest()
    if high - low == 1:
        return HASHES[low]
    k = 1
    while k * 2 < high - low:
        k *= 2
    return pair_hash(root_of(low, low + k), root_of(low + k, high))


sizes = st.integers(min_value=1, max_value=SIZE)


@given(size=sizes, data=st.data())
def test_inclusion(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_proof(root_of, index, size), root_of(0, size)
    assert formats.range_root([HASHES[index]], index, size, _in_order(path, index, size)) == root
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index)) if size > 1 else None
    if other is not None:
        assert _root_or_none([HASHES[index]], other, size, _in_order(path, other, size)) != root
        assert _root_or_none([HASHES[other]], index, size, _in_order(path, index, size)) != root


def _root_or_none(hashes: list[bytes], first: int, size: int, proof: list[bytes]) -> bytes | None:
    try:
        return formats.range_root(hashes, first, size, proof)
    except formats.Invalid:
        return None


@given(size=sizes, data=st.data())
def test_ranges(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, size - 1))
    last = data.draw(st.integers(first + 1, size))
    proof, root = range_proof(root_of, first, last, size), root_of(0, size)
    assert range_root(HASHES[first:last], first, size, proof) == root
    assert formats.range_root(HASHES[first:last], first, size, proof) == root
    for wrong in (HASHES[first : last - 1], HASHES[first:last][::-1]):
        if wrong and wrong != HASHES[first:last]:
            assert _root_or_none(wrong, first, size, proof) != root
            assert range_root(wrong, first, size, proof) != root
    if proof:
        assert range_root(HASHES[first:last], first, size, proof[1:]) is None
        with pytest.raises(formats.Invalid):
            formats.range_root(HASHES[first:last], first, size, [*proof, proof[0]])


@given(old=st.integers(0, SIZE), more=st.integers(0, 300), data=st.data())
def test_consistency(old: int, more: int, data: st.DataObject) -> None:
    size = min(SIZE, old + more)
    proof = consistency_proof(root_of, old, size)
    old_root, root = root_of(0, old), root_of(0, size)
    assert consistent(old, old_root, size, root, proof)
    wrong = bytes([old_root[0] ^ 1]) + old_root[1:]
    assert not consistent(old, wrong, size, root, proof)
    assert not consistent(old, old_root, size, root, [*proof, root])
    if old not in (0, size):
        assert not consistent(old, old_root, size, bytes([root[0] ^ 1]) + root[1:], proof)
        assert not consistent(old, old_root, size, root, proof[:-1])
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not consistent(old, old_root, size, root, [*proof[:at], wrong, *proof[at + 1 :]])


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_tiles_written_in_any_steps_give_the_same_tree(steps: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, size, sizes = TileStore(Files(Path(folder))), 0, [0]
        for step in steps:
            step = min(step, SIZE - size)
            if step:
                size = store.extend(size, [str(size + i).encode() for i in range(step)], [b""] * step, [])
                sizes.append(size)
        for old in sizes:
            assert store.tree(old)(0, old) == root_of(0, old)
            assert consistent(old, root_of(0, old), size, root_of(0, size), consistency_proof(store.tree(size), old, size))
        peaks = formats.Peaks([])
        for number in range(size):
            peaks.add(1, HASHES[number])
        assert peaks.root() == root_of(0, size)
