"""
The invented operator of the benchmark.

One million products of 600,000 billing accounts (fewer below 50 million records), whose use is long-tailed. Every product has allowances,
10 % are in shared pools, about 8 % exceed one, 5 % have tiers, 1 % are capped; prices change within the month, calls have two bands, and 2 % of
the records are late.
"""

from typing import Any

_PRODUCTS_MAX = 1_000_000
_RECORDS_PER_PRODUCT_MIN = 50
_BYTES_PER_SESSION = 10_000_000  # on average
_DATA_SHARE = 0.6
_EXCEEDS_FROM = 1.77  # how many times the average a product uses that is among the 8 % who use most


def _products(records: int) -> int:
    return max(100, min(_PRODUCTS_MAX, records // _RECORDS_PER_PRODUCT_MIN))


def catalogue(records: int) -> dict[str, Any]:
    """Give the offerings: plain, shared, tiered, capped."""
    average = records / _products(records) * _DATA_SHARE * _BYTES_PER_SESSION
    allowed = int(average * _EXCEEDS_FROM)

    def versions(*amounts: str, **more: Any) -> list[dict[str, Any]]:
        days = ("2026-01-01", "2026-10-15")
        return [{"valid_from": day, "amount": amount, **more} for day, amount in zip(days, amounts, strict=True)]

    bands = [{"id": "evening", "days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "from": "19:00", "to": "24:00", "amount": "0.08"}]
    voice = {"id": "voice", "kind": "usage", "service": "voice", "versions": versions("0.19", "0.21", minimum=60, step=1, bands=bands)}
    data = {"id": "data", "kind": "usage", "service": "data", "versions": versions("0.002", "0.003", step=1000)}
    sms = {"id": "sms", "kind": "usage", "service": "sms", "versions": versions("0.10", "0.11")}
    steps = [{"up_to_units": 3600, "amount": "0.20"}, {"amount": "0.05"}]
    tiers = [{"valid_from": day, "minimum": 60, "step": 1, "tiers": {"mode": "graduated", "steps": steps}} for day in ("2026-01-01", "2026-10-15")]
    minutes = {"id": "minutes", "service": "voice", "units": 30_000_000}
    texts = {"id": "texts", "service": "sms", "units": 30_000}
    own = {"id": "bytes", "service": "data", "units": allowed}

    def offering(name: str, prices: list[Any], allowances: list[Any], caps: list[Any]) -> dict[str, Any]:
        return {
            "id": name, "family": "mobile", "name": {"nl": name, "en": name}, "segment": "consumer", "tax_included": True,
            "prices": prices, "allowances": allowances, "caps": caps,
        }  # fmt: skip

    return {
        "offerings": [
            offering("bench-plain", [voice, data, sms], [minutes, texts, own], []),
            offering("bench-shared", [voice, data, sms], [minutes, texts, {**own, "units": 3 * allowed, "shared": True}], []),
            offering("bench-tiered", [{**voice, "versions": tiers}, data, sms], [texts, own], []),
            offering("bench-capped", [voice, data, sms], [minutes, own], [{"id": "cap", "service": "sms", "amount": "1.00"}]),
        ]
    }


def people(records: int) -> list[tuple[str, str]]:
    """Give the tables of billing accounts and of products with their number of records, which add up to `records`."""
    products = _products(records)
    accounts = products * 6 // 10
    mean = records / products
    return [
        (
            "account",
            f"SELECT i AS account_no, md5('account' || i)::UUID AS billing_account_id, md5('customer' || i)::UUID AS customer_id,"
            f" md5('party' || i)::UUID AS party_id, ('0x' || right(md5('account' || i), 1))::INTEGER AS bucket FROM range({accounts}) r(i)",
        ),
        (
            "drawn",
            f"SELECT i AS product_no, md5('product' || i)::UUID AS product_id,"
            f" (CASE WHEN i < {accounts} THEN i ELSE hash(i) % {accounts} END)::BIGINT AS account_no,"
            f" floor({mean} * 0.5 / sqrt(greatest(hash(i * 7 + 1) % 1000003, 1) / 1000003.0) * 0.98)::BIGINT AS drawn FROM range({products}) r(i)",
        ),
        (
            "product",
            "SELECT product_no, product_id, account_no,"
            " CASE WHEN hash(account_no + 5) % 10 = 0 THEN 'bench-shared' WHEN hash(product_no + 3) % 100 < 5 THEN 'bench-tiered'"
            " WHEN hash(product_no + 3) % 100 = 5 THEN 'bench-capped' ELSE 'bench-plain' END AS offering,"
            f" greatest(0, drawn + missing // {products} + CASE WHEN product_no < missing % {products} THEN 1 ELSE 0 END) AS records"
            f" FROM drawn, (SELECT greatest(0, {records} - sum(drawn))::BIGINT AS missing FROM drawn)",
        ),
    ]


def usage(bucket: int) -> str:
    """Give the guided records of one bucket, in the order of the lake's files."""
    voice_zone = "CASE WHEN h // 100 % 20 = 0 THEN 'EU' WHEN h // 100 % 100 = 1 THEN 'WORLD' ELSE 'NL' END"
    place = "CASE WHEN h // 100 % 20 = 0 THEN 'EU' WHEN h // 100 % 100 = 1 THEN 'WORLD' ELSE 'HOME' END"
    return f"""
    SELECT 202610 AS month, {bucket} AS bucket, billing_account_id, product_id,
        TIMESTAMPTZ '2026-09-30 22:00:00+00' + to_microseconds(((h2 % 2678400)::BIGINT * 1000000)) AS start,
        md5(h || '.' || h2)::UUID AS record_id, customer_id, md5('file' || h % 50)::UUID AS usage_file_id,
        line, service, CASE WHEN service = 'data' THEN replace({place}, 'HOME', 'NL') ELSE {voice_zone} END AS zone,
        CASE WHEN service = 'data' THEN {place} ELSE 'HOME' END AS roaming,
        CASE service WHEN 'data' THEN (h2 // 4 % {2 * _BYTES_PER_SESSION})::BIGINT WHEN 'voice' THEN (h2 // 8 % 400)::BIGINT ELSE 1 END AS units,
        CASE WHEN h // 7 % 50 = 0 THEN 1 ELSE 0 END AS generation, DATE '2026-10-01' AS period_day,
        CASE WHEN h // 7 % 50 = 0 THEN DATE '2026-11-01' ELSE DATE '2026-10-01' END AS bill_day,
        CASE WHEN service <> 'data' THEN '\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'::BLOB || unhex(right('0000000000000000' || hex(h2), 16)) END
            AS other_number
    FROM (
        SELECT *, CASE WHEN h % 10 < 6 THEN 'data' WHEN h % 10 < 9 THEN 'voice' ELSE 'sms' END AS service,
            (row_number() OVER ())::INTEGER * 50 + (h % 50)::INTEGER AS line
        FROM (
            SELECT a.billing_account_id, a.customer_id, p.product_id, hash(p.product_no * 1000003 + n) // 2 AS h,
                hash(p.product_no * 1000003 + n + 500000007) // 2 AS h2
            FROM (SELECT *, unnest(range(records)) AS n FROM product) p JOIN account a USING (account_no) WHERE a.bucket = {bucket}
        )
    ) ORDER BY billing_account_id, product_id, start, record_id
    """


# What came out of one bucket: how many charges, how many of them beyond an allowance, how many products used more than one gives.
FOUND = """
SELECT coalesce(sum(records), 0)::BIGINT AS charges, coalesce(sum(beyond), 0)::BIGINT AS beyond, count(*) AS products,
    coalesce(count(*) FILTER (beyond > 0), 0) AS products_over
FROM (
    SELECT product_id, count(*) AS records, count(*) FILTER (service = 'data' AND free_units < units) AS beyond FROM charge GROUP BY product_id
)
"""
