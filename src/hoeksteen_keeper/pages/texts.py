"""The words of the pages, in Dutch and English."""

from collections.abc import Mapping

LANGUAGES = ("nl", "en")
_TEXTS: dict[str, tuple[str, str]] = {
    "keeper": ("De kluis", "The keeper"),
    "keeper_line": (
        "Wachtwoorden en goedkeuringen blijven hier. Andere schermen zien ze nooit.",
        "Passwords and approvals stay here. No other screen ever sees them.",
    ),
    "login": ("Inloggen", "Log in"),
    "login_for": ("Daarna gaat u terug naar", "Afterwards you go back to"),
    "name": ("Gebruikersnaam", "User name"),
    "password": ("Wachtwoord", "Password"),
    "code": ("Code uit uw authenticator-app", "Code from your authenticator app"),
    "code_help": ("Zes cijfers; elke code werkt één keer.", "Six digits; each code works once."),
    "logout": ("Uitloggen", "Log out"),
    "skip": ("Naar de inhoud", "Skip to content"),
    "approvals": ("Aanvragen om toegang", "Requests for access"),
    "approvals_none": ("Er is niets om over te beslissen.", "There is nothing to decide on."),
    "waiting": ("Wacht op goedkeuring", "Waiting for approval"),
    "others": ("Lopend en voorbij", "Running and over"),
    "passkeys": ("Passkeys", "Passkeys"),
    "who": ("Wie vraagt", "Who asks"),
    "organisation": ("Organisatie", "Organisation"),
    "why": ("Waarom", "Why"),
    "ticket": ("Ticket", "Ticket"),
    "purpose": ("Doel", "Purpose"),
    "what": ("Welke gegevens", "Which data"),
    "whose": ("Van wie", "Whose"),
    "anybody": ("van iedereen, tot het plafond", "anybody's, up to the ceiling"),
    "people_listed": ("van deze personen", "of these people"),
    "how": ("Hoe te zien", "How it is shown"),
    "unmasked": ("volledig leesbaar", "in full"),
    "by_policy": ("zoals de regels voor deze rol bepalen", "as the policies say for this role"),
    "how_long": ("Hoe lang", "For how long"),
    "minutes": ("minuten vanaf de tweede goedkeuring", "minutes from the second approval"),
    "ceiling": ("Plafond", "Ceiling"),
    "openings": ("keer openen", "openings"),
    "used": ("gebruikt", "used"),
    "asked_at": ("Gevraagd op", "Asked at"),
    "state": ("Stand", "State"),
    "requested": ("aangevraagd", "requested"),
    "running": ("loopt", "running"),
    "refused": ("geweigerd", "refused"),
    "revoked": ("ingetrokken", "revoked"),
    "expired": ("verlopen", "expired"),
    "approved_by": ("Goedgekeurd door", "Approved by"),
    "nobody_yet": ("nog niemand", "nobody yet"),
    "signed": ("Dit is wat u ondertekent, letter voor letter", "This is what you sign, letter by letter"),
    "digest": ("SHA-256", "SHA-256"),
    "approve": ("Goedkeuren met passkey", "Approve with a passkey"),
    "approve_cli": ("Of met uw sleutel, op uw eigen machine:", "Or with your key, on your own machine:"),
    "approve_need_passkey": (
        "U hebt hier nog geen passkey; registreer er een of gebruik uw sleutel.",
        "You have no passkey here yet; register one, or use your key.",
    ),
    "refuse": ("Weigeren", "Refuse"),
    "revoke": ("Intrekken", "Revoke"),
    "reason": ("Reden", "Reason"),
    "passkeys_held": ("Uw passkeys", "Your passkeys"),
    "passkeys_none": ("U hebt nog geen passkey.", "You have no passkey yet."),
    "passkey_add": ("Een passkey registreren", "Register a passkey"),
    "passkey_why": (
        "Wie inlogt mag nog niets goedkeuren. Bewijs eerst een sleutel die u al hebt: maak met dit commando een bewijs, dat een minuut geldt.",
        "Logging in is not enough to approve. First prove a key that you hold already: this command makes a proof that is valid for a minute.",
    ),
    "passkey_ticket": ("Bewijs", "Proof"),
    "working": ("Bezig…", "Working…"),
    "done": ("Gelukt.", "Done."),
    "browser_refused": ("De browser of de passkey brak af.", "The browser or the passkey gave up."),
    "not_found": ("Deze pagina bestaat niet.", "There is no such page."),
    "login_failed": ("Naam, wachtwoord of code klopt niet.", "Name, password or code is wrong."),
    "locked_out": ("Te vaak mislukt. Probeer het later opnieuw.", "Too many attempts failed. Try again later."),
    "actor_blocked": ("Uw toegang is stopgezet.", "Your access was stopped."),
    "organisation_blocked": ("De toegang van uw organisatie is stopgezet.", "Your organisation's access was stopped."),
    "session_killed": ("Uw sessie is stopgezet.", "Your session was stopped."),
    "token_expired": ("Uw sessie is voorbij. Log opnieuw in.", "Your session is over. Log in again."),
    "return_refused": (
        "De dienst die u hierheen stuurde is onbekend. Log niet in; meld het.",
        "The service that sent you here is unknown. Do not log in; report it.",
    ),
    "no_permission": ("U mag hier niet over beslissen.", "You may not decide on this."),
    "approver_is_asker": ("Niemand keurt zijn eigen aanvraag goed.", "Nobody approves what they ask for themselves."),
    "same_organisation": (
        "Een aanvraag wordt nooit door de eigen organisatie goedgekeurd.",
        "A grant is never approved by the organisation that asks for it.",
    ),
    "already_approved": ("U hebt dit al goedgekeurd; nu een tweede persoon.", "You approved this already; a second person must."),
    "code_invalid": ("Het bewijs is gebruikt, te oud of niet van u.", "The proof was used, is too old, or is not yours."),
    "signature_invalid": ("De handtekening is niet van een passkey van u.", "The signature is not by a passkey of yours."),
    "purpose.care": ("klantenservice", "customer care"),
    "purpose.billing": ("facturering", "billing"),
    "purpose.fraud": ("fraudeonderzoek", "fraud"),
    "purpose.migration": ("migratie", "migration"),
    "purpose.support": ("technische ondersteuning", "technical support"),
    "purpose.legal_order": ("wettelijk bevel", "legal order"),
    "purpose.own_data": ("eigen gegevens", "own data"),
    "category.identity": ("identiteit", "identity"),
    "category.contact": ("adressen en nummers", "addresses and numbers"),
    "category.payment": ("betaalgegevens", "payment details"),
    "category.note": ("notities", "notes"),
    "category.credential": ("codes en beveiligingsvragen", "codes and security answers"),
    "category.traffic": ("verkeersgegevens", "traffic data"),
    "category.invoice_party": ("gegevens op facturen", "invoice party"),
}  # fmt: skip
CATALOGUES: Mapping[str, Mapping[str, str]] = {
    language: {key: pair[number] for key, pair in _TEXTS.items()} for number, language in enumerate(LANGUAGES)
}


def language_of(accept: str, chosen: str | None) -> str:
    """Give the language that a reader chose, or else the first that the browser names, or else Dutch."""
    if chosen in LANGUAGES:
        return str(chosen)
    named = [part.split(";")[0].strip()[:2].lower() for part in accept.split(",")]
    return next((language for language in named if language in LANGUAGES), "nl")
