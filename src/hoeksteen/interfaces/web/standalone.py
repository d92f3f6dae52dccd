"""Pages that stand in a file of their own: both languages in one, light and dark, no script, nothing loaded from anywhere."""

from datetime import datetime
from decimal import Decimal
from importlib import resources
from typing import Any

from markupsafe import Markup

from hoeksteen.consolidation.parallel import Cause
from hoeksteen.consolidation.parallel_run import ParallelRun
from hoeksteen.consolidation.profile_page import words_of
from hoeksteen.interfaces.web.site import environments
from hoeksteen.interfaces.web.words import LANGUAGES, marked

WHAT_IS_RECONCILED = {
    "products": marked("Products"),
    "numbers": marked("Numbers"),
    "sims": marked("SIMs"),
    "monthly": marked("Recurring revenue a month"),
    "contacts": marked("Contacts"),
    "consents": marked("Consents"),
    "notes": marked("Notes"),
    "mandates": marked("Mandates"),
    "open_items": marked("Open items"),
    "open_invoices": marked("Open invoices"),
    "open_amount": marked("Open amount"),
    "balance": marked("Balance"),
    "balances": marked("Balances"),
    "credits": marked("Credits"),
    "contracts": marked("Contracts"),
    "net_balance": marked("Balance"),
}
STATES = {
    "loaded": marked("loaded"),
    "merged": marked("merged"),
    "in_review": marked("in review"),
    "rejected": marked("rejected"),
    "waiting": marked("waiting"),
}
CAUSES = {
    Cause.PRICE: marked("price"),
    Cause.PRORATION: marked("proration"),
    Cause.DISCOUNT: marked("discount"),
    Cause.VAT: marked("VAT"),
    Cause.ROUNDING: marked("rounding"),
    Cause.USAGE: marked("usage"),
    Cause.TIMING: marked("timing"),
    Cause.MISSING_HERE: marked("missing here"),
    Cause.MISSING_THERE: marked("missing there"),
    Cause.EXTRA_PRODUCT: marked("extra product"),
}
CUSTOMERS_SHOWN = 500


def page(template: str, *, title: str, **values: Any) -> str:
    """
    Give a template as a whole HTML file, in both languages; the reader chooses one without a script.

    :param template: a file of `web/templates/alone`
    :param title: in English, marked for translation where it is named
    """
    style = resources.files("hoeksteen.interfaces").joinpath("static", "app.css").read_text("utf-8")
    made = environments("web")
    for language, environment in made.items():
        environment.filters.update(
            what=lambda code, language=language: words_of(code, language), decimal=lambda value: Decimal(str(value)), moment=datetime.fromisoformat
        )
    parts = [(language, Markup(made[language].get_template(f"web/alone/{template}").render(title=title, **values))) for language in LANGUAGES]  # noqa: S704
    return made[LANGUAGES[0]].get_template("web/alone/page.html").render(style=Markup(style), title=title, parts=parts)  # noqa: S704


def reconciliation_page(*, document: dict[str, Any], signatures: list[Any]) -> str:
    """
    Give a reconciliation as a page.

    :param document: as `consolidation.signoff` makes it
    :param signatures: who signed it off so far
    """
    sources = [{**source, "rows": _rows(source)} for source in document["sources"]]
    kinds = list(dict.fromkeys(name for source in sources for name, _, _ in source["rows"]))
    return page(
        "reconciliation.html", title=marked("Reconciliation"), document=document, sources=sources, kinds=kinds, signatures=signatures, states=STATES,
        names=WHAT_IS_RECONCILED, titles={source["name"]: source["title"] for source in sources},
    )  # fmt: skip


def _rows(source: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Give each figure that a source has before and after, whatever there is: name, in, out."""
    return [(name, one["in"], one["out"]) for name, one in source.items() if isinstance(one, dict) and one.keys() >= {"in", "out"}]


def parallel_run_page(found: ParallelRun) -> str:
    """Give a parallel run as a page: sums by cause, and the customers who differ most, with what each line rests on."""
    return page("parallel_run.html", title=marked("Parallel run"), found=found, causes=CAUSES, shown=CUSTOMERS_SHOWN)
