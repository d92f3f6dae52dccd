"""
Scoring pairs of records with Splink (Fellegi and Sunter), trained without labels on the records themselves.

Too few records to learn from are scored with the parameters written here, which are those that the model learns on the invented operator.
Nothing is written to disk: DuckDB works in memory, and has no directory to spill to.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.internals.exceptions import EMTrainingException

from hoeksteen.consolidation.features import Facts, table
from hoeksteen.consolidation.model import Pair
from hoeksteen.storage.lake.engines.duckdb import Duck

SEED = 20261101
TRAINED_FROM_RECORDS = 1_000
WEIGHT_MIN = 0.0
MEMORY_BYTES_MAX = 6 * 1024**3
_SAMPLED_PAIRS_MAX = 2_000_000
_TRAINING_PAIRS_MAX = 1_000_000

Level = dict[str, Any]


def _level(condition: str, label: str, m: float, u: float, **more: Any) -> Level:
    return {"sql_condition": condition, "label_for_charts": label, "m_probability": m, "u_probability": u, **more}


def _unknown(column: str) -> Level:
    return {"sql_condition": f"{column}_l IS NULL OR {column}_r IS NULL", "label_for_charts": "unknown", "is_null_level": True}


def _comparison(name: str, *levels: Level) -> dict[str, Any]:
    return {"output_column_name": name, "comparison_levels": list(levels)}


_SURNAME = _comparison(
    "surname",
    _unknown("surname"),
    _level("surname_l = surname_r", "the same", 0.91, 0.004, tf_adjustment_column="surname", tf_adjustment_weight=1.0),
    _level("list_has_any(surnames_l, surnames_r)", "one of several names", 0.03, 0.003),
    _level("damerau_levenshtein(surname_l, surname_r) <= 1 OR jaro_winkler_similarity(surname_l, surname_r) >= 0.93", "a typing error", 0.045, 0.003),
    _level("ELSE", "another", 0.015, 0.99),
)
_FIRST_NAMES = _comparison(
    "first_names",
    _unknown("initial"),
    _level("initials_l = initials_r AND given_name_l = given_name_r", "initials and given name", 0.35, 0.002),
    _level("initials_l = initials_r", "all initials", 0.45, 0.02),
    _level("starts_with(initials_l, initials_r) OR starts_with(initials_r, initials_l)", "initials as far as given", 0.15, 0.05),
    _level("initial_l = initial_r", "first initial", 0.03, 0.02),
    _level("ELSE", "another", 0.02, 0.908),
)
_BIRTH_DATE = _comparison(
    "birth_date",
    _unknown("birth_date"),
    _level("birth_date_l = birth_date_r", "the same", 0.97, 0.0001),
    _level(
        "hamming(birth_date_l, birth_date_r) = 1 OR (birth_year_l = birth_year_r"
        " AND birth_date_l[5:6] = birth_date_r[7:8] AND birth_date_l[7:8] = birth_date_r[5:6])",
        "one digit, or day and month exchanged",
        0.025,
        0.0025,
    ),
    _level("ELSE", "another", 0.005, 0.9974),
)
_ADDRESS = _comparison(
    "address",
    _unknown("postcode"),
    _level("dwelling_l = dwelling_r", "the same door", 0.83, 0.0004),
    _level("house_l = house_r", "the same house number", 0.05, 0.0003),
    _level("postcode_l = postcode_r", "the same postcode", 0.02, 0.0005),
    _level("ELSE", "another", 0.1, 0.9988),
)
_PHONE = _comparison(
    "phones",
    _unknown("phones"),
    _level("list_has_any(phones_l, phones_r)", "one in common", 0.4, 0.00005),
    _level("ELSE", "another", 0.6, 0.99995),
)
_EMAIL = _comparison(
    "emails",
    _unknown("emails"),
    _level("list_has_any(emails_l, emails_r)", "one in common", 0.6, 0.00002),
    _level("ELSE", "another", 0.4, 0.99998),
)
_IBAN = _comparison(
    "iban",
    _unknown("iban"),
    _level("iban_l = iban_r", "the same", 0.75, 0.00005),
    _level("ELSE", "another", 0.25, 0.99995),
)
_COMPANY = _comparison(
    "company",
    _unknown("company"),
    _level("company_l = company_r", "the same", 0.9, 0.001, tf_adjustment_column="company", tf_adjustment_weight=1.0),
    _level("jaro_winkler_similarity(company_l, company_r) >= 0.93", "a typing error", 0.08, 0.004),
    _level("ELSE", "another", 0.02, 0.995),
)
_CHAMBER = _comparison(
    "chamber",
    _unknown("chamber"),
    _level("chamber_l = chamber_r", "the same", 0.97, 0.00001),
    _level("ELSE", "another", 0.03, 0.99999),
)

_PEOPLE = [_SURNAME, _FIRST_NAMES, _BIRTH_DATE, _ADDRESS, _PHONE, _EMAIL, _IBAN]
_COMPANIES = [_COMPANY, _CHAMBER, _ADDRESS, _PHONE, _EMAIL, _IBAN]


def _people_blocks() -> list[Any]:
    return [
        block_on("birth_date", "initial"),
        block_on("birth_date", "sound"),
        block_on("house", "initial"),
        block_on("surname", "initials", "birth_year"),
        block_on("phones", arrays_to_explode=["phones"]),
        block_on("emails", arrays_to_explode=["emails"]),
        block_on("iban"),
    ]


def _company_blocks() -> list[Any]:
    return [
        block_on("chamber"),
        block_on("company"),
        block_on("house"),
        block_on("phones", arrays_to_explode=["phones"]),
        block_on("emails", arrays_to_explode=["emails"]),
        block_on("iban"),
    ]


def score_pairs(facts: Sequence[Facts]) -> list[Pair]:
    """
    Give every plausible pair of records with its match weight (log2), best first; people and companies are never compared with each other.

    The same records in the same order give the same pairs.
    """
    people = [place for place, fact in enumerate(facts) if not fact.organization]
    firms = [place for place, fact in enumerate(facts) if fact.organization]
    pairs = _scored(facts, people, _PEOPLE, _people_blocks(), train=len(people) >= TRAINED_FROM_RECORDS)
    pairs += _scored(facts, firms, _COMPANIES, _company_blocks(), train=False)
    return sorted(pairs, key=lambda pair: (-pair.weight, pair.left, pair.right))


def _scored(facts: Sequence[Facts], places: list[int], comparisons: list[Any], blocks: list[Any], *, train: bool) -> list[Pair]:
    if len(places) < 2:
        return []
    # no directory to spill to: what is compared is in the clear
    with Duck(memory_bytes_max=MEMORY_BYTES_MAX, spill=None) as duck:
        api = DuckDBAPI(connection=duck.connection)
        logging.getLogger("splink").setLevel(logging.ERROR)
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=comparisons,
            blocking_rules_to_generate_predictions=blocks,
            probability_two_random_records_match=min(0.5, 0.7 / len(places)),
            retain_matching_columns=False,
            retain_intermediate_calculation_columns=False,
            linker_uid="hoeksteen",
        )
        linker = Linker(api.register(table(facts, places)), settings, log_level=None)
        if train:
            _train(linker)
        found = linker.inference.predict(threshold_match_weight=WEIGHT_MIN, warning_mode="never")
        scored = duck.arrow(f"SELECT unique_id_l, unique_id_r, match_weight FROM {found.physical_name}")
        columns = (scored["unique_id_l"].to_pylist(), scored["unique_id_r"].to_pylist(), scored["match_weight"].to_pylist())
        # floats are summed in parallel: what lies below the sixth decimal is chance
        return [Pair(min(left, right), max(left, right), round(weight, 6)) for left, right, weight in zip(*columns, strict=True)]


def _train(linker: Linker) -> None:
    """Learn u from random pairs, m by expectation maximisation on pairs that agree on something that the model then leaves out."""
    training = linker.training
    training.estimate_u_using_random_sampling(max_pairs=_SAMPLED_PAIRS_MAX, seed=SEED)
    for block in (block_on("birth_date", "initial"), block_on("surname", "initials", "house")):
        # without any pair that agrees so, what that round would teach stays as it is written above
        with suppress(EMTrainingException):
            training.estimate_parameters_using_expectation_maximisation(block, max_pairs=_TRAINING_PAIRS_MAX)
