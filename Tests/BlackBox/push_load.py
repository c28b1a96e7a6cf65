"""Ten thousand notifications to a mock of APNs on real HTTP/2, with every kind of error or with a worker that is killed.

    .venv/bin/python Tests/BlackBox/push_load.py errors [--count 10000] [--goaways 20]
    .venv/bin/python Tests/BlackBox/push_load.py kill [--count 10000] [--kills 8]
    .venv/bin/python Tests/BlackBox/push_load.py speed [--count 20000]

Needs TICKWIRE_TEST_DATABASE_URL, and TICKWIRE_PROGRAM for another build than the debug one. Ends with 1 when a notification
was lost, came twice, or ended otherwise than its table says.
"""
import argparse
import collections
import hashlib
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from conftest import new_database, rows, tickwire, wait_until
from push_rig import Services, Worker, by_token, put_apns, states, wait_finished

# What a token gets, how its delivery ends, and whether its device is given up.
TABLE = {
    "unregistered": (["Unregistered!"], "dead", True), "expired": (["ExpiredToken!"], "dead", True),
    "nowhere": (["BadDeviceToken!"], "dead", True), "elsewhere": (["BadDeviceToken!"], "done", False),
    "large": (["PayloadTooLarge"], "done", False), "too-large": (["PayloadTooLarge!"], "dead", False),
    "our-fault": (["BadCollapseId!"], "dead", False), "broken": (["InternalServerError"], "done", False),
    "busy": (["ServiceUnavailable"], "done", False), "old-key": (["UnrelatedKeyIdInToken"], "done", False),
    "reset": (["reset"], "done", False),
}
SHARE = 0.05


def token(kind, number):
    return hashlib.sha256(f"{kind}-{number}".encode()).hexdigest()


def report(**values):
    print("  ".join(f"{name}={value}" for name, value in values.items()), flush=True)


def errors(services, folder, count, goaways):
    each = int(count * SHARE)
    kinds = {kind: each for kind in TABLE}
    kinds["fine"] = count - each * len(TABLE)
    for kind, (steps, _, _) in TABLE.items():
        for number in range(each):
            services.apns.script[token(kind, number)] = list(steps)
    # The peer that asks for another connection in between: libcurl then gives up what is on its way on the old one.
    for number in range(goaways):
        services.apns.script[token("fine", number * 37)] = ["goaway"]
    services.sandbox.known_tokens = {token("elsewhere", number) for number in range(each)}
    tokens = [token(kind, number) for kind, size in kinds.items() for number in range(size)]
    random.Random(7).shuffle(tokens)
    put_apns(services.database, tokens, sparkline=range(24))
    worker = Worker(services.env, folder / "deliver.log")
    started = time.monotonic()
    wait_until(lambda: states(services.database).get("ready", 0) + states(services.database).get("leased", 0) < count * 0.05, 300, "the first 95 %")
    most = time.monotonic() - started
    wait_finished(services.database, 300)
    whole = time.monotonic() - started
    worker.stop()
    found = by_token(services.database)
    wrong = collections.Counter()
    for kind, size in kinds.items():
        _, state, is_disabled = TABLE.get(kind, ([], "done", False))
        for number in range(size):
            ended = found[token(kind, number)]
            if (ended[0], ended[3]) != (state, is_disabled):
                wrong[kind, ended[0], ended[3], ended[1]] += 1
    taken = collections.Counter(r.token for r in services.apns.accepted + services.sandbox.accepted)
    expected = {token(kind, number) for kind, size in kinds.items() for number in range(size)
                if TABLE.get(kind, ([], "done", False))[1] == "done"}
    ids = collections.defaultdict(set)
    for record in services.apns.accepted + services.sandbox.accepted:
        ids[record.token].add(record.headers["apns-id"])
    other_id = sum(1 for seen in ids.values() if len(seen) > 1)
    lost, twice = expected - set(taken), {t for t, n in taken.items() if n > 1}
    report(count=count, states=states(services.database), wrong=sum(wrong.values()), lost=len(lost), twice=len(twice), with_another_id=other_id,
           seconds_95=round(most, 1), seconds=round(whole, 1), per_second_95=int(count * 0.95 / most))
    report(connections=services.apns.connections + services.sandbox.connections, goaways=services.apns.goaways,
           violations=services.apns.violations, streams_max=services.apns.streams_max,
           refused=len(services.apns.refused) + len(services.sandbox.refused),
           provider_tokens=len(services.apns.provider_tokens | services.sandbox.provider_tokens))
    for key, number in wrong.most_common(20):
        print("wrong:", key, number)
    return not wrong and not lost and not other_id and (goaways or not twice) and not services.apns.violations


def kill(services, folder, count, kills):
    rng = random.Random(11)
    tokens = [token("fine", number) for number in range(count)]
    put_apns(services.database, tokens, seconds=3600)
    services.apns.reply_delay = 0.2
    started = time.monotonic()
    done = 0
    for _ in range(kills):
        worker = Worker(services.env, folder / "deliver.log")
        goal = done + rng.randrange(1, max(2, count // (kills + 1)))
        wait_until(lambda: len(services.apns.accepted) >= goal, 120, "progress")
        time.sleep(rng.random() * 0.2)
        worker.kill()
        done = len(services.apns.accepted)
        report(killed_after=done, leased=states(services.database).get("leased", 0))
    worker = Worker(services.env, folder / "deliver.log")
    wait_finished(services.database, 300)
    whole = time.monotonic() - started
    worker.stop()
    per_token = collections.Counter(r.token for r in services.apns.accepted)
    ids = collections.defaultdict(set)
    for record in services.apns.accepted:
        ids[record.token].add(record.headers["apns-id"])
    lost = set(tokens) - set(per_token)
    other_id = [t for t, seen in ids.items() if len(seen) > 1]
    report(count=count, kills=kills, states=states(services.database), lost=len(lost),
           repeated=sum(1 for n in per_token.values() if n > 1), repeated_with_another_id=len(other_id),
           seconds=round(whole, 1))
    return not lost and not other_id and states(services.database) == {"done": count}


def speed(services, folder, count):
    put_apns(services.database, [token("fine", number) for number in range(count)])
    worker = Worker(services.env, folder / "deliver.log")
    wait_until(lambda: services.apns.accepted, 60, "the first")
    started = services.apns.accepted[0].time
    wait_until(lambda: len(services.apns.accepted) >= count, 300, "the last")
    took = services.apns.accepted[-1].time - started
    wait_finished(services.database, 60)
    worker.stop()
    report(count=count, seconds=round(took, 2), per_second=int(count / took), connections=services.apns.connections,
           streams_max=services.apns.streams_max)
    return states(services.database) == {"done": count}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["errors", "kill", "speed"])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--goaways", type=int, default=0)
    parser.add_argument("--kills", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database() as database:
        folder = pathlib.Path(name)
        limits = ("5", "20") if options.what == "kill" else ("20", "80")
        services = Services(
            folder, database, TICKWIRE_DELIVER_TIMEOUT=limits[0], TICKWIRE_DELIVER_LEASE=limits[1])
        try:
            tickwire("migrate", env=services.env, check=True)
            if options.what == "errors":
                is_right = errors(services, folder, options.count, options.goaways)
            elif options.what == "kill":
                is_right = kill(services, folder, options.count, options.kills)
            else:
                is_right = speed(services, folder, options.count)
        finally:
            services.stop()
        if not is_right:
            print((folder / "deliver.log").read_text()[-3000:])
    print("right" if is_right else "WRONG")
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
