"""`tickwire doctor`: good, and each way in which something is wrong."""
import json
import resource
import subprocess

import psycopg
import pytest

from conftest import PROGRAM, ROOT, environment, free_port, tickwire


def run(tmp_path, *arguments, **extra):
    extra = {"TICKWIRE_DATA_DIR": tmp_path / "data", "TICKWIRE_FEEDS": "coinbase", **extra}
    result = tickwire("doctor", "--json", *arguments, env=environment(**extra))
    return result.returncode, {line["name"]: line for line in map(json.loads, result.stdout.splitlines())}


def test_all_is_well(tmp_path, database):
    tickwire("migrate", DATABASE_URL=database, check=True)
    (tmp_path / "data").mkdir()
    code, found = run(tmp_path, DATABASE_URL=database)
    assert code == 0
    states = {name: line["state"] for name, line in found.items()}
    assert not {"fail", "warn"} & set(states.values()), found
    for name in ("settings", "apps", "files", "data", "space", "database", "feeds"):
        assert states[name] == "ok", name
    for name in ("nats", "clock", "push apns", "push fcm", "push vapid", "push beams"):
        assert states[name] == "skip", name
    assert "schema current" in found["database"]["detail"]
    # For people: one line each, the fix below it.
    shown = tickwire("doctor", env=environment(DATABASE_URL=database, TICKWIRE_DATA_DIR=tmp_path / "data", TICKWIRE_FEEDS="coinbase"))
    assert shown.returncode == 0 and shown.stdout.startswith("ok    settings")


def test_it_changes_nothing(tmp_path, database):
    code, found = run(tmp_path, DATABASE_URL=database)
    assert code == 0 and found["database"]["state"] == "warn" and "tickwire migrate" in found["database"]["fix"]
    status = tickwire("migrate", "status", DATABASE_URL=database, check=True).stdout
    assert "applied" not in status
    assert not (tmp_path / "data").exists()
    assert "will be made" in found["data"]["detail"]


def test_a_database_that_does_not_answer(tmp_path):
    code, found = run(tmp_path, DATABASE_URL="postgresql://ann:geheim@127.0.0.1:1/ticks")
    assert code == 78 and found["database"]["state"] == "fail" and "DATABASE_URL" in found["database"]["fix"]
    assert "geheim" not in json.dumps(found)


def test_a_database_of_a_newer_version(tmp_path, database):
    tickwire("migrate", DATABASE_URL=database, check=True)
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO schema_migrations (version, file, checksum) VALUES (9999, '9999_later.sql', '')")
    code, found = run(tmp_path, DATABASE_URL=database)
    assert code == 78 and found["database"]["state"] == "fail" and "9999" in found["database"]["detail"]


@pytest.mark.parametrize("text, words", [("prot: 1", "port"), ("port: many", "many"), ("a: [", "readable YAML")])
def test_settings_that_cannot_be_read(tmp_path, text, words):
    file = tmp_path / "tickwire.yaml"
    file.write_text(text)
    code, found = run(tmp_path, "--config", file)
    assert code == 78 and list(found) == ["settings"]
    assert found["settings"]["state"] == "fail" and words in found["settings"]["detail"]


def test_feeds_that_cannot_run(tmp_path):
    feeds = tmp_path / "Feeds"
    feeds.mkdir()
    (feeds / "acme.yaml").write_text("feed: acme\nconnect: {}\n")
    code, found = run(tmp_path, "--feeds-dir", feeds, TICKWIRE_FEEDS="acme,nosuch")
    assert code == 78 and found["feed acme"]["state"] == "fail" and "feeds check" in found["feed acme"]["fix"]
    assert found["feed nosuch"]["state"] == "fail" and "acme" in found["feed nosuch"]["detail"]


def test_a_data_directory_that_is_none(tmp_path):
    (tmp_path / "data").write_text("a file")
    code, found = run(tmp_path)
    assert code == 78 and found["data"]["state"] == "fail" and "--data-dir" in found["data"]["fix"]


def test_a_journal_larger_than_the_disk(tmp_path):
    code, found = run(tmp_path, TICKWIRE_JOURNAL_SIZE_MAX="16TB")
    assert code == 0 and found["space"]["state"] == "warn" and "journal.sizeMax" in found["space"]["fix"]


def test_nats_that_is_not_there(tmp_path):
    code, found = run(tmp_path, TICKWIRE_NATS_URL=f"nats://127.0.0.1:{free_port()}")
    assert code == 78 and found["nats"]["state"] == "fail" and "nats.url" in found["nats"]["detail"]


def test_credentials_that_cannot_be_used(tmp_path):
    key = tmp_path / "key.p8"
    key.write_text("geheim")
    settings = dict(
        TICKWIRE_PUSH_APNS_KEY_FILE=key, TICKWIRE_PUSH_APNS_KEY_ID="ABC123DEFG", TICKWIRE_PUSH_APNS_TEAM_ID="DEF123GHIJ",
        TICKWIRE_PUSH_APNS_URL=f"http://127.0.0.1:{free_port()}")
    code, found = run(tmp_path, **settings)
    assert code == 78 and found["push apns"]["state"] == "fail"
    assert "geheim" not in json.dumps(found)
    # Nobody answers there: that the clock was not compared is no fault.
    assert found["clock"]["state"] == "skip" and "does not answer" in found["clock"]["detail"]


def test_too_few_files_may_be_open(tmp_path):
    def limit(count):
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))

    for count, state, code in ((200, "fail", 78), (1024, "warn", 0)):
        result = subprocess.run(
            [PROGRAM, "doctor", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=60,
            env=environment(TICKWIRE_DATA_DIR=tmp_path / "data", TICKWIRE_FEEDS="coinbase"),
            preexec_fn=lambda: limit(count))
        found = {line["name"]: line for line in map(json.loads, result.stdout.splitlines())}
        assert (result.returncode, found["files"]["state"]) == (code, state), result.stdout + result.stderr
        assert "ulimit" in found["files"]["fix"]
