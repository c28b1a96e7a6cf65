"""Bad input of every kind ends in one clear line and the right exit code."""
import pathlib
import socket

import pytest

from conftest import APP, ROOT, environment, free_port, tickwire

GOOD = (ROOT / "Feeds" / "coinbase.yaml")


def one_line(result):
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize(
    "change, words",
    [
        (("idleTimeout:", "idelTimeout:"), ["idelTimeout", "idleTimeout"]),
        (("price: price", "price: pri..ce"), ["pri..ce"]),
        (('price: "400.23"', 'price: "400.24"'), ["400.24", "400.23"]),
    ],
    ids=["unknown key", "wrong path", "failing test"],
)
def test_a_bad_feed_file_names_line_and_fix(tmp_path, change, words):
    text = GOOD.read_text()
    old, new = change
    at = text.rindex(old)
    file = tmp_path / "coinbase.yaml"
    file.write_text(text[:at] + new + text[at + len(old):])
    result = tickwire("feeds", "check", file)
    assert result.returncode == 65, result.stderr
    line = next(line for line in (result.stderr + result.stdout).splitlines() if "coinbase.yaml" in line)
    assert all(word in line for word in words), line
    assert "coinbase.yaml:" in line and line.split("coinbase.yaml:")[1].split(":")[0].isdigit()


def test_a_feed_with_a_bad_file_does_not_run(tmp_path, database):
    (tmp_path / "coinbase.yaml").write_text(GOOD.read_text().replace("feed: coinbase", "feed: coinbase\nbogus: 1"))
    result = tickwire("ingest", "--feeds-dir", tmp_path, "--feeds", "coinbase", "--port", free_port(), DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 65
    assert "coinbase.yaml:" in result.stderr and "bogus" in result.stderr


def test_a_wrong_database_url(tmp_path):
    result = tickwire("up", "--port", free_port(), DATABASE_URL="postgresql://ann:topsecret@127.0.0.1:9/nowhere", TICKWIRE_DATABASE_WAIT=1, TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 69
    line = result.stderr.strip().splitlines()[-1]
    assert "127.0.0.1" in line and "DATABASE_URL" in line
    assert "topsecret" not in result.stderr + result.stdout
    result = tickwire("migrate", DATABASE_URL="mysql://x", TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 78 and "DATABASE_URL" in one_line(result)


def test_a_used_port(tmp_path, database):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        result = tickwire("up", "--demo", "--port", port, DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 69
    assert f"Port {port}" in result.stderr.strip().splitlines()[-1] and "--port" in result.stderr


def test_an_unknown_symbol(tmp_path, database):
    tickwire("migrate", check=True, DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    result = tickwire("history", "BTC-USE", DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 64 and "BTC-USE" in one_line(result)
    result = tickwire("history", "btc/usd", DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 64 and "btc/usd" in result.stderr


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (["history", "BTC-USD", "--since", "yesterdayish"], 64, ["yesterdayish"]),
        (["history", "BTC-USD", "--interval", "7x"], 64, ["7x"]),
        (["history", "BTC-USD", "--format", "xml"], 64, ["xml"]),
        (["history", "BTC-USD", "--since", "1h", "--until", "2h"], 64, ["--until"]),
        (["alerts", "add", "BTC-USD", "crosses above seventy"], 64, ["column", "seventy"]),
        (["alerts", "add", "BTC-USD", "above 1", "--webhook", "ftp://x"], 64, ["ftp://x"]),
        (["alerts", "remove", "999999"], 64, ["999999"]),
        (["up", "--port", "70000"], 78, ["70000"]),
        (["up", "--feeds", "coinbsae"], 78, ["coinbsae", "coinbase"]),
        (["up", "--config", "/does/not/exist.yaml"], 78, ["/does/not/exist.yaml"]),
        (["simulate", "--rate=-5"], 64, ["-5"]),
        (["feeds", "check", "/does/not/exist.yaml"], 66, ["/does/not/exist.yaml"]),
        (["feeds", "replay", "Feeds/coinbase.yaml", "--recording", "/does/not/exist.rec"], 66, ["/does/not/exist.rec"]),
        (["nonsense"], 64, ["nonsense"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and " " not in value[0] else None,
)
def test_bad_arguments(tmp_path, database, arguments, code, words):
    tickwire("migrate", check=True, DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    result = tickwire(*arguments, DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == code, result.stderr
    assert all(word in result.stderr for word in words), result.stderr


def test_an_unknown_key_in_the_settings_file(tmp_path):
    file = tmp_path / "tickwire.yaml"
    file.write_text("prot: 6001\n")
    result = tickwire("up", "--config", file, TICKWIRE_DATA_DIR=tmp_path)
    assert result.returncode == 78
    assert "'prot'" in one_line(result) and "'port'" in one_line(result)


def test_half_an_app_is_refused(tmp_path):
    result = tickwire("up", TICKWIRE_DATA_DIR=tmp_path, TICKWIRE_APP_KEY="x")
    assert result.returncode == 78 and "TICKWIRE_APP_SECRET" in one_line(result)


def test_every_command_has_help_with_an_example():
    for command in ["up", "ingest", "gateway", "watch", "history", "alerts add", "alerts list", "alerts remove",
                    "feeds list", "feeds check", "feeds replay", "simulate", "migrate", "version"]:
        result = tickwire(*command.split(), "--help")
        assert result.returncode == 0
        assert "EXAMPLE" in result.stdout.upper() or command == "version", command
        assert "tickwire " + command in result.stdout, command
