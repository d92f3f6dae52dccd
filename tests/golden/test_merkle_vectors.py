"""The test tree of the Certificate Transparency project (RFC 6962), and tiles whose bytes never change."""

import hashlib
from pathlib import Path

import pytest

from hoeksteen_keeper.evidence.merkle import EMPTY_ROOT, consistency_proof, consistent, inclusion_proof, leaf_hash
from hoeksteen_keeper.evidence.objects import Files
from hoeksteen_keeper.evidence.tiles import TileStore, tile_path

# github.com/google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {  # (index, size): the audit path
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {  # (old, size): the proof
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@pytest.fixture
def store(tmp_path: Path) -> TileStore:
    store = TileStore(Files(tmp_path))
    for size, leaf in enumerate(LEAVES):
        store.extend(size, [leaf], [b"body"], [])
    return store


def test_the_roots_of_the_test_tree(store: TileStore) -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [store.tree(size)(0, size).hex() for size in range(1, 9)] == ROOTS


@pytest.mark.parametrize("case", INCLUSION)
def test_the_audit_paths_of_the_test_tree(store: TileStore, case: tuple[int, int]) -> None:
    assert [item.hex() for item in inclusion_proof(store.tree(case[1]), *case)] == INCLUSION[case]


@pytest.mark.parametrize("case", CONSISTENCY)
def test_the_consistency_proofs_of_the_test_tree(store: TileStore, case: tuple[int, int]) -> None:
    old, size = case
    proof = consistency_proof(store.tree(size), old, size)
    assert [item.hex() for item in proof] == CONSISTENCY[case]
    assert consistent(old, bytes.fromhex(ROOTS[old - 1]), size, bytes.fromhex(ROOTS[size - 1]), proof)


def test_tile_paths_are_those_of_the_document() -> None:
    assert tile_path("tile/0", 1234067) == "tile/0/x001/x234/067"
    assert tile_path("tile/1", 0, 17) == "tile/1/000.p/17"
    assert tile_path("tile/entries", 1000, 255) == "tile/entries/x001/000.p/255"


def test_a_tree_of_70_000_entries_has_the_tiles_that_the_document_lists(tmp_path: Path) -> None:
    """The example under "Partial Tiles" in tlog-tiles."""
    store, size = TileStore(Files(tmp_path)), 0
    for count in (69_000, 1_000):
        size = store.extend(size, [str(size + i).encode() for i in range(count)], [b""] * count, [])
    for level, full, partial in ((0, 273, ["112"]), (1, 1, ["17"]), (2, 0, ["1"])):
        files = [path.relative_to(tmp_path / f"tile/{level}").as_posix() for path in (tmp_path / f"tile/{level}").rglob("*") if path.is_file()]
        last = [name.split(".p/")[1] for name in files if ".p/" in name and int(name.split("/")[0].split(".")[0]) == full]
        assert len([name for name in files if ".p" not in name]) == full
        assert partial[0] in last
    digest = hashlib.sha256()
    for path in sorted(path for path in (tmp_path / "tile").rglob("*") if path.is_file() and ".p" not in path.as_posix()):
        digest.update(path.relative_to(tmp_path).as_posix().encode() + path.read_bytes())
    assert digest.hexdigest() == "c26eb651ad25a8fcf2ec32929a6a7f9d8a9d0435063e650a7ffef03306b24b38"
    assert (tmp_path / "tile/0/000").read_bytes()[:32] == leaf_hash(b"0")
    assert (tmp_path / "tile/entries/000").read_bytes()[:6] == b"\x00\x010\x00\x011"
