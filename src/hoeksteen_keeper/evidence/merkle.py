"""
The Merkle tree of RFC 6962 section 2.1: hashes and proofs.

A tree is seen through one function, `node(low, high)`, that gives the hash over the leaves `[low, high)`; `TileStore`
reads it from tiles. Proofs only say which of these nodes they need.
"""

import hashlib
from collections.abc import Callable, Sequence

Node = Callable[[int, int], bytes]
HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """Hash one leaf."""
    return _sha256(b"\x00" + data).digest()


def pair_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent."""
    return _sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: bytes) -> bytes:
    """Fold 2**n concatenated hashes into their root."""
    while len(hashes) > HASH_BYTES:
        hashes = b"".join([_sha256(b"\x01" + hashes[i : i + 64]).digest() for i in range(0, len(hashes), 64)])
    return hashes


def split(low: int, high: int) -> int:
    """Give where RFC 6962 divides the leaves [low, high): after the largest power of two smaller than their number."""
    return low + (1 << ((high - low - 1).bit_length() - 1))


def inclusion_proof(node: Node, index: int, size: int) -> list[bytes]:
    """Give the audit path of a leaf, from the leaf's sibling upward (RFC 6962 section 2.1.1)."""
    assert 0 <= index < size
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = split(low, high)
        path.append(node(middle, high) if index < middle else node(low, middle))
        low, high = (low, middle) if index < middle else (middle, high)
    return path[::-1]


def consistency_proof(node: Node, old: int, size: int) -> list[bytes]:
    """Give the proof that a tree is a prefix of another (RFC 6962 section 2.1.2); empty for an empty or an equal tree."""
    assert 0 <= old <= size
    if old in (0, size):
        return []
    proof: list[bytes] = []
    low, high = 0, size
    while high != old:
        middle = split(low, high)
        proof.append(node(middle, high) if old <= middle else node(low, middle))
        low, high = (low, middle) if old <= middle else (middle, high)
    return ([] if low == 0 else [node(low, high)]) + proof[::-1]


def range_proof(node: Node, first: int, last: int, size: int) -> list[bytes]:
    """
    Give the hashes that, with all leaves of [first, last), make the root: left to right, each as large as it can be.

    With it a whole range of leaves is bound to a checkpoint by at most 2 log2(size) hashes.
    """

    def walk(low: int, high: int) -> list[bytes]:
        if high <= first or low >= last:
            return [node(low, high)]
        if first <= low and high <= last:
            return []
        middle = split(low, high)
        return walk(low, middle) + walk(middle, high)

    assert 0 <= first < last <= size
    return walk(0, size)


def range_root(hashes: Sequence[bytes], first: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Give the root that the leaf hashes from `first` on and a range proof make; None when the proof has another shape."""
    rest, last = list(proof), first + len(hashes)

    def walk(low: int, high: int) -> bytes:
        if high <= first or low >= last:
            return rest.pop(0)
        if first <= low and high <= last and (high - low) & (high - low - 1) == 0:
            return perfect_root(b"".join(hashes[low - first : high - first]))
        middle = split(low, high)
        return pair_hash(walk(low, middle), walk(middle, high))

    try:
        root = walk(0, size)
    except IndexError:
        return None
    return None if rest else root


def consistent(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Verify a consistency proof (RFC 9162 section 2.1.4.2)."""
    if old == size or old == 0:
        return not proof and (old_root == root if old == size else old_root == EMPTY_ROOT)
    hashes = list(proof) if old & (old - 1) else [old_root, *proof]  # a full subtree is left out of the proof
    if not hashes or old > size:
        return False
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first_root = second_root = hashes[0]
    for item in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first_root, second_root = pair_hash(item, first_root), pair_hash(item, second_root)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second_root = pair_hash(second_root, item)
        node, last = node >> 1, last >> 1
    return last == 0 and first_root == old_root and second_root == root
