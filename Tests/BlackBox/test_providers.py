"""Every shipped provider's conversation, played on the wire: no rule is broken, and the ticks arrive as they were sent."""
import collections
import json
import re
import time
from decimal import Decimal

import pytest

from conftest import APP, ROOT, Service, environment, free_port, rows, tickwire, wait_until
from providers import KINDS, all_providers
from providers.market import feed_file
from providers.server import ProviderServer

#: Long enough to see a keep-alive of every 30 s.
SECONDS = 38


def copy_feeds(folder, providers):
    """The shipped feed files, with the polled ones' pace quickened and their trading hours removed."""
    folder.mkdir()
    for file in (ROOT / "Feeds").glob("*.yaml"):
        (folder / file.name).write_text(file.read_text())
    for provider in providers:
        path = folder / f"{provider.feed}.yaml"
        text = path.read_text()
        for old, new in provider.edits:
            assert text.count(old) == 1, f"{path.name} does not say {old!r} once"
            text = text.replace(old, new)
        if provider.more_symbols and "\ndefaults:" in text:
            text, count = re.subn(r"^(defaults: \[.*)\]", rf"\1, {', '.join(provider.more_symbols)}]", text, flags=re.M)
            assert count == 1
        path.write_text(text)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory, module_database):
    """All mocks and one Tickwire for all of them, run for a while; what happened, by feed."""
    folder = tmp_path_factory.mktemp("providers")
    providers = all_providers()
    feeds = copy_feeds(folder / "feeds", providers)
    keys = {name: value for provider in providers for name, value in provider.environment.items()}
    with ProviderServer(providers, free_port):
        arguments = ["ingest", "--feeds-dir", feeds, "--feeds", ",".join(provider.feed for provider in providers)]
        for provider in providers:
            arguments += ["--feed-url", f"{provider.feed}={provider.url}"]
        env = environment(
            TICKWIRE_DATA_DIR=folder / "data", TICKWIRE_LOG_LEVEL="debug", DATABASE_URL=module_database, **APP, **keys)
        port = free_port()
        service = Service([arguments[0], "--port", port, *arguments[1:]], env, port, folder / "ingest.log")
        try:
            service.wait_ready()
            time.sleep(SECONDS)
            violations = {provider.feed: list(provider.violations) for provider in providers}
            total = sum(len(provider.expected) for provider in providers)
            count = "SELECT (SELECT count(*) FROM trades) + (SELECT count(*) FROM quotes)"
            try:
                wait_until(lambda: rows(module_database, count)[0][0] >= total, 10, "the ticks in PostgreSQL")
            except AssertionError:
                pass  # which of them are missing is told by provider
            metrics = service.get("/metrics")
        finally:
            service.stop()
    gaps = collections.defaultdict(list)
    for venue, *gap in rows(
            module_database, "SELECT venues.name, state, reason, missing_count, repaired_count FROM feed_gaps"
            " JOIN venues ON venues.id = venue_id WHERE stream = 'trades'"):
        gaps[venue].append(gap)
    stored = collections.defaultdict(list)
    columns = "venue, kind, symbol, price, size, side, id, bid, ask, bid_size, ask_size, last, snapshot," \
        " (extract(epoch FROM event_time) * 1000000)::bigint, (extract(epoch FROM received_time) * 1000000)::bigint"
    for row in rows(module_database, f"SELECT {columns} FROM ticks"):
        stored[row[0]].append(row[1:])
    for provider in providers:
        for session in list(provider.open_sessions):
            session.end()
    for name, found in violations.items():
        found += [v for p in providers if p.feed == name for v in p.violations if v not in found and "silent" in v]
    return {
        "providers": {provider.feed: provider for provider in providers}, "stored": stored, "violations": violations,
        "gaps": gaps, "log": service.text(), "keys": keys, "metrics": metrics,
    }


FEEDS = [provider.feed for provider in all_providers()]


@pytest.mark.parametrize("feed", FEEDS)
def test_the_conversation_follows_the_providers_rules(run, feed):
    provider = run["providers"][feed]
    violations = "\n".join(run["violations"][feed])
    assert not violations, f"broke rules:\n{violations}"
    assert provider.connections == provider.connections_wanted
    missing = [milestone for milestone in provider.milestones if milestone not in provider.reached]
    assert not missing, f"never came so far: {missing}"


def number(value):
    return None if value is None else Decimal(value).normalize()


def wanted_rows(provider):
    for tick in provider.expected:
        stamp = None if tick.time is None else tick.time // 1000
        if hasattr(tick, "price"):
            yield ("trade", tick.symbol, number(tick.price), number(tick.size), tick.side, tick.id, tick.snapshot, stamp)
        else:
            yield ("quote", tick.symbol, number(tick.bid), number(tick.ask), number(tick.bid_size), number(tick.ask_size),
                   number(tick.last), tick.snapshot, stamp)


def stored_rows(provider, found):
    # A tick with a time of its own may well be received in that very microsecond.
    timeless = {"trade" if hasattr(tick, "price") else "quote" for tick in provider.expected if tick.time is None}
    for kind, symbol, price, size, side, identifier, bid, ask, bid_size, ask_size, last, snapshot, event, received in found:
        stamp = None if event == received and kind in timeless else event
        if kind == "trade":
            yield ("trade", symbol, number(price), number(size), side, identifier, snapshot, stamp)
        else:
            yield ("quote", symbol, number(bid), number(ask), number(bid_size), number(ask_size), number(last), snapshot, stamp)


@pytest.mark.parametrize("feed", FEEDS)
def test_what_the_provider_sent_is_stored_tick_by_tick(run, feed):
    provider = run["providers"][feed]
    wanted = collections.Counter(wanted_rows(provider))
    stored = collections.Counter(stored_rows(provider, run["stored"][feed]))
    assert wanted, "the provider sent nothing"
    assert {"missing": list((wanted - stored).elements()), "surplus": list((stored - wanted).elements())} == \
        {"missing": [], "surplus": []}


@pytest.mark.parametrize("feed", [provider.feed for provider in all_providers() if "asked for the history" in provider.milestones])
def test_what_the_provider_did_not_send_is_fetched_from_its_history(run, feed):
    provider = run["providers"][feed]
    assert provider.withheld, "nothing was withheld"
    found = run["gaps"][feed]
    assert found and {state for state, *_ in found} == {"repaired"}, found
    assert all(missing is None or missing == repaired for _, _, missing, repaired in found), found
    if provider.page_size <= 4:
        assert provider.history_requests > len(found), "no page was turned"
    stored = [(row[1], row[5]) for row in run["stored"][feed] if row[0] == "trade"]
    fetched = [(tick.symbol, tick.id) for tick in provider.withheld]
    assert {key: stored.count(key) for key in fetched} == dict.fromkeys(fetched, 1)


def test_no_key_is_in_the_log(run):
    assert run["keys"]
    for name, value in run["keys"].items():
        assert value not in run["log"], f"the log shows {name}"


LISTED = [kind for kind in KINDS if "\ndiscover:" in feed_file(kind.feed)]


@pytest.mark.parametrize("kind", LISTED, ids=lambda kind: kind.feed)
def test_symbols_are_found_in_the_providers_own_list(kind, tmp_path):
    provider = kind()
    part = "BTC" if "BTC" in "".join(provider.symbols) and kind.feed != "finnhub" else "A"
    with ProviderServer([provider], free_port):
        found = tickwire(
            "symbols", "search", part, "--feed", kind.feed, "--online", "--feed-url", f"{kind.feed}={provider.url}", "--json",
            TICKWIRE_DATA_DIR=tmp_path, check=True, **provider.environment)
    listed = [json.loads(line)["symbol"] for line in found.stdout.splitlines()]
    assert sorted(listed) == sorted(symbol for symbol in provider.symbols if part in symbol), found.stdout
    assert provider.asked and not provider.violations
    assert not any(key in found.stdout + found.stderr for key in provider.environment.values())


def test_every_shipped_file_has_a_provider_here():
    shipped = {file.stem for file in (ROOT / "Feeds").glob("*.yaml")}
    assert shipped - {"sim"} == {kind.feed for kind in KINDS}


def test_a_feed_without_its_key_stays_off_and_the_others_run(tmp_path, database):
    providers = [kind() for kind in KINDS if kind.feed in ("finnhub", "poloniex")]
    with ProviderServer(providers, free_port):
        arguments = ["--feeds", "finnhub,poloniex"]
        for provider in providers:
            arguments += ["--feed-url", f"{provider.feed}={provider.url}"]
        port = free_port()
        env = environment(TICKWIRE_DATA_DIR=tmp_path / "data", DATABASE_URL=database, **APP)
        service = Service(["ingest", "--port", port, *arguments], env, port, tmp_path / "ingest.log")
        try:
            service.wait_ready()
            polo = next(provider for provider in providers if provider.feed == "poloniex")
            wait_until(lambda: "ticks" in polo.reached, what="the other feed's ticks")
            wait_until(lambda: rows(database, "SELECT count(*) > 0 FROM trades")[0][0], what="a trade in PostgreSQL")
            text = service.text()
            assert service.process.poll() is None
        finally:
            service.stop()
    assert "FINNHUB_API_KEY" in text
    assert next(provider for provider in providers if provider.feed == "finnhub").connections == 0


def test_wrong_keys_are_not_tried_again_and_again(tmp_path, database):
    provider = next(kind() for kind in KINDS if kind.feed == "alpaca")
    with ProviderServer([provider], free_port):
        port = free_port()
        keys = {name: "wrong-key-of-alpaca" for name in provider.environment}
        env = environment(TICKWIRE_DATA_DIR=tmp_path / "data", TICKWIRE_LOG_LEVEL="debug", DATABASE_URL=database, **APP, **keys)
        service = Service(
            ["ingest", "--port", port, "--feeds", "alpaca", "--feed-url", f"alpaca={provider.url}"], env, port,
            tmp_path / "ingest.log")
        try:
            service.wait_ready()
            wait_until(lambda: "auth failed" in service.text(), what="the refusal in the log")
            time.sleep(5)
            assert service.process.poll() is None
        finally:
            service.stop()
    assert provider.connections == 1
    assert "wrong-key-of-alpaca" not in service.text()
