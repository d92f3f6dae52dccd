"""
Discounts for what a billing account holds together: a plan costs less on the days on which others are held beside it.

Each stretch of such days becomes an alteration of the product that the discount lowers, so that it is prorated, billed, corrected and shown
like every other. Pure; days are ordinals.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from hoeksteen.billing.recurring import Alteration, HeldProduct, Term
from hoeksteen.kernel.identifiers import derived


class BundleDiscount(NamedTuple):
    """
    A discount of one offering.

    :param together: families and how many active products of each the billing account must have, this one counted
    :param value: what is taken off, in hundredths of a percent where `percentage`, else micro-euros per period
    """

    bundle_id: str
    name: str
    together: tuple[tuple[str, int], ...]
    percentage: bool
    value: int


class Offered(NamedTuple):
    """What bundles need of an offering."""

    family: str
    bundles: tuple[BundleDiscount, ...]


def with_bundles(products: Sequence[HeldProduct], offered: dict[str, Offered]) -> list[HeldProduct]:
    """
    Give the products of one billing account with the alterations that they have because they are held together.

    :param offered: every offering, by identifier
    """
    terms = [(term, offered[term.product_offering_id].family) for one in products for term in one.terms if _counts(term, offered)]
    edges = sorted({day for term, _ in terms for day in (term.first, term.end)})
    return [product._replace(alterations=(*product.alterations, *_alterations(product, terms, edges, offered))) for product in products]


def _counts(term: Term, offered: dict[str, Offered]) -> bool:
    return term.active and term.product_offering_id in offered


def _alterations(product: HeldProduct, terms: Sequence[tuple[Term, str]], edges: Sequence[int], offered: dict[str, Offered]) -> list[Alteration]:
    found: list[Alteration] = []
    for term in product.terms:
        for bundle in offered[term.product_offering_id].bundles if _counts(term, offered) else ():
            identifier = str(derived("bundle", bundle.bundle_id))
            for first, end in pairwise(edges):
                if not (term.first <= first and end <= term.end and _complete(bundle, terms, first)):
                    continue
                if found and (found[-1].alteration_id, found[-1].end) == (identifier, first):
                    found[-1] = found[-1]._replace(end=end)
                else:
                    found.append(Alteration(identifier, bundle.name, bundle.percentage, -bundle.value, first, end))
    return found


def _complete(bundle: BundleDiscount, terms: Sequence[tuple[Term, str]], day: int) -> bool:
    return all(sum(family == wanted and term.first <= day < term.end for term, family in terms) >= least for wanted, least in bundle.together)
