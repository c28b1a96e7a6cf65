"""History as a user asks for it: the real program and a real PostgreSQL; the tests fill the tables as a recorder does."""
import csv
import datetime
import io
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import xml.etree.ElementTree

import psycopg
import pytest

from conftest import PROGRAM, ROOT, environment, json_lines, tickwire, wait_until

UTC = datetime.timezone.utc
START = datetime.datetime(2026, 11, 22, 10, tzinfo=UTC)


def write_batch(connection, ids, at=START, venue=1, symbol=1, quotes=False):
    """What a recorder does: rows, and the line that lists them, in one transaction."""
    with connection.transaction():
        connection.execute(
            "INSERT INTO trades SELECT %s::timestamptz + i * interval '1 s', now(), i, %s, %s, 0, 'b', 100 + i %% 7, 0.5, i::text"
            " FROM unnest(%s::bigint[]) AS i", (at, symbol, venue, list(ids)))
        if quotes:
            connection.execute(
                "INSERT INTO quotes SELECT %s::timestamptz + i * interval '1 s', now(), NULL, %s, %s, 0, 100 + i %% 7, 101 + i %% 7, 1, 2, NULL"
                " FROM unnest(%s::bigint[]) AS i", (at, symbol, venue, list(ids)))
        times = [at + datetime.timedelta(seconds=i) for i in (min(ids), max(ids))]
        connection.execute(
            "INSERT INTO recorded_batches (from_time, to_time, received_from, received_to, trades_from, trades_to, journal)"
            " VALUES (%s, %s, now(), now(), 0, 0, gen_random_uuid())", times)
        connection.execute("SELECT pg_notify('tickwire_ticks', '')")


def build_candles(connection):
    for seconds in (1, 60, 300, 900, 3600, 86400):
        connection.execute(f"""
            INSERT INTO candles (start, open_time, close_time, open_sequence, close_sequence, trade_count, symbol_id, interval_seconds,
                venue_id, open, high, low, close, volume, turnover, open_id, close_id)
            SELECT date_bin('{seconds} s', event_time, 'epoch'), min(event_time), max(event_time),
                min(venue_sequence), max(venue_sequence), count(*), symbol_id, {seconds}, venue_id,
                (array_agg(price ORDER BY event_time, venue_sequence))[1], max(price), min(price),
                (array_agg(price ORDER BY event_time DESC, venue_sequence DESC))[1], sum(size), sum(price * size), '', ''
            FROM trades GROUP BY 1, symbol_id, venue_id ON CONFLICT DO NOTHING""")


@pytest.fixture(scope="module")
def env(module_database, tmp_path_factory):
    """A database with an hour of ticks of two venues, and the environment that points at it."""
    env = environment(DATABASE_URL=module_database, TICKWIRE_DATA_DIR=tmp_path_factory.mktemp("data"))
    tickwire("migrate", env=env, check=True)
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute("INSERT INTO symbols (name, asset) VALUES ('BTC-USD', 'crypto'), ('ETH-USD', 'crypto')")
        connection.execute("INSERT INTO venues (name) VALUES ('coinbase'), ('kraken')")
        connection.execute("SELECT tickwire_create_days('2026-11-20', '2026-11-24')")
        write_batch(connection, range(0, 3600), quotes=True)
        write_batch(connection, range(10_000, 10_600), venue=2)
        build_candles(connection)
    return env


def history(env, *arguments, **options):
    return tickwire("history", "BTC-USD", *arguments, env=env, **options)


SPAN = ("--since", "2026-11-22", "--until", "2026-11-23")


def test_every_format_tells_the_same_candles(env):
    lines = json_lines(history(env, *SPAN, "--interval", "10m", "--format", "ndjson", check=True).stdout)
    assert len(lines) == 8 and lines[0]["start"] == "2026-11-22T10:00:00.000000Z"
    assert lines[0]["open"] == "100" and lines[0]["trades"] == 600 and lines[0]["volume"] == "300" and lines[0]["gap"] is False
    import json
    assert json.loads(history(env, *SPAN, "--interval", "10m", "--format", "json", check=True).stdout) == lines
    rows = list(csv.DictReader(io.StringIO(history(env, *SPAN, "--interval", "10m", "--format", "csv", check=True).stdout)))
    assert [row["vwap"] for row in rows] == [line["vwap"] for line in lines]
    assert set(rows[0]) == set(lines[0])
    table = history(env, *SPAN, "--interval", "10m", check=True).stdout
    assert table.splitlines()[0].startswith("START (UTC)") and "VWAP" in table and "▁" in table
    one = json_lines(history(env, *SPAN, "--interval", "1h", "--venue", "kraken", "--format", "ndjson", check=True).stdout)
    assert sum(line["trades"] for line in one) == 600
    newest = json_lines(history(env, "--interval", "10m", "--limit", "3", "--format", "ndjson", check=True).stdout)
    assert newest == lines[-3:]
    first = json_lines(history(env, *SPAN, "--interval", "10m", "--first", "3", "--format", "ndjson", check=True).stdout)
    assert first == lines[:3]


def test_ticks_stream_in_order_and_a_closed_pipe_ends_them(env):
    arguments = [PROGRAM, "history", "BTC-USD", *SPAN, "--interval", "tick", "--format", "ndjson"]
    ticks = json_lines(subprocess.run(arguments, env=env, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert len(ticks) == 3600 * 2 + 600
    assert [t["eventTime"] for t in ticks] == sorted(t["eventTime"] for t in ticks)
    trades = json_lines(history(env, *SPAN, "--interval", "tick", "--kind", "trades", "--limit", "5", "--format", "ndjson", check=True).stdout)
    assert [t["id"] for t in trades] == ["10595", "10596", "10597", "10598", "10599"]
    shell = subprocess.run(
        ["bash", "-o", "pipefail", "-c", '"$@" | head -n 3', "-", *arguments], env=env, cwd=ROOT, capture_output=True, text=True)
    assert shell.returncode == 0 and shell.stderr == "" and len(shell.stdout.splitlines()) == 3


def test_zones_read_dates_and_show_times(env):
    lines = json_lines(history(env, "--since", "2026-11-22T11:00", "--until", "2026-11-22T12:00", "--zone", "Europe/Berlin", "--interval", "1h", "--format", "ndjson", check=True).stdout)
    assert [line["start"] for line in lines] == ["2026-11-22T11:00:00.000000+01:00"]
    assert "START (Europe/Berlin)" in history(env, *SPAN, "--zone", "Europe/Berlin", "--interval", "1h", check=True).stdout
    lines = json_lines(history(env, *SPAN, "--zone=-03:30", "--interval", "1h", "--format", "ndjson", check=True).stdout)
    assert lines[0]["start"] == "2026-11-22T06:30:00.000000-03:30"


def test_charts(env, tmp_path):
    chart = history(env, *SPAN, "--interval", "5m", "--chart", check=True)
    lines = chart.stdout.splitlines()
    assert any("█" in line for line in lines) and any("volume" in line for line in lines)
    assert "\x1b" not in chart.stdout and max(map(len, lines[:-1])) <= 80
    svg = tmp_path / "chart.svg"
    done = history(env, *SPAN, "--interval", "5m", "--svg", svg, check=True)
    assert done.stdout == "" and str(svg) in done.stderr
    root = xml.etree.ElementTree.fromstring(svg.read_text())
    sticks = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") in ("up", "down")]
    assert len(sticks) == 12 + 3 and "prefers-color-scheme" in svg.read_text()


def test_statistics(env):
    import json
    stats = json.loads(history(env, "--stats", "--format", "json", check=True).stdout)
    assert stats["trades"] == 4200 and stats["quotes"] == 3600 and stats["gaps"]["open"] == 0
    assert stats["first"] == "2026-11-22T10:00:00.000000Z"
    table = history(env, "--stats", check=True).stdout
    assert "coinbase" in table and "4 200" in table and "No gaps" in table


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (["--interval", "7x"], 64, ["7x", "5m"]),
        (["--interval", "8d1"], 64, ["8d1"]),
        (["--interval", "2w"], 64, ["2w", "1w"]),
        (["--limit", "0"], 64, ["--limit", "0"]),
        (["--first", "0"], 64, ["--first"]),
        (["--since", "1h", "--until", "2h"], 64, ["--until"]),
        (["--since", "2026-02-30"], 64, ["2026-02-30"]),
        (["--zone", "Mars/Olympus"], 64, ["Mars/Olympus"]),
        (["--zone", "Berlin"], 64, ["Berlin", "Europe/Berlin"]),
        (["--venue", "krakne"], 64, ["krakne", "kraken"]),
        (["--svg", "/does/not/exist/x.svg"], 73, ["/does/not/exist"]),
        (["--svg", "/tmp"], 73, ["/tmp"]),
        (["--chart", "--format", "csv"], 64, ["--format csv"]),
        (["--chart", "--interval", "tick"], 64, ["--chart"]),
        (["--follow", "--until", "1h"], 64, ["--until"]),
        (["--follow", "--format", "json"], 64, ["ndjson"]),
        (["--kind", "trades"], 64, ["--interval tick"]),
        (["--stats", "--since", "1h"], 64, ["--stats"]),
        (["--limit", "1", "--first", "1"], 64, ["--first"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_arguments(env, arguments, code, words):
    result = history(env, *arguments)
    assert result.returncode == code, result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    assert result.stdout == ""


def test_an_unknown_symbol_has_near_misses(env):
    result = tickwire("history", "BTC-USB", env=env)
    assert result.returncode == 64 and "BTC-USD" in result.stderr and len(result.stderr.splitlines()) == 1


class Follower:
    """A running `history --follow`, with what it printed."""

    def __init__(self, env, *arguments):
        self.process = subprocess.Popen([PROGRAM, "history", "BTC-USD", *arguments, "--follow"], env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.notes = [], []
        for stream, lines in ((self.process.stdout, self.lines), (self.process.stderr, self.notes)):
            threading.Thread(target=lambda s=stream, l=lines: [l.append(line) for line in s], daemon=True).start()

    def ids(self):
        return [line["id"] for line in json_lines("".join(self.lines[:]))]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)


def test_follow_of_ticks_has_no_hole_and_no_double(env, database, tmp_path):
    env = environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    tickwire("migrate", env=env, check=True)
    with psycopg.connect(database, autocommit=True) as first, psycopg.connect(database, autocommit=True) as second:
        first.execute("INSERT INTO symbols (name, asset) VALUES ('BTC-USD', 'crypto')")
        first.execute("INSERT INTO venues (name) VALUES ('coinbase')")
        first.execute("SELECT tickwire_create_days('2026-11-20', '2026-11-24')")
        write_batch(first, range(0, 500))
        follower = Follower(env, "--since", "2026-11-20", "--interval", "tick", "--kind", "trades", "--format", "ndjson")
        try:
            # Two recorders, overlapping transactions, late ticks.
            for round in range(1, 20):
                write_batch(first, range(round * 1000, round * 1000 + 50))
                with second.transaction():
                    second.execute("INSERT INTO trades SELECT '2026-11-21', now(), NULL, 1, 1, 0, 's', 5, 1, 'late' || i FROM generate_series(%s::int, %s) AS i", (round * 10, round * 10 + 4))
                    write_batch(first, range(round * 1000 + 500, round * 1000 + 550))
                    second.execute(
                        "INSERT INTO recorded_batches (from_time, to_time, received_from, received_to, trades_from, trades_to, journal)"
                        " VALUES ('2026-11-21', '2026-11-21', now(), now(), 0, 0, gen_random_uuid())")
                    second.execute("NOTIFY tickwire_ticks, ''")
            expected = {row[0] for row in first.execute("SELECT trade_id FROM trades")}
            wait_until(lambda: len(follower.ids()) >= len(expected), what="the followed ticks")
            assert sorted(follower.ids()) == sorted(expected)
        finally:
            follower.stop()


@pytest.fixture
def own_server():
    """A PostgreSQL of the test's own, which it may restart."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tickwire-follow-", dir="/tmp"))
    command = f'''. scripts/lib.sh; cd /; [ "$(id -u)" -eq 0 ] && chown postgres "{folder}"; bin=$(postgres_bin)
        unprivileged "$bin/initdb" -D "{folder}/data" -U tickwire --auth=trust --locale=C --encoding=UTF8 >/dev/null'''
    subprocess.run(["bash", "-c", command], cwd=ROOT, check=True)

    def control(*arguments):
        script = f'. scripts/lib.sh; cd /; unprivileged "$(postgres_bin)/pg_ctl" -D "{folder}/data" -l "{folder}/log" -w "$@" >/dev/null'
        subprocess.run(["bash", "-c", script, "-", *arguments], cwd=ROOT, check=True)

    start = ("-o", f"-c listen_addresses= -c unix_socket_directories={folder}", "start")
    control(*start)
    yield f"host={folder} user=tickwire dbname=postgres", lambda: (control("-m", "immediate", "stop"), control(*start))
    control("-m", "immediate", "stop")
    subprocess.run(["rm", "-rf", str(folder)])


def test_follow_goes_on_across_restarts_of_postgresql(own_server, tmp_path):
    database, restart = own_server
    env = environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    tickwire("migrate", env=env, check=True)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO symbols (name, asset) VALUES ('BTC-USD', 'crypto')")
        connection.execute("INSERT INTO venues (name) VALUES ('coinbase')")
        connection.execute("SELECT tickwire_create_days('2026-11-20', '2026-11-24')")
        write_batch(connection, range(0, 5000), quotes=True)
    follower = Follower(env, "--since", "2026-11-20", "--interval", "tick", "--kind", "trades", "--format", "ndjson")
    try:
        # A database that is away at the start is an error; one that goes away later is not.
        wait_until(lambda: follower.lines, what="the first tick")
        for round in range(1, 4):
            with psycopg.connect(database, autocommit=True) as connection:
                write_batch(connection, range(round * 10_000, round * 10_000 + 300))
            # Sometimes before it was told, sometimes after.
            if round % 2 == 0:
                wait_until(lambda: len(follower.ids()) >= 5000 + 300 * round, what="the round's ticks: " + "".join(follower.notes))
            restart()
            with psycopg.connect(database, autocommit=True) as connection:
                write_batch(connection, range(round * 10_000 + 5000, round * 10_000 + 5200))
        with psycopg.connect(database) as connection:
            expected = sorted(row[0] for row in connection.execute("SELECT trade_id FROM trades"))
        wait_until(lambda: len(follower.ids()) >= len(expected), timeout=30, what="the followed ticks")
        assert sorted(follower.ids()) == expected
        assert any("Trying again" in note for note in follower.notes)
    finally:
        follower.stop()


def test_follow_of_candles_prints_each_once_and_notes_late_changes(database, tmp_path):
    env = environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    tickwire("migrate", env=env, check=True)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO symbols (name, asset) VALUES ('BTC-USD', 'crypto')")
        connection.execute("INSERT INTO venues (name) VALUES ('coinbase')")
        put = """INSERT INTO candles SELECT t, t, t, 1, 1, %s, 1, 1, 1, 5, 5, 5, 5, %s, 5, '', ''
            FROM (SELECT date_trunc('second', now()) + %s * interval '1 s' AS t) AS times
            ON CONFLICT (symbol_id, start, venue_id, interval_seconds) DO UPDATE SET trade_count = excluded.trade_count, volume = excluded.volume"""
        connection.execute(put, (1, 1, -30))
        connection.execute(put, (1, 1, -20))
        follower = Follower(env, "--interval", "1s", "--since", "5m", "--format", "ndjson")
        try:
            wait_until(lambda: len(follower.lines) == 2, what="the past")
            connection.execute(put, (1, 1, 0))
            wait_until(lambda: len(follower.lines) == 3, what="the closed candle")
            connection.execute("UPDATE candles SET volume = 9 WHERE start < now() - interval '15 s'")
            wait_until(lambda: len([n for n in follower.notes if "volume 1 is now 9" in n]) == 2, what="the notes")
            assert len(follower.lines) == 3
        finally:
            follower.stop()


# Import


def test_what_was_exported_comes_back_exactly(env, database, tmp_path):
    exported = history(env, *SPAN, "--interval", "tick", "--format", "csv", check=True).stdout
    file = tmp_path / "ticks.csv"
    file.write_text(exported)
    other = environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path / "data")
    done = tickwire("import", file, env=other, check=True)
    assert "4 200 new trades" in done.stdout and "3 600 new quotes" in done.stdout
    again = subprocess.run(
        [PROGRAM, "import", "-"], input=exported, env=other, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "0 new trades, 4 200 known already; 0 new quotes, 3 600 known already" in again.stdout
    assert history(other, *SPAN, "--interval", "tick", "--format", "csv", check=True).stdout == exported


def test_simple_files_of_other_makers(database, tmp_path):
    env = environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    file = tmp_path / "simple.csv"
    file.write_text("\ufeffTimestamp;Price;Amount;Side;colour\r\n1763805600;64250.12;0.5;buy;red\r\n1763805600123;64251;;sell;blue\r\n1763805601.5;1e3;2;;\"x;y\"\r\n")
    done = tickwire("import", file, "--symbol", "BTC-USD", "--venue", "acme", env=env, check=True)
    assert "3 new trades" in done.stdout and "colour" in done.stderr and "no id" in done.stderr
    ticks = json_lines(tickwire("history", "BTC-USD", "--interval", "tick", "--first", "9", "--format", "ndjson", env=env, check=True).stdout)
    assert [t["eventTime"] for t in ticks] == ["2025-11-22T10:00:00.000000Z", "2025-11-22T10:00:00.123000Z", "2025-11-22T10:00:01.500000Z"]
    assert [t["price"] for t in ticks] == ["64250.12", "64251", "1000"] and ticks[0]["flags"] == ["backfilled"]
    # A second time they cannot be told from new ones by an id.
    refused = tickwire("import", file, "--symbol", "BTC-USD", "--venue", "acme", env=env)
    assert refused.returncode == 65 and "--allow-duplicates" in refused.stderr and "3 trades" in refused.stderr
    skipped = tickwire("import", file, "--symbol", "BTC-USD", "--venue", "acme", "--skip-known", env=env, check=True)
    assert "0 new trades, 3 known already" in skipped.stdout
    doubled = tickwire("import", file, "--symbol", "BTC-USD", "--venue", "acme", "--allow-duplicates", env=env, check=True)
    assert "3 new trades" in doubled.stdout


@pytest.mark.parametrize(
    "text, words",
    [
        ("", ["empty", "columns"]),
        ("time,prize\n", ["price"]),
        ("price\n1\n", ["time"]),
        ("time,price,Price\n", ["Price", "one of them"]),
        ("time,price\n1763805600,1\n1763805601,abc\n", [":3:2", "price is 'abc'"]),
        ("time,price\nyesterday,1\n", [":2:1", "yesterday", "RFC 3339"]),
        ("time,price\n1763805600,1,2\n", [":2", "3 fields"]),
        ("time,price,side\n1763805600,1,up\n", [":2:3", "up", "buy"]),
        ("time,price,size\n1763805600,1,-1\n", [":2:3", "-1"]),
        ("time,price,flags\n1763805600,1,odd\n", [":2:3", "odd", "snapshot"]),
        ('time,price\n1763805600,"1\n', [":2", "quote"]),
        ('time,price\n1763805600,"1"2\n', [":2", "quote"]),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, str) else None,
)
def test_a_bad_file_names_the_place_and_leaves_nothing(database, tmp_path, text, words):
    env = environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    file = tmp_path / "bad.csv"
    file.write_text(text)
    result = tickwire("import", file, "--symbol", "BTC-USD", "--venue", "acme", env=env)
    assert result.returncode == 65, result.stderr
    assert str(file) in result.stderr and all(word in result.stderr for word in words), result.stderr
    assert len(result.stderr.splitlines()) == 1 and "Nothing was imported" in result.stderr
    with psycopg.connect(database) as connection:
        for table in ("trades", "quotes", "symbols", "venues", "recorded_batches"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0


def test_files_that_cannot_be_read(env, tmp_path):
    assert tickwire("import", "/does/not/exist.csv", "--symbol", "X", "--venue", "y", env=env).returncode == 66
    assert tickwire("import", tmp_path, "--symbol", "X", "--venue", "y", env=env).returncode == 66
    file = tmp_path / "a.csv"
    file.write_text("time,price\n1763805600,1\n")
    result = tickwire("import", file, env=env)
    assert result.returncode == 65 and "--symbol" in result.stderr


def test_followers_see_what_is_imported(database, tmp_path):
    env = environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    file = tmp_path / "a.csv"
    file.write_text("time,price,id\n1763805600,1,a\n")
    tickwire("import", file, "--symbol", "BTC-USD", "--venue", "acme", env=env, check=True)
    follower = Follower(env, "--since", "2025-11-01", "--interval", "tick", "--format", "ndjson")
    try:
        wait_until(lambda: follower.ids() == ["a"], what="the past")
        file.write_text("time,price,id\n1763805600,1,a\n1763805500,2,b\n")
        tickwire("import", file, "--symbol", "BTC-USD", "--venue", "acme", env=env, check=True)
        wait_until(lambda: follower.ids() == ["a", "b"], what="the import")
    finally:
        follower.stop()
