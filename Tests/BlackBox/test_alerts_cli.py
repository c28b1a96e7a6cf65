"""What `tickwire alerts` prints: words, states, distances, and errors with their exit codes."""
import json
import pathlib

import jsonschema
import psycopg
import pytest

from alert_setup import prepare, reset
from conftest import json_lines, tickwire

ALERT = json.loads((pathlib.Path(__file__).parent / "schemas" / "alert.json").read_text())


@pytest.fixture(scope="module")
def prepared(module_database, tmp_path_factory):
    env = {"DATABASE_URL": module_database, "TICKWIRE_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    prepare(module_database, TICKWIRE_DATA_DIR=env["TICKWIRE_DATA_DIR"])
    return env


@pytest.fixture
def env(prepared):
    reset(prepared["DATABASE_URL"])
    return prepared


def change(env, assignments, identifier=1):
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        connection.execute(f"UPDATE alerts SET {assignments} WHERE id = {identifier}")


def states(env, *arguments):
    return {alert["id"]: alert["state"] for alert in json_lines(tickwire("alerts", "list", "--json", *arguments, check=True, **env).stdout)}


def test_the_list_shows_states_and_distances(env):
    text = tickwire("alerts", "list", check=True, **env).stdout
    assert "500 (0.72%) up from 69500" in text and "5.5 (2.96%) down from 185.5" in text and "100 (3.33%) up from 3000" in text
    change(env, "pause = 'user'")
    change(env, "pause = 'storm'", 2)
    change(env, "snoozed_until = '2030-01-01'", 3)
    change(env, "expression = 'above 1 until 2020-01-01T00:00Z'", 4)
    assert states(env) == {1: "paused", 2: "storm", 3: "snoozed", 4: "expired"}
    assert states(env, "--state", "storm") == {2: "storm"} and states(env, "--user", "ann") == {3: "snoozed", 4: "expired"}
    assert states(env, "--symbol", "BTC-USD") == {1: "paused", 3: "snoozed"}
    assert "snoozed until 2030-01-01 00:00:00" in tickwire("alerts", "list", check=True, **env).stdout
    for alert in json_lines(tickwire("alerts", "list", "--json", check=True, **env).stdout):
        jsonschema.validate(alert, ALERT)


def test_pause_resume_and_snooze_change_the_state(env):
    assert "is paused" in tickwire("alerts", "pause", 1, 2, check=True, **env).stderr
    assert states(env) == {1: "paused", 2: "paused", 3: "armed", 4: "armed"}
    tickwire("alerts", "snooze", 1, "--for", "15m", check=True, **env)
    tickwire("alerts", "resume", 1, 2, check=True, **env)
    assert set(states(env).values()) == {"armed"}
    change(env, "is_armed = false, crossing_count = 1", 2)
    assert states(env)[2] == "done"
    result = tickwire("alerts", "resume", 2, **env)
    assert result.returncode == 64 and "was to fire once" in result.stderr


def test_one_unknown_id_changes_nothing(env):
    result = tickwire("alerts", "remove", 1, 99, **env)
    assert result.returncode == 64 and "There is no alert 99" in result.stderr
    assert len(states(env)) == 4


@pytest.mark.parametrize("assignments, waits", [
    ("is_armed = true", "its condition to become true"),
    ("is_armed = false, crossing_count = 1", "its condition to be false again"),
    ("pause = 'user'", "'tickwire alerts resume 1': its user paused it"),
    ("pause = 'storm'", "it fired too often"),
    ("snoozed_until = '2030-01-01'", "the end of its snooze, at 2030-01-01 00:00:00 UTC"),
    ("expression = 'above 1 cooldown 365d', last_fired_at = now()", "the end of its cooldown"),
    ("expression = 'above 1 until 2020-01-01T00:00Z'", "nothing: it has expired"),
])
def test_show_says_what_it_waits_for(env, assignments, waits):
    change(env, assignments)
    (line,) = [line for line in tickwire("alerts", "show", 1, check=True, **env).stdout.splitlines() if line.startswith("Waits for:")]
    assert waits in line


def test_show_lists_evaluations_and_events_with_why_one_came_late(env):
    change(env, """evaluations = '[{"time":"2026-11-23T12:00:00Z","price":"70001","outcome":"cooldown"}]', crossing_count = 2""")
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        for crossing, late in [(1, None), (2, "restart")]:
            connection.execute(
                "INSERT INTO alert_events (alert_id, crossing, fired_at, event_time, received_time, venue_id, expression, price, previous_price, payloads,"
                " measurement, late_reason, late_since) VALUES (1, %s, '2026-11-23 12:00', '2026-11-23 12:00', '2026-11-23 12:00', 1, 'crosses above 70000', 70001, 69999, '{}',"
                """ '{"amount":"5.2%%","reference":"66528"}', %s, CASE WHEN %s::text IS NOT NULL THEN timestamptz '2026-11-23 11:58Z' END)""",
                (crossing, late, late),
            )
    text = tickwire("alerts", "show", 1, check=True, **env).stdout
    assert "suppressed: within the cooldown" in text
    assert "late: the service was not watching since 2026-11-23 11:58:00" in text and "5.2% from 66528" in text
    shown = json.loads(tickwire("alerts", "show", 1, "--json", check=True, **env).stdout)
    assert [event["crossing"] for event in shown["events"]] == [2, 1] and shown["events"][0]["late"]["reason"] == "restart"
    assert shown["evaluations"][0]["outcome"] == "cooldown"


@pytest.mark.parametrize("arguments, message", [
    (("add", "BTC-USD", "above 1 again 2% once"), "column 15: 'again' needs an alert that repeats"),
    (("add", "BTC-USD", "above 1 until 2020-01-01"), "is past"),
    (("add", "BTC-USD", "above 1", "--title", "{prise}"), "title, column 1: '{prise}' is no field; did you mean '{price}'?"),
    (("add", "BTC-USD", "above 1", "--body", "{price"), "body, column 1: '{' is not closed"),
    (("add", "BTC-USD", "above 1", "--locale", "so wrong"), "'so wrong' is not a locale"),
    (("add", "BTC-USD", "above 1", "--webhook", "x"), "'x' is not a webhook"),
    (("snooze", "1", "--for", "soon"), "'soon' is no duration"),
    (("snooze", "1", "--until", "2020-01-01"), "is past"),
    (("snooze", "1"), "Give either --for"),
    (("list", "--state", "asleep"), "asleep"),
    (("show", "99"), "There is no alert 99"),
    (("test", "above 1"), "Give a price to try"),
    (("test", "above 1", "--price", "x"), "'x' is no price"),
    (("test", "spread above 1", "--price", "2/1"), "'2/1' is no price"),
    (("backtest", "BTC-UDS", "above 1", "--since", "1d"), "Did you mean BTC-USD?"),
    (("backtest", "BTC-USD", "above 1", "--since", "1d", "--until", "2d"), "is not before --until"),
])
def test_what_is_wrong_is_said_with_the_fix(env, arguments, message):
    result = tickwire("alerts", *arguments, **env)
    assert result.returncode == 64 and message in result.stderr and result.stdout == "", result


def test_an_unknown_symbol_is_added_with_a_warning(env):
    result = tickwire("alerts", "add", "BTC-UDS", "above 1", check=True, **env)
    assert "Did you mean BTC-USD?" in result.stderr and "Distance: no price yet" in result.stdout


def test_a_relative_end_is_kept_as_an_instant(env):
    alert = json.loads(tickwire("alerts", "add", "BTC-USD", "above 70000 until 7d", "--json", check=True, **env).stdout)
    jsonschema.validate(alert, ALERT)
    assert alert["until"] > "2026" and " until 2" in alert["condition"]


def test_a_trial_says_why_not(env):
    steps = json_lines(tickwire("alerts", "test", "above 70000 cooldown 5m", "--prices", "70001,69999,70001", "--every", "1m", "--json", check=True).stdout)
    assert [step["fires"] for step in steps] == [True, False, False]
    assert steps[1]["reason"] == "does not fire: 69999 is not above 70000"


def test_a_user_has_as_many_alerts_as_the_setting_allows(env):
    limit = {**env, "TICKWIRE_ALERTS_PER_USER_MAX": "3"}
    tickwire("alerts", "add", "BTC-USD", "above 1", check=True, **limit)
    result = tickwire("alerts", "add", "BTC-USD", "above 2", **limit)
    assert result.returncode == 64 and "'me' has 3 alerts, which is the limit" in result.stderr and result.stdout == "", result
    assert "alerts.perUserMax" in result.stderr
    tickwire("alerts", "add", "BTC-USD", "above 2", "--user", "bob", check=True, **limit)
