"""Firms and foundations: trading name, legal form, number at the Chamber of Commerce, a contact person."""

from typing import NamedTuple

import numpy as np

from hoeksteen.synth import _words
from hoeksteen.synth._chance import pick, plain_stream, stream
from hoeksteen.synth._names import CULTURE_SHARES, draw_given_names, draw_surnames, initials, surnames
from hoeksteen.synth._numbers import kvk_numbers
from hoeksteen.synth._people import People

LEGAL_FORMS = ("B.V.", "V.O.F.", "eenmanszaak", "stichting")
_OWNED_SHARE = 0.4


class Firm(NamedTuple):
    """
    One organisation.

    :param owner: the individual who owns it and lives at its address, or -1
    """

    name: str
    legal_form: str
    kvk: str
    initials: str
    prefix: str
    surname: str
    gender: int
    owner: int


def draw_firms(*, seed: int, count: int, people: People) -> list[Firm]:
    """Draw organisations; four in ten sole traders are also a customer in person, at the same address."""
    chance, plain = stream(seed, "firms"), plain_stream(seed, "firms")
    cultures = pick(chance, CULTURE_SHARES, count)
    genders = np.where(chance.random(count) < 0.5, 1, 2).astype(np.int64)
    years = chance.integers(1950, 2000, size=count)
    given = draw_given_names(chance, cultures=cultures, genders=genders, birth_years=years)
    more = np.stack([draw_given_names(chance, cultures=cultures, genders=genders, birth_years=years) for _ in range(3)], axis=1)
    written = initials(given, more, 1 + pick(chance, (0.6, 0.3, 0.1), count))
    names, numbers, forms = draw_surnames(chance, cultures), kvk_numbers(chance, count), pick(chance, (0.40, 0.14, 0.36, 0.10), count)
    owners = iter(chance.permutation(len(people) - people.rejectable).tolist())
    table, trades, firm_names = surnames(), _words.TRADES.split(), [name.replace("_", " ") for name in _words.FIRM_NAMES.split()]
    places = [head + tail for head in _words.PLACE_HEADS.split() for tail in _words.PLACE_TAILS.split()]
    firms = []
    for place, form in enumerate(forms.tolist()):
        owner, surname, letters, gender = -1, int(names[place]), written[place], int(genders[place])
        if LEGAL_FORMS[form] == "eenmanszaak" and plain.random() < _OWNED_SHARE:
            owner = next(owners)
            surname, letters, gender = int(people.surname[owner]), people.initials[owner], int(people.gender[owner])
        prefix, family = table.prefixes[surname], table.names[surname]
        if LEGAL_FORMS[form] == "stichting":
            name = f"Stichting {plain.choice(_words.FOUNDATIONS.split())} {plain.choice(places)}"
        elif LEGAL_FORMS[form] == "eenmanszaak" or plain.random() < 0.35:
            name = " ".join(filter(None, [plain.choice(trades), letters if plain.random() < 0.5 else "", prefix.capitalize(), family]))
        else:
            name = f"{plain.choice(trades)} {plain.choice(firm_names)}"
        name += f" {LEGAL_FORMS[form]}" if form < 2 else ""
        firms.append(Firm(name, LEGAL_FORMS[form], numbers[place], letters, prefix, family, gender, owner))
    return firms
