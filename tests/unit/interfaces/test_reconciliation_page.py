"""The page of a reconciliation, as somebody reads it in Dutch."""

from lxml import html

from hoeksteen.interfaces.web.standalone import reconciliation_page


def a_source(**more: object) -> dict[str, object]:
    states = dict.fromkeys(("loaded", "merged", "in_review", "rejected", "waiting"), 1)
    return {"name": "fixed", "title": "Fixed line", "records_in": 5, "closes": True, **states, **more}


def test_the_dutch_half_names_sources_findings_and_figures_in_dutch() -> None:
    finding = {"code": "more_open_than_total", "field": "FACTUUR", "source": "fixed", "records": 1, "first_place": "fixed.csv:9"}
    figures = {"contracts": {"in": 2, "out": 2}, "mandates": {"in": 5, "out": 3, "superseded": 2}, "notes": {"in": 4, "out": 3}}
    document = {
        "run": {"run_id": "r", "started_by": "emma.bakker", "grant": None, "wave": "friends", "kind": "copy"}, "closes": True, "sha256": "0",
        "cutover": "2026-12-01", "made_at": "2026-11-30T07:00:00+01:00", "reviews": 0, "customers": 1, "review_share": 0,
        "rejected": [], "findings": [finding], "sources": [a_source(**figures)],
    }  # fmt: skip
    tree = html.fromstring(reconciliation_page(document=document, signatures=[]))
    [dutch] = tree.xpath("//*[@lang='nl'][.//table]")[-1:]
    text = dutch.text_content()
    assert "factuur waarvan meer openstaat dan het totaal" in text
    assert "more open than total" not in text
    assert "Contracten" in text
    assert [cell.text_content() for cell in dutch.xpath(".//details//td")[:1]] == ["Fixed line"]
    assert [one.text_content() for one in dutch.xpath(".//*[@class='differs']")] == ["4 → 3"]  # a mandate behind another one is no difference
