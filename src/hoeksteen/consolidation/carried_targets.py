"""Targets of a mapping for what a record brings beside customer and products, and the words that its codes may lead to."""

PURPOSES = {
    "marketing_email", "marketing_phone", "marketing_sms", "marketing_post", "profiling", "traffic_data", "location_data", "directory",
}  # fmt: skip
CARRIED: dict[str, set[str]] = {
    "invoice": {"invoice_number", "bill_date", "due_date", "total", "open_amount", "currency", "text", "disputed"},
    "consent": {"purpose", "decision", "decided_on", "channel"},
    "contact": {"name", "function", "phone", "email"},
    "note": {"day", "author", "text"},
}
NEEDED = {
    "invoice": {"invoice_number", "bill_date", "open_amount"},
    "consent": {"purpose", "decision"},
    "contact": {"name"},
    "note": {"text"},
}
RECORD = {
    "balance", "mandate_used", "mandate_iban", "contract_start", "contract_end",
    *(f"{of}.{part}" for of, parts in CARRIED.items() for part in parts),
    *(f"consent.{purpose}" for purpose in PURPOSES),
}  # fmt: skip
DAYS = {"bill_date", "due_date", "decided_on", "day", "contract_start", "contract_end"}
MONEY = ("total", "open_amount", "balance")
CODED_TARGETS = ("disputed", "purpose", "decision", "channel", "author", "mandate_used")
CODED: dict[str, set[str]] = {
    "mandate_used": {"yes", "no"},
    "invoice.disputed": {"yes", "no"},
    "consent.purpose": PURPOSES,
    "consent.decision": {"given", "withdrawn", ""},
    "consent.channel": {"phone", "e_mail", "post", "shop", "web", "app", ""},
    "note.author": {"agent", "sales", "collections", "billing", "technician", "system", "unknown"},
    **{f"consent.{purpose}": {"given", "withdrawn", ""} for purpose in PURPOSES},
}
