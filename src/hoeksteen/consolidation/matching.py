"""
Scoring pairs of records with Splink (Fellegi and Sunter), trained without labels on the records themselves.

Too few records to learn from are scored with the parameters written in `comparisons`, which are those that the model learns on the invented operator.
Nothing is written to disk: DuckDB works in memory, and has no directory to spill to.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from splink import DuckDBAPI, Linker, SettingsCreator
from splink.internals.exceptions import EMTrainingException

from hoeksteen.consolidation.comparisons import COMPANIES, PEOPLE, Model
from hoeksteen.consolidation.estimating import notes_of, retrained, thresholds
from hoeksteen.consolidation.features import Facts, FactTable
from hoeksteen.consolidation.model import Decided
from hoeksteen.consolidation.scored import Part, Scale, Scored
from hoeksteen.storage.lake.engines.duckdb import Duck

SEED = 20261101
TRAINED_FROM_RECORDS = 1_000
WEIGHT_MIN = 0.0
MEMORY_BYTES_MAX = 4 * 1024**3
_SAMPLED_PAIRS_MAX = 2_000_000
_TRAINING_PAIRS_MAX = 1_000_000


def score_pairs(facts: Sequence[Facts], labels: Sequence[Decided] = ()) -> Scored:
    """
    Give every plausible pair of records with its match weight (log2), best first; people and companies are never compared with each other.

    The same records in the same order, with the same decisions, give the same pairs.

    :param labels: what people decided of pairs, by which the model is trained again and the thresholds move
    """
    known = FactTable.of(facts)
    firm, test = (np.array(known.columns[name].to_pylist(), np.bool_) for name in ("organization", "test"))
    people, firms = np.flatnonzero(~firm & ~test), np.flatnonzero(firm & ~test)
    parts = []
    if len(people) > 1:
        parts.append(scored_by(PEOPLE, known.for_splink(people.tolist()), train=len(people) >= TRAINED_FROM_RECORDS))
    if len(firms) > 1:
        parts.append(scored_by(COMPANIES, known.for_splink(firms.tolist()), train=False))
    parts = [retrained(part, labels) for part in parts]
    merged, reviewed = thresholds(parts, labels)
    return Scored(parts, [notes_of(part, labels) for part in parts], merged_from=merged, reviewed_from=reviewed)


def scored_by(model: Model, records: pa.Table, *, train: bool) -> Part:
    """
    Score the pairs of some records by a model.

    :param records: the columns that the model compares, and `unique_id`
    :param train: learn the model's probabilities from these records first
    """
    # no directory to spill to: what is compared is in the clear
    with Duck(memory_bytes_max=MEMORY_BYTES_MAX, spill=None) as duck:
        api = DuckDBAPI(connection=duck.connection)
        logging.getLogger("splink").setLevel(logging.ERROR)
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=list(model.comparisons),
            blocking_rules_to_generate_predictions=list(model.blocks),
            probability_two_random_records_match=min(0.5, 0.7 / records.num_rows),
            retain_matching_columns=False,
            retain_intermediate_calculation_columns=True,
            linker_uid="hoeksteen",
        )
        source = api.register(records)
        linker = Linker(source, settings, log_level=None)
        if train:
            linker = _trained(linker, source, model)
        scale = _scale(linker.misc.save_model_to_json(), model)
        found = linker.inference.predict(threshold_match_weight=WEIGHT_MIN, warning_mode="never")
        weights = ", ".join(f"CAST(mw_{name} AS FLOAT) AS mw_{name}" for name in scale.names)
        rarity = f"mw_tf_adj_{scale.varying}" if scale.varying else "0"
        return _part(scale, duck.arrow(f"SELECT unique_id_l, unique_id_r, match_weight, {rarity} AS rarity, {weights} FROM {found.physical_name}"))


def _trained(linker: Linker, source: Any, model: Model) -> Linker:
    """
    Learn u from random pairs, m by expectation maximisation on pairs that agree on something that the model then leaves out.

    A round that fails (no pair agrees so, or none of the others varies) teaches nothing; Splink leaves its model half changed then, so the last whole
    one is taken up again.
    """
    linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLED_PAIRS_MAX, seed=SEED)
    for block in model.training:
        whole = linker.misc.save_model_to_json()
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(block, max_pairs=_TRAINING_PAIRS_MAX)
        except EMTrainingException:
            linker = Linker(source, whole, log_level=None)
    return linker


def _scale(settings: dict[str, Any], model: Model) -> Scale:
    """Give what the levels are worth by a model's settings; a level that no pair taught anything about has its written worth."""
    labels, bits, m = [], [], []
    varying = ""
    for comparison, written in zip(settings["comparisons"], model.comparisons, strict=True):
        learned, own = [], []
        for level, first in zip(comparison["comparison_levels"], written["comparison_levels"], strict=True):
            if level.get("is_null_level"):
                learned.append(0.0)
                own.append(0.0)
                continue
            own.append(float(level.get("m_probability") or first["m_probability"]))
            learned.append(float(np.log2(own[-1] / float(level.get("u_probability") or first["u_probability"]))))
            varying = comparison["output_column_name"] if "tf_adjustment_column" in first else varying
        labels.append(tuple(level["label_for_charts"] for level in written["comparison_levels"]))
        bits.append(tuple(learned))
        m.append(tuple(own))
    chance = float(settings["probability_two_random_records_match"])
    return Scale(tuple(model.names), float(np.log2(chance / (1 - chance))), tuple(labels), tuple(bits), tuple(m), varying)


def _part(scale: Scale, found: pa.Table) -> Part:
    left, right = (found[name].to_numpy().astype(np.int64) for name in ("unique_id_l", "unique_id_r"))
    levels = np.zeros((found.num_rows, len(scale.names)), np.int8)
    for number, name in enumerate(scale.names):
        # each level has its own worth, by which it is known again
        weighed = found[f"mw_{name}"].to_numpy()
        nearest = np.full(len(weighed), np.inf)
        for level, bits in enumerate(scale.bits[number]):
            off = np.abs(weighed - bits)
            levels[off < nearest, number] = level
            nearest = np.minimum(nearest, off)
    # floats are summed in parallel: what lies below the sixth decimal is chance
    weight = np.round(found["match_weight"].to_numpy(), 6)
    return Part(scale, np.minimum(left, right), np.maximum(left, right), weight, levels, found["rarity"].to_numpy().astype(np.float64))
