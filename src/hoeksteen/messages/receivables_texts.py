"""The texts about what customers owe and get back, in Dutch and English."""

from hoeksteen.messages.model import MessageKind

_GREETING = {"nl": "Met vriendelijke groet,\nLage Landen Telecom B.V.\n", "en": "Kind regards,\nLage Landen Telecom B.V.\n"}

SUBJECTS = {
    (MessageKind.PRE_NOTIFICATION, "nl"): "Wij schrijven factuur {bill_number} op {due_date} af",
    (MessageKind.PRE_NOTIFICATION, "en"): "We collect invoice {bill_number} on {due_date}",
    (MessageKind.COLLECTION_WITHDRAWN, "nl"): "Factuur {bill_number} wordt niet afgeschreven",
    (MessageKind.COLLECTION_WITHDRAWN, "en"): "Invoice {bill_number} is not collected",
    (MessageKind.COLLECTION_RETURNED, "nl"): "De afschrijving van factuur {bill_number} is niet gelukt",
    (MessageKind.COLLECTION_RETURNED, "en"): "The collection of invoice {bill_number} did not succeed",
    (MessageKind.REFUND_SENT, "nl"): "U krijgt geld terug",
    (MessageKind.REFUND_SENT, "en"): "You get money back",
    (MessageKind.PLAN_AGREED, "nl"): "Uw betalingsregeling",
    (MessageKind.PLAN_AGREED, "en"): "Your payment plan",
    (MessageKind.MANDATE_AMENDED, "nl"): "Wij schrijven voortaan af van een andere rekening",
    (MessageKind.MANDATE_AMENDED, "en"): "We collect from another account from now on",
    (MessageKind.INTEREST_CHARGED, "nl"): "Wij hebben wettelijke rente in rekening gebracht",
    (MessageKind.INTEREST_CHARGED, "en"): "We have charged statutory interest",
    (MessageKind.SERVICES_BLOCKED, "nl"): "Wij hebben uw diensten beperkt",
    (MessageKind.SERVICES_BLOCKED, "en"): "We have restricted your services",
    (MessageKind.SERVICES_UNBLOCKED, "nl"): "Uw diensten werken weer",
    (MessageKind.SERVICES_UNBLOCKED, "en"): "Your services work again",
    (MessageKind.REMINDER, "nl"): "Herinnering: factuur {bill_number}",
    (MessageKind.REMINDER, "en"): "Reminder: invoice {bill_number}",
    (MessageKind.FOURTEEN_DAY_LETTER, "nl"): "Aanmaning: betaal binnen 15 dagen zonder kosten",
    (MessageKind.FOURTEEN_DAY_LETTER, "en"): "Notice: pay within 15 days without costs",
    (MessageKind.COLLECTION_COSTS, "nl"): "Wij hebben incassokosten in rekening gebracht",
    (MessageKind.COLLECTION_COSTS, "en"): "We have charged collection costs",
    (MessageKind.BLOCK_NOTICE, "nl"): "Wij kunnen uw diensten beperken",
    (MessageKind.BLOCK_NOTICE, "en"): "We may restrict your services",
}
_TEXTS = {
    (MessageKind.PRE_NOTIFICATION, "nl"): """Wij schrijven factuur {bill_number} af van uw bankrekening.

    Bedrag            € {amount}
    Op                {due_date}
    Machtiging        {mandate}
    Incassant-ID      {creditor}

Zorg dat er dan genoeg op uw rekening staat. Bent u het niet eens met de factuur? Laat het ons voor die dag weten.
Na de afschrijving kunt u het bedrag acht weken lang bij uw bank terugvragen.""",
    (MessageKind.PRE_NOTIFICATION, "en"): """We collect invoice {bill_number} from your bank account.

    Amount            € {amount}
    On                {due_date}
    Mandate           {mandate}
    Creditor id       {creditor}

Please see to it that there is enough in your account then. Do you disagree with the invoice? Tell us before that day.
After the collection you can ask your bank for the amount back for eight weeks.""",
    (
        MessageKind.COLLECTION_WITHDRAWN,
        "nl",
    ): """Wij schrijven factuur {bill_number} van € {amount} niet van uw bankrekening af, zoals wij eerder hadden
aangekondigd. Staat de factuur nog open? Maak het bedrag dan zelf over, met het nummer van de factuur erbij.""",
    (
        MessageKind.COLLECTION_WITHDRAWN,
        "en",
    ): """We do not collect invoice {bill_number} of € {amount} from your bank account, as we had announced before. Is the
invoice still open? Then please pay it by transfer, with the number of the invoice.""",
    (
        MessageKind.COLLECTION_RETURNED,
        "nl",
    ): """De afschrijving van factuur {bill_number} van € {amount} is niet gelukt of teruggeboekt. Wilt u het bedrag zelf
overmaken, met het nummer van de factuur erbij? Is er iets anders aan de hand, neem dan contact met ons op.""",
    (
        MessageKind.COLLECTION_RETURNED,
        "en",
    ): """The collection of invoice {bill_number} of € {amount} did not succeed, or was reversed. Would you pay the amount by
transfer, with the number of the invoice? If something else is the matter, please get in touch with us.""",
    (MessageKind.REFUND_SENT, "nl"): """Wij maken € {amount} naar u over. Het bedrag staat binnen enkele werkdagen op uw bankrekening.""",
    (MessageKind.REMINDER, "nl"): """Van factuur {bill_number} staat nog € {amount} open. Misschien is het u ontgaan. Wilt u het bedrag overmaken, met
het nummer van de factuur erbij? Heeft u al betaald, dan hoeft u niets te doen. Bent u het niet eens met de factuur, laat het ons weten.
Lukt betalen niet in een keer? Bel of schrijf ons, dan zoeken wij samen een regeling.""",
    (
        MessageKind.REMINDER,
        "en",
    ): """€ {amount} of invoice {bill_number} is still open. Perhaps it escaped you. Would you pay the amount by transfer, with
the number of the invoice? If you have paid already, there is nothing to be done. If you disagree with the invoice, tell us.
Can you not pay at once? Call or write to us, and we look for an arrangement together.""",
    (MessageKind.FOURTEEN_DAY_LETTER, "nl"): """U heeft factuur {bill_number} niet op tijd betaald. Er staat € {amount} open.

Betaal dit bedrag binnen 15 dagen nadat deze brief bij u is bezorgd. Dan betaalt u geen kosten. Betaalt u niet binnen die termijn,
dan brengen wij € {costs} aan incassokosten in rekening. Dat bedrag volgt uit het Besluit vergoeding voor buitengerechtelijke
incassokosten; er komt geen btw bij.

Bent u het niet eens met de factuur, of lukt betalen niet? Neem dan binnen die termijn contact met ons op.""",
    (MessageKind.FOURTEEN_DAY_LETTER, "en"): """You have not paid invoice {bill_number} in time. € {amount} is open.

Pay this amount within 15 days after this letter was delivered to you. Then you pay no costs. If you do not pay within that term, we
charge € {costs} of collection costs. That amount follows from the Dutch decree on compensation for extrajudicial collection costs;
no VAT is added.

Do you disagree with the invoice, or can you not pay? Then get in touch with us within that term.""",
    (
        MessageKind.COLLECTION_COSTS,
        "nl",
    ): """Van factuur {bill_number} staat nog € {amount} open. De termijn uit onze aanmaning is voorbij. Daarom brengen wij nu
€ {costs} aan incassokosten in rekening. Lukt betalen niet in een keer? Bel of schrijf ons voor een regeling.""",
    (
        MessageKind.COLLECTION_COSTS,
        "en",
    ): """€ {amount} of invoice {bill_number} is still open. The term of our notice is over. Therefore we now charge € {costs} of
collection costs. Can you not pay at once? Call or write to us for an arrangement.""",
    (
        MessageKind.BLOCK_NOTICE,
        "nl",
    ): """Van factuur {bill_number} staat nog € {amount} open. Als dat op {until} nog zo is, kunnen wij de dienst waarover de
factuur gaat beperken. Alarmnummer 112 en gratis nummers blijven altijd bereikbaar. Bent u het niet eens met de factuur, laat het ons
dan voor die dag weten; zolang wij dat uitzoeken beperken wij niets. Voor een regeling kunt u ons bellen of schrijven.""",
    (
        MessageKind.BLOCK_NOTICE,
        "en",
    ): """€ {amount} of invoice {bill_number} is still open. If that is so on {until}, we may restrict the service that the invoice
is about. The emergency number 112 and free numbers always stay reachable. If you disagree with the invoice, tell us before that day;
while we look into it we restrict nothing. For an arrangement you can call or write to us.""",
    (
        MessageKind.PLAN_AGREED,
        "nl",
    ): """Wij hebben afgesproken dat u € {amount} in {count} delen betaalt: elke maand € {part}, met de centen bij het laatste deel,
voor het eerst op {due_date}. Zolang u op tijd betaalt vragen wij niet om meer. Nieuwe facturen betaalt u op tijd, zoals altijd.""",
    (
        MessageKind.PLAN_AGREED,
        "en",
    ): """We have agreed that you pay € {amount} in {count} parts: € {part} every month, with the cents in the last part, for the
first time on {due_date}. As long as you pay in time we ask for no more. You pay new invoices in time, as always.""",
    (
        MessageKind.MANDATE_AMENDED,
        "nl",
    ): """Uw machtiging {mandate} geldt vanaf nu voor een andere bankrekening. De machtiging zelf verandert niet.
Heeft u daar niet om gevraagd? Bel ons dan meteen.""",
    (
        MessageKind.MANDATE_AMENDED,
        "en",
    ): """From now on your mandate {mandate} is for another bank account. The mandate itself does not change.
Did you not ask for it? Then call us at once.""",
    (
        MessageKind.INTEREST_CHARGED,
        "nl",
    ): """Factuur {bill_number} is te laat: er staat nog € {amount} open. Daarom brengen wij € {interest} aan wettelijke rente in
rekening, over {since} tot en met {until}; nu {rate} % per jaar. Bent u het er niet mee eens? Neem dan contact met ons op.""",
    (
        MessageKind.INTEREST_CHARGED,
        "en",
    ): """Invoice {bill_number} is late: € {amount} is still open. Therefore we charge € {interest} of statutory interest, over
{since} to {until}; {rate} % a year now. Do you disagree? Then get in touch with us.""",
    (
        MessageKind.SERVICES_BLOCKED,
        "nl",
    ): """Van factuur {bill_number} staat nog € {amount} open, ook na onze waarschuwing. Daarom hebben wij vanaf {from_day} de diensten
beperkt waarover die factuur gaat. Alarmnummer 112 en gratis nummers blijven bereikbaar, en u kunt gebeld worden tot {incoming_until}.

Zodra de factuur betaald is werkt alles weer. Voor de dagen van de beperking betaalt u geen abonnement. Bent u het niet eens met de
factuur, of lukt betalen niet? Neem dan contact met ons op.""",
    (
        MessageKind.SERVICES_BLOCKED,
        "en",
    ): """€ {amount} of invoice {bill_number} is still open, after our warning too. Therefore we have restricted the services that this
invoice is about, from {from_day} on. The emergency number 112 and free numbers stay reachable, and you can be called until {incoming_until}.

As soon as the invoice is paid everything works again. You pay no subscription for the days of the restriction. Do you disagree with
the invoice, or can you not pay? Then get in touch with us.""",
    (MessageKind.SERVICES_UNBLOCKED, "nl"): """De beperking van uw diensten is vanaf {from_day} voorbij. Alles werkt weer zoals u gewend bent.""",
    (MessageKind.SERVICES_UNBLOCKED, "en"): """The restriction of your services is over from {from_day} on. Everything works again as before.""",
    (MessageKind.REFUND_SENT, "en"): """We transfer € {amount} to you. It is in your bank account within a few working days.""",
}
BODIES = {(kind, language): f"{{salutation}}\n\n{text}\n\n{_GREETING[language]}" for (kind, language), text in _TEXTS.items()}
