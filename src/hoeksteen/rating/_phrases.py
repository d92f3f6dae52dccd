"""The phrases of SQL that the pieces of rating share: exact quotients, and what came before a record."""

# Consumption is in this order over all records of a scope (docs/rating.md, "Allowances").
ORDER = "generation, start, record_id"


def half_up(numerator: str, denominator: str) -> str:
    """Quotient of two integers that are not negative, rounded half-up, without leaving the integers."""
    return f"({numerator} // {denominator} + CASE WHEN 2 * ({numerator} % {denominator}) >= {denominator} THEN 1 ELSE 0 END)"


def before(quantity: str, scope: str) -> str:
    """What the records before this one in its scope's order add up to."""
    return f"(sum({quantity}) OVER (PARTITION BY {scope} ORDER BY {ORDER} ROWS UNBOUNDED PRECEDING) - {quantity})::BIGINT"


def begun(units: str, size: str) -> str:
    """How many stretches of a size are begun by so many units; none by 0."""
    return f"(({units} + {size} - 1) // {size})"
