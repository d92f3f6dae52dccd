"""
Plain Splink as its documentation sets a deduplication up, on the same standardised records: what ours is held against, for `bench` only.

Its comparison library with its defaults, u from random pairs, m by expectation maximisation, connected components over a match probability.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from hoeksteen.storage.lake.engines.duckdb import Duck

MEMORY_BYTES_MAX = 8 * 1024**3
LINKED_FROM_PROBABILITY = 0.95
_SEED = 1
_SAMPLED_PAIRS_MAX = 1e6
_RECALL_ASSUMED = 0.7
_TRAINING_PAIRS_MAX = 5_000_000


@dataclass(frozen=True, slots=True)
class Plain:
    """
    A plain set-up.

    :param certain: what only pairs of one person agree on, from which Splink estimates how many there are
    """

    comparisons: tuple[Any, ...]
    blocks: tuple[Any, ...]
    certain: tuple[Any, ...]
    training: tuple[Any, ...]


CUSTOMERS = Plain(
    comparisons=(
        cl.NameComparison("first_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("birth_date", input_is_string=True),
        cl.ExactMatch("dwelling").configure(term_frequency_adjustments=True),
        cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
        cl.EmailComparison("email"),
        cl.ExactMatch("iban").configure(term_frequency_adjustments=True),
    ),
    blocks=(
        block_on("surname", "birth_date"),
        block_on("first_name", "birth_date"),
        block_on("surname", "dwelling"),
        block_on("phone"),
        block_on("email"),
        block_on("iban"),
    ),
    certain=(block_on("surname", "birth_date", "dwelling"), block_on("email"), block_on("phone")),
    training=(block_on("surname", "birth_date"), block_on("dwelling")),
)
# As Splink's worked example of FEBRL 3 has it.
FEBRL = Plain(
    comparisons=(
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("birth_date", input_is_string=True),
        cl.DamerauLevenshteinAtThresholds("person_number", [2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [2]),
    ),
    blocks=(
        block_on("person_number"),
        block_on("given_name", "surname"),
        block_on("given_name", "birth_date"),
        block_on("surname", "birth_date"),
        block_on("street_number", "postcode"),
        block_on("birth_date", "postcode"),
        block_on("surname", "postcode"),
    ),
    certain=(block_on("person_number"), block_on("given_name", "surname", "birth_date")),
    training=(block_on("birth_date"), block_on("postcode")),
)


def connected(plain: Plain, records: pa.Table) -> list[tuple[int, int]]:
    """
    Give the cluster of each record as (its `unique_id`, the cluster's).

    :param records: the columns that are compared, and `unique_id`; nulls are unknown
    """
    with Duck(memory_bytes_max=MEMORY_BYTES_MAX, spill=None) as duck:
        logging.getLogger("splink").setLevel(logging.ERROR)
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=list(plain.comparisons),
            blocking_rules_to_generate_predictions=list(plain.blocks),
            retain_matching_columns=False,
            retain_intermediate_calculation_columns=False,
            linker_uid="plain",
        )
        linker = Linker(DuckDBAPI(connection=duck.connection).register(records), settings, log_level=None)
        training = linker.training
        training.estimate_probability_two_random_records_match(list(plain.certain), recall=_RECALL_ASSUMED)
        training.estimate_u_using_random_sampling(max_pairs=_SAMPLED_PAIRS_MAX, seed=_SEED)
        for block in plain.training:
            training.estimate_parameters_using_expectation_maximisation(block, max_pairs=_TRAINING_PAIRS_MAX)
        found = linker.inference.predict(threshold_match_probability=LINKED_FROM_PROBABILITY, warning_mode="never")
        linked = linker.clustering.cluster_pairwise_predictions_at_threshold(found, threshold_match_probability=LINKED_FROM_PROBABILITY)
        return [(int(record), int(cluster)) for record, cluster in duck.tuples(f"SELECT unique_id, cluster_id FROM {linked.physical_name}")]


def pairs_of(clusters: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """Group records by their cluster."""
    grouped: dict[int, list[int]] = {}
    for record, cluster in clusters:
        grouped.setdefault(cluster, []).append(record)
    return grouped
