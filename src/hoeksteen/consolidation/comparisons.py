"""What Splink compares of two records, level by level, and which pairs are compared at all; for people and for companies."""

from dataclasses import dataclass
from typing import Any

from splink import block_on

Level = dict[str, Any]
Comparison = dict[str, Any]
BIRTH_DATE = "birth_date"
FIRST_NAMES = "first_names"
ANOTHER = "another"


@dataclass(frozen=True, slots=True)
class Model:
    """
    How the records of one kind are compared.

    :param comparisons: each with its levels and the probabilities that are used when too few records are there to learn from
    :param blocks: a pair that agrees on any of these is scored
    :param training: what pairs agree on while the rest is learned from them
    """

    comparisons: tuple[Comparison, ...]
    blocks: tuple[Any, ...]
    training: tuple[Any, ...] = ()

    @property
    def names(self) -> list[str]:
        """Give what is compared, in order."""
        return [str(comparison["output_column_name"]) for comparison in self.comparisons]


def level(condition: str, label: str, m: float, u: float, **more: Any) -> Level:
    """Give one level: `m` of the pairs of one customer are on it, `u` of the others."""
    return {"sql_condition": condition, "label_for_charts": label, "m_probability": m, "u_probability": u, **more}


def unknown(column: str) -> Level:
    """Give the level of what one of the two does not know: it speaks neither for nor against."""
    return {"sql_condition": f"{column}_l IS NULL OR {column}_r IS NULL", "label_for_charts": "unknown", "is_null_level": True}


def comparison(name: str, *levels: Level) -> Comparison:
    """Give a comparison of its levels, the first that holds counts."""
    return {"output_column_name": name, "comparison_levels": list(levels)}


_SURNAME = comparison(
    "surname",
    unknown("surname"),
    level("surname_l = surname_r", "the same", 0.91, 0.004, tf_adjustment_column="surname", tf_adjustment_weight=1.0),
    level("list_has_any(surnames_l, surnames_r)", "one of several names", 0.03, 0.003),
    level("damerau_levenshtein(surname_l, surname_r) <= 1 OR jaro_winkler_similarity(surname_l, surname_r) >= 0.93", "a typing error", 0.045, 0.003),
    level("ELSE", ANOTHER, 0.015, 0.99),
)
_FIRST_NAMES = comparison(
    FIRST_NAMES,
    unknown("initial"),
    level("initials_l = initials_r AND given_name_l = given_name_r", "initials and given name", 0.35, 0.002),
    level("initials_l = initials_r AND length(initials_l) > 1", "all of several initials", 0.25, 0.003),
    level("initials_l = initials_r", "the one initial", 0.2, 0.02),
    level("starts_with(initials_l, initials_r) OR starts_with(initials_r, initials_l)", "initials as far as given", 0.15, 0.05),
    level("initial_l = initial_r", "first initial", 0.03, 0.02),
    level("ELSE", ANOTHER, 0.02, 0.905),
)
# A slip of the pen, as guards.nearly_the_same_day has it: one digit, day and month exchanged, the day before or after, up to three years off.
SLIP = (
    "hamming(birth_date_l, birth_date_r) = 1"
    " OR (birth_year_l = birth_year_r AND birth_date_l[5:6] = birth_date_r[7:8] AND birth_date_l[7:8] = birth_date_r[5:6])"
    " OR (birth_date_l[5:6] = birth_date_r[5:6] AND abs(CAST(birth_year_l AS INTEGER) - CAST(birth_year_r AS INTEGER)) <= 3"
    "     AND (birth_date_l[7:8] = birth_date_r[7:8] OR least(birth_date_l[7:8], birth_date_r[7:8]) >= '28'))"
    " OR (birth_date_l[1:6] = birth_date_r[1:6] AND abs(CAST(birth_date_l[7:8] AS INTEGER) - CAST(birth_date_r[7:8] AS INTEGER)) = 1)"
)
# Who shares neither year, month nor day of birth is another: no slip changes all three.
_BIRTH_DATE = comparison(
    BIRTH_DATE,
    unknown("birth_date"),
    level("birth_date_l = birth_date_r", "the same", 0.97, 0.0001),
    level(SLIP, "a slip of the pen", 0.025, 0.003),
    level(
        "birth_year_l = birth_year_r OR birth_date_l[5:6] = birth_date_r[5:6] OR birth_date_l[7:8] = birth_date_r[7:8]",
        "the year, the month or the day",
        0.003,
        0.13,
    ),
    level("ELSE", ANOTHER, 0.002, 0.8669),
)
_ADDRESS = comparison(
    "address",
    unknown("postcode"),
    level("dwelling_l = dwelling_r", "the same door", 0.83, 0.0004),
    level("house_l = house_r", "the same house number", 0.05, 0.0003),
    level("postcode_l = postcode_r", "the same postcode", 0.02, 0.0005),
    level("ELSE", ANOTHER, 0.1, 0.9988),
)
_PHONE = comparison(
    "phones",
    unknown("phones"),
    level("list_has_any(mobiles_l, mobiles_r)", "a mobile number in common", 0.35, 0.00001),
    level("list_has_any(phones_l, phones_r)", "a line in common", 0.05, 0.00005),
    level("ELSE", ANOTHER, 0.6, 0.99994),
)
_EMAIL = comparison(
    "emails",
    unknown("emails"),
    level("list_has_any(emails_l, emails_r)", "one in common", 0.6, 0.00002),
    level("ELSE", ANOTHER, 0.4, 0.99998),
)
_IBAN = comparison(
    "iban",
    unknown("iban"),
    level("iban_l = iban_r", "the same", 0.75, 0.00005),
    level("ELSE", ANOTHER, 0.25, 0.99995),
)
_COMPANY = comparison(
    "company",
    unknown("company"),
    level("company_l = company_r", "the same", 0.9, 0.001, tf_adjustment_column="company", tf_adjustment_weight=1.0),
    level("jaro_winkler_similarity(company_l, company_r) >= 0.93", "a typing error", 0.08, 0.004),
    level("ELSE", ANOTHER, 0.02, 0.995),
)
_CHAMBER = comparison(
    "chamber",
    unknown("chamber"),
    level("chamber_l = chamber_r", "the same", 0.97, 0.00001),
    level("ELSE", ANOTHER, 0.03, 0.99999),
)

PEOPLE = Model(
    comparisons=(_SURNAME, _FIRST_NAMES, _BIRTH_DATE, _ADDRESS, _PHONE, _EMAIL, _IBAN),
    blocks=(
        block_on("birth_date", "initial"),
        block_on("birth_date", "sound"),
        block_on("house", "initial"),
        block_on("surname", "initials", "birth_year"),
        block_on("phones", arrays_to_explode=["phones"]),
        block_on("emails", arrays_to_explode=["emails"]),
        block_on("iban"),
    ),
    training=(block_on("birth_date", "initial"), block_on("surname", "initials", "house")),
)
COMPANIES = Model(
    comparisons=(_COMPANY, _CHAMBER, _ADDRESS, _PHONE, _EMAIL, _IBAN),
    blocks=(
        block_on("chamber"),
        block_on("company"),
        block_on("house"),
        block_on("phones", arrays_to_explode=["phones"]),
        block_on("emails", arrays_to_explode=["emails"]),
        block_on("iban"),
    ),
)
