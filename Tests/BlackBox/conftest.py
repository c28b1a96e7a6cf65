"""Black-box tests: the real program, a real PostgreSQL, real client libraries; exchanges are mocked on the wire.

Run by scripts/test.sh, which sets TICKWIRE_TEST_DATABASE_URL and builds the program.
"""
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("TICKWIRE_PROGRAM", str(ROOT / ".build" / "debug" / "tickwire"))
FIXTURES = ROOT / "Tests" / "Fixtures" / "recordings"
APP = {"TICKWIRE_APP_ID": "3", "TICKWIRE_APP_KEY": "278d425bdf160c739803", "TICKWIRE_APP_SECRET": "7ad3773142a6692b25b8"}


def pytest_configure(config):
    config.addinivalue_line("markers", "load: needs the machine for itself; everything else may run beside others")


def wait_until(condition, timeout=20.0, what="the condition"):
    """Polls until `condition()` is truthy and returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        time.sleep(0.05)


def free_port():
    """A port below the ephemeral range, so that no outgoing connection takes it meanwhile; each pytest worker has ports of its own."""
    first = 20000 + 3000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(first + os.getpid() % 500, first + 3000):
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in free_port.given:
                free_port.given.add(port)
                return port
    raise RuntimeError("no free port")


free_port.given = set()


def sign(text, secret=APP["TICKWIRE_APP_SECRET"]):
    """The hexadecimal HMAC-SHA256 that the Pusher protocol signs with."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def environment(**extra):
    """A clean environment: nothing of the developer's own settings."""
    base = {k: v for k, v in os.environ.items() if not k.startswith(("TICKWIRE_", "DATABASE_URL", "PG"))}
    base.update(TERM="dumb", NO_COLOR="1", **{k: str(v) for k, v in extra.items()})
    return base


def tickwire(*arguments, env=None, timeout=60, check=False, **extra):
    """Runs the program to its end."""
    result = subprocess.run(
        [PROGRAM, *map(str, arguments)], env=env or environment(**extra), cwd=ROOT, timeout=timeout,
        capture_output=True, text=True,
    )
    if check and result.returncode != 0:
        raise AssertionError(f"{arguments} ended with {result.returncode}: {result.stderr}")
    return result


class Service:
    """A running `tickwire up|ingest|gateway`."""

    def __init__(self, arguments, env, port, log_path, prefix=()):
        self.port = port
        self.env = env
        self.log_path = log_path
        self.log = open(log_path, "w")
        self.process = subprocess.Popen(
            [*prefix, PROGRAM, *map(str, arguments)], env=env, cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def text(self):
        return pathlib.Path(self.log_path).read_text()

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the service ended with {self.process.returncode}:\n{self.text()}")
        try:
            return bool(self.get("/readyz")) or True
        except (OSError, urllib.error.URLError):
            return False

    def wait_ready(self, timeout=60):
        wait_until(self.is_ready, timeout, "readiness")
        return self

    def stop(self, signal_number=signal.SIGINT):
        """Asks it to stop; returns how long that took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the service did not stop:\n{self.text()[-4000:]}")
        self.log.close()
        return time.monotonic() - started


@contextlib.contextmanager
def new_database():
    """The URL of a new empty database, which is dropped at the end."""
    server = os.environ.get("TICKWIRE_TEST_DATABASE_URL")
    if not server:
        pytest.skip("TICKWIRE_TEST_DATABASE_URL is not set: run scripts/test.sh")
    name = "blackbox_" + uuid.uuid4().hex[:12]
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    parameters = psycopg.conninfo.conninfo_to_dict(server)
    parameters["dbname"] = name
    yield psycopg.conninfo.make_conninfo(**parameters)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database():
    """The URL of a new empty database."""
    with new_database() as url:
        yield url


@pytest.fixture(scope="module")
def module_database():
    """The URL of a new empty database for all tests of a file."""
    with new_database() as url:
        yield url


@pytest.fixture
def start(tmp_path, request):
    """Starts services and stops them when the test ends, before their database goes."""
    if "database" in request.fixturenames:
        request.getfixturevalue("database")
    services = []

    def run(command, *arguments, wait=True, **extra):
        port = free_port()
        env = environment(TICKWIRE_DATA_DIR=tmp_path / "data", TICKWIRE_LOG_LEVEL="debug", **APP, **extra)
        log = tmp_path / f"{command}-{len(services)}.log"
        service = Service([command, "--port", port, *arguments], env, port, log)
        services.append(service)
        return service.wait_ready() if wait else service

    yield run
    for service in services:
        if service.process.poll() is None:
            service.stop()


def rows(database, sql, *parameters):
    with psycopg.connect(database) as connection:
        return connection.execute(sql, parameters).fetchall()


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]
