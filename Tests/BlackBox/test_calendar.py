"""The trading calendar, day by day, against the one of PyPI's exchange_calendars."""
import csv
import datetime
import io
import json

import exchange_calendars
import psycopg
import pytest
from websockets.sync.client import connect

from conftest import APP, free_port, tickwire, wait_until
from exchanges import PriceExchange

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


def newest_sessions():
    """The session that a trade belongs to now, and the one before it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    first, last = ((now + datetime.timedelta(days=days)).date() for days in (-10, 10))
    sessions = json.loads(
        tickwire("sessions", "--from", first, "--until", last, "--format", "json", check=True).stdout)
    index = next(i for i, s in enumerate(sessions) if datetime.datetime.fromisoformat(s["postClose"]) > now)
    return sessions[index], sessions[index - 1]


def snapshot(service, symbol):
    """The first payload of a symbol's ticker channel that has a price."""
    with connect(f"ws://127.0.0.1:{service.port}/app/{APP['TICKWIRE_APP_KEY']}?protocol=7") as connection:
        connection.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": f"ticker-{symbol}"}}))
        while True:
            frame = json.loads(connection.recv(10))
            if frame["event"] in ("snapshot", "tick"):
                return json.loads(frame["data"])


def test_a_stocks_change_is_measured_from_the_previous_close_and_survives_a_restart(start, database):
    _, previous = newest_sessions()
    tickwire("migrate", check=True, DATABASE_URL=database)
    close = datetime.datetime.fromisoformat(previous["close"])
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO symbols (name, asset) VALUES ('AAPL', 'stock')")
        connection.execute("INSERT INTO venues (name) VALUES ('sim')")
        connection.execute("SELECT tickwire_create_day(%s)", (close.date(),))
        # The last trade of the regular session, and one after it, which is no close.
        for seconds, price in [(-1, 200), (1, 250)]:
            time = close + datetime.timedelta(seconds=seconds)
            connection.execute(
                "INSERT INTO trades (event_time, received_time, symbol_id, venue_id, flags, side, price, size, trade_id)"
                " VALUES (%s, %s, 1, 1, 0, 'b', %s, 1, %s)", (time, time, price, f"old{seconds}"))
        connection.execute(
            "INSERT INTO last_ticks (event_time, received_time, sequence, symbol_id, venue_id, side, last_price)"
            " VALUES (%s, %s, 1, 1, 1, 'b', 250)", (time, time))
    # What a recorder did not write has no candles yet.
    tickwire("candles", "rebuild", check=True, DATABASE_URL=database)
    wanted = {"price": "210", "reference": "previousClose", "previousClose": "200", "change": "10", "percentChange": "5",
              "open": "210", "high": "210", "low": "210", "volume": "1"}
    with PriceExchange(free_port()) as exchange:
        arguments = ("up", "--feeds", "sim", "--feed-url", f"sim={exchange.url}", "--symbols", "AAPL")
        service = start(*arguments, DATABASE_URL=database)
        assert snapshot(service, "AAPL")["price"] == "250"
        wait_until(exchange.subscribed, what="the feed's subscription")
        exchange.trade("AAPL", "210")
        payload = wait_until(
            lambda: (payload := snapshot(service, "AAPL"))["price"] == "210" and payload, what="the trade")
        assert {key: payload[key] for key in wanted} == wanted
        service.stop()
        with psycopg.connect(database) as connection:
            assert connection.execute("SELECT reference, open FROM last_ticks").fetchall() == [(200, 210)]
        restarted = snapshot(start(*arguments, DATABASE_URL=database), "AAPL")
        assert {key: restarted[key] for key in wanted} == wanted
