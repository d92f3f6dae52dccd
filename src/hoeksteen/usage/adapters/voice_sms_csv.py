"""Calls and messages: `R;id;V|S;own;other;start;units` between a header and a trailer that count them."""

from hoeksteen.usage.adapters.base import Frame, refuse

_ASK = "Ask the source for the whole file; nothing of this one was taken."


class VoiceSmsCsv:
    """Read `H;source;number;written at;records`, the records, and `T;records`."""

    name = "voice_sms_csv"
    source = "voice_sms"

    def body(self, frame: Frame) -> tuple[int, int]:
        """
        Check that header, trailer and the lines between them agree.

        :raises InvalidInput: naming the line and the field
        """
        header, trailer = frame.first.split(";"), frame.last.split(";")
        if len(header) != 5 or header[0] != "H" or not header[4].isdigit():
            raise refuse(frame, 1, "header", "must be H;source;number;written at;records", "Name the adapter that fits this file.")
        if len(trailer) != 2 or trailer[0] != "T" or not trailer[1].isdigit():
            raise refuse(frame, frame.lines, "trailer", "is missing: the file was cut", _ASK)
        if int(trailer[1]) != frame.lines - 2:
            raise refuse(frame, frame.lines, "records", f"says {int(trailer[1])}, and the file holds {frame.lines - 2}", _ASK)
        if header[4] != trailer[1]:
            raise refuse(frame, 1, "records", f"says {int(header[4])}, and the trailer {int(trailer[1])}", _ASK)
        return 2, frame.lines - 1

    def parsed(self, lines: str) -> str:
        """Give the query over the lines: seven fields, of which the first is R."""
        return f"""
        SELECT line, f[2] AS source_record_id,
            CASE f[3] WHEN 'V' THEN 'voice' WHEN 'S' THEN 'sms' END AS service,
            f[4] AS own_number, f[5] AS other_number, f[6] AS start, f[7] AS units, '0' AS more_units, 'NL' AS country,
            CASE WHEN len(f) <> 7 THEN 'cut_line' WHEN f[1] <> 'R' OR f[2] = '' THEN 'unknown_line' END AS fault
        FROM (SELECT line, string_split(coalesce(text, ''), ';') AS f FROM {lines})
        """
