"""
What must never be one customer, whatever a score says; and when evidence is too thin to merge without a person's decision.

A household shares surname, address, telephone, bank account and often initials: only what belongs to one person tells its members apart.
"""

from hoeksteen.consolidation.features import Facts

NAME_TYPOS_MAX = 2
OWN_WITHOUT_BIRTH_DATE_MIN = 2
YEARS_OFF_MAX = 3


def contradiction(left: Facts, right: Facts) -> str | None:
    """Say why two records cannot be one customer, or give None."""
    if left.test or right.test:
        return "test_record"
    if left.organization != right.organization:
        return "person_and_company"
    if left.organization:
        return _companies(left, right)
    if left.suffix and right.suffix and left.suffix != right.suffix:
        return "father_and_son"
    if left.gender and right.gender and left.gender != right.gender:
        return "other_gender"
    if not same_initials(left, right, whole=False):
        return "other_initials"
    if left.given_name and right.given_name and left.given_name != right.given_name and not left.emails & right.emails:
        return "other_given_name"
    both_born = bool(left.birth_date and right.birth_date)
    if both_born and left.birth_date != right.birth_date and not (nearly_the_same_day(left.birth_date, right.birth_date) and _strong(left, right)):
        return "other_birth_date"
    if not similar_surname(left, right) and not (_strong(left, right, named=False) if both_born else _renamed(left, right)):
        return "other_surname"
    return None


def too_thin(left: Facts, right: Facts) -> str | None:
    """Say what is missing to merge two records that do not contradict each other, or give None when they may be merged."""
    if left.organization:
        same = left.chamber_of_commerce_number and left.chamber_of_commerce_number == right.chamber_of_commerce_number
        named = bool(left.company and right.company)
        return None if same or (named and shares_contact(left, right)) else "no_number_in_common"
    same_given = bool(left.given_name) and left.given_name == right.given_name
    if not (left.initials and right.initials or same_given or belongings(left, right)):
        return "no_initials"  # twins share all the rest
    # father and son: one name, one address, often one telephone or account; without a birth date it takes two things of one's own
    own = belongings(left, right)
    if not (left.birth_date and right.birth_date) and (not own or own + same_given < OWN_WITHOUT_BIRTH_DATE_MIN):
        return "no_birth_date"
    return None


def _strong(left: Facts, right: Facts, *, named: bool = True) -> bool:
    """Say whether everything but one deviating field speaks for one person: the initials, and the name with a door or two things of one's own."""
    if not same_initials(left, right, whole=True):
        return named and bool(left.initials and right.initials) and belongings(left, right) >= 2 and same_surname(left, right)
    return belongings(left, right) >= 2 or ((same_surname(left, right) or not named) and shares_contact(left, right))


def _renamed(left: Facts, right: Facts) -> bool:
    """Say whether all but surname and birth date, of which one is unknown, is one person's: a woman before and after her marriage."""
    same_gender = bool(left.gender) and left.gender == right.gender
    return same_gender and same_initials(left, right, whole=True) and belongings(left, right) >= 2


def belongings(left: Facts, right: Facts) -> int:
    """Count the things of one's own that are the same: a mobile number, an e-mail address, a bank account."""
    mobile = any(number.startswith("316") for number in left.phones & right.phones)
    return mobile + bool(left.emails & right.emails) + bool(left.iban and left.iban == right.iban)


def same_surname(left: Facts, right: Facts) -> bool:
    """Say whether one of their surnames is the same: partner's name, name at birth, or both together."""
    return bool(set(left.surnames) & set(right.surnames))


def similar_surname(left: Facts, right: Facts) -> bool:
    """Say whether surnames agree but for at most two typing errors."""
    if same_surname(left, right):
        return True
    return any(distance(one, other) <= (NAME_TYPOS_MAX if min(len(one), len(other)) > 4 else 1) for one in left.surnames for other in right.surnames)


def same_initials(left: Facts, right: Facts, *, whole: bool) -> bool:
    """
    Say whether initials agree.

    :param whole: all of them; otherwise as far as the shorter goes, and unknown ones agree with any
    """
    one, other = left.initials, right.initials
    if not one or not other:
        return not whole
    return one == other if whole else one.startswith(other) or other.startswith(one)


def shares_contact(left: Facts, right: Facts) -> bool:
    """Say whether a door, telephone, e-mail or bank account is the same."""
    return bool(left.dwelling and left.dwelling == right.dwelling) or _personal(left, right)


def _personal(left: Facts, right: Facts) -> bool:
    return bool(left.phones & right.phones or left.emails & right.emails or (left.iban and left.iban == right.iban))


def nearly_the_same_day(one: str, other: str) -> bool:
    """
    Say whether two days (`yyyymmdd`) differ by a slip: one mistyped digit, day and month exchanged, a neighbouring day, or at most three years.

    With the year the end of a month may change: 29 February is no day of every year.
    A digit of the century or decade does not count: that is how a father's day of birth may differ from his son's.
    """
    same_day = one[6:] == other[6:] or min(one[6:], other[6:]) >= "28"
    if one[4:6] == other[4:6] and same_day and abs(int(one[:4]) - int(other[:4])) <= YEARS_OFF_MAX:
        return True
    if one[:6] == other[:6] and abs(int(one[6:]) - int(other[6:])) == 1:
        return True
    if one[:4] == other[:4] and one[4:6] == other[6:8] and one[6:8] == other[4:6]:
        return True
    differing = [place for place in range(8) if one[place] != other[place]]
    return len(differing) == 1 and differing[0] >= 3


def _companies(left: Facts, right: Facts) -> str | None:
    if left.chamber_of_commerce_number and right.chamber_of_commerce_number:
        return None if left.chamber_of_commerce_number == right.chamber_of_commerce_number else "other_chamber_number"
    if distance(left.company, right.company) > (NAME_TYPOS_MAX if min(len(left.company), len(right.company)) > 6 else 0):
        return "other_company_name"
    return None


def distance(one: str, other: str, *, at_most: int = NAME_TYPOS_MAX) -> int:
    """Count the insertions, deletions, changes and exchanges of neighbours between two words, up to one more than `at_most`."""
    if one == other:
        return 0
    if abs(len(one) - len(other)) > at_most:
        return at_most + 1
    before, last = [0], list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i, *([0] * len(other))]
        for j, mark in enumerate(other, start=1):
            row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != mark))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == mark:
                row[j] = min(row[j], before[j - 2] + 1)
        if min(row) > at_most:
            return at_most + 1
        before, last = last, row
    return min(last[-1], at_most + 1)
