"""The trading calendar, day by day, against the one of PyPI's exchange_calendars."""
import csv
import io
import json

import exchange_calendars
import pytest

from conftest import tickwire

# The library's own use of pandas, not ours.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:pandas")

FIRST, LAST = "2015-01-01", "2030-12-31"


@pytest.mark.parametrize("exchange", ["XNYS", "XNAS"])
def test_every_session_of_sixteen_years_opens_and_closes_to_the_minute(exchange):
    calendar = exchange_calendars.get_calendar(exchange, start=FIRST, end=LAST)
    expected = {
        str(day.date()): (open.strftime("%Y-%m-%dT%H:%M:%SZ"), close.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for day, open, close in zip(calendar.sessions, calendar.opens, calendar.closes)
    }
    output = tickwire(
        "sessions", exchange, "--from", FIRST, "--until", LAST, "--format", "csv", check=True).stdout
    rows = list(csv.DictReader(io.StringIO(output)))
    assert len(rows) == len(expected) == 4021
    assert {row["date"]: (row["open"], row["close"]) for row in rows} == expected
    half_days = {str(day.date()) for day in calendar.early_closes}
    assert {row["date"] for row in rows if row["halfDay"] == "true"} == half_days


def test_the_hours_before_and_after_the_session():
    lines = tickwire(
        "sessions", "--from", "2026-11-26", "--until", "2026-11-30", "--format", "json", check=True).stdout
    assert json.loads(lines) == [
        {"date": "2026-11-27", "preOpen": "2026-11-27T09:00:00Z", "open": "2026-11-27T14:30:00Z",
         "close": "2026-11-27T18:00:00Z", "postClose": "2026-11-27T22:00:00Z", "halfDay": True},
        {"date": "2026-11-30", "preOpen": "2026-11-30T09:00:00Z", "open": "2026-11-30T14:30:00Z",
         "close": "2026-11-30T21:00:00Z", "postClose": "2026-12-01T01:00:00Z", "halfDay": False},
    ]


@pytest.mark.parametrize("arguments, code, words", [
    (["XLON"], 64, ["XLON", "XNYS"]),
    (["--from", "2026-02-30"], 64, ["2026-02-30", "date"]),
    (["--from", "2026-02-20", "--until", "2026-02-10"], 64, ["2026-02-10", "Swap"]),
])
def test_bad_arguments_are_named_with_the_fix(arguments, code, words):
    result = tickwire("sessions", *arguments)
    assert result.returncode == code
    assert all(word in result.stderr for word in words), result.stderr
