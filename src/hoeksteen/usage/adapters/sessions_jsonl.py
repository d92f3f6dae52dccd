"""Data sessions: one JSON object a line, without a record identifier of its own."""

from hoeksteen.usage.adapters.base import Frame


class SessionsJsonl:
    """
    Read `own_number`, `start`, `uplink_bytes`, `downlink_bytes`, `visited_country`; other fields, such as the APN, are not kept.

    The format has no trailer: a file that was cut ends in a line that is no JSON, which is rejected (`cut_line`).
    """

    name = "sessions_jsonl"
    source = "sessions"

    def body(self, frame: Frame) -> tuple[int, int]:
        """Give all lines: there is no header."""
        return 1, frame.lines

    def parsed(self, lines: str) -> str:
        """Give the query over the lines."""
        wanted = ("own_number", "start", "uplink_bytes", "downlink_bytes", "visited_country")
        paths = ", ".join(f"'$.{field}'" for field in wanted)
        return f"""
        SELECT line, NULL AS source_record_id, 'data' AS service, f[1] AS own_number, NULL AS other_number,
            f[2] AS start, f[3] AS units, f[4] AS more_units, f[5] AS country,
            CASE WHEN f IS NULL THEN 'cut_line' END AS fault
        FROM (
            SELECT line, CASE WHEN json_valid(text) AND json_type(text) = 'OBJECT' THEN json_extract_string(text, [{paths}]) END AS f
            FROM (SELECT line, coalesce(text, '') AS text FROM {lines})
        )
        """
