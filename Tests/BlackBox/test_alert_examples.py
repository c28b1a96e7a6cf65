"""Every example of docs/alerts.md and of the alerts' help texts does what it says."""
import json
import os
import pathlib
import re
import subprocess
import textwrap

import jsonschema
import pytest

from alert_setup import prepare, reset
from conftest import APP, PROGRAM, ROOT, Service, environment, free_port, tickwire

MANUAL = (ROOT / "docs" / "alerts.md").read_text()
SCHEMAS = pathlib.Path(__file__).parent / "schemas"
COMMANDS = ["", "add", "list", "show", "pause", "resume", "snooze", "remove", "test", "backtest"]


def blocks(language):
    """The contents of the manual's code blocks, those within lists too."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", MANUAL, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


def expressions():
    """The expressions in the first column of the tables of conditions and options."""
    part = MANUAL.split("\n## Conditions\n")[1].split("\n## When it fires\n")[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return [code for cell in cells for code in re.findall(r"`([^`]+)`", cell)]


@pytest.fixture(scope="module")
def world(module_database, tmp_path_factory):
    """A gateway on a database with alerts; the environment and the text replacements of a shell."""
    data = tmp_path_factory.mktemp("data")
    prepare(module_database, TICKWIRE_DATA_DIR=data)
    env = {"DATABASE_URL": module_database, "TICKWIRE_DATA_DIR": str(data)}
    tickwire("users", "create", "ann", check=True, **env)
    programs = tmp_path_factory.mktemp("bin")
    (programs / "tickwire").symlink_to(PROGRAM)
    port = free_port()
    service = Service(["gateway", "--port", port], environment(**env, **APP), port, tmp_path_factory.mktemp("log") / "gateway.log").wait_ready()
    shell = environment(**env)
    shell["PATH"] = f"{programs}:{os.environ['PATH']}"
    yield module_database, shell, port
    service.stop()


def run(world, script):
    _, shell, port = world
    script = script.replace("localhost:6001", f"localhost:{port}")
    return subprocess.run(["bash", "-c", script], env=shell, cwd=ROOT, timeout=60, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("script", blocks("sh"))
def test_the_manuals_commands_work(world, script):
    reset(world[0])
    for line in script.splitlines():
        if not line.startswith(("tickwire ", "curl ", "TOKEN=")):
            raise AssertionError(f"neither a command nor curl: {line}")
    # What takes part in several lines, as a token does, is one script.
    lines = [script] if "TOKEN=" in script else script.splitlines()
    for line in lines:
        result = run(world, "set -e\n" + line)
        assert result.returncode == 0, f"{line}\n{result.stdout}"
        if "curl" in line:
            answers = [json.loads(text) for text in result.stdout.splitlines() if text.startswith("{")]
            assert answers and all("error" not in answer for answer in answers), result.stdout


@pytest.mark.parametrize("block", blocks("console"))
def test_the_manuals_sessions_print_what_is_shown(world, block):
    reset(world[0])
    sessions = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    assert sessions
    for command, output in sessions:
        assert run(world, command).stdout == output, command


@pytest.mark.parametrize("expression", expressions())
def test_the_manuals_expressions_are_read_and_print_back_equal(expression):
    result = tickwire("alerts", "test", expression, "--price", "1")
    assert result.returncode == 0, result.stderr
    canonical = result.stdout.splitlines()[0]
    again = tickwire("alerts", "test", canonical, "--price", "1", check=True)
    assert again.stdout.splitlines()[0] == canonical


def test_the_manual_shows_every_condition_and_option():
    first = {expression.split()[0] for expression in expressions()}
    assert first == {"above", "below", "crosses", "between", "enters", "leaves", "moves", "up", "down", "new", "volume", "spread", "silent", "diverges"}
    words = " ".join(expressions()).split()
    for option in ["once", "cooldown", "rearm", "confirm", "again", "until", "priority", "hours"]:
        assert option in words


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_the_help_work(world, command):
    text = tickwire("alerts", *command.split(), "--help", check=True).stdout
    part = re.split(r"^ *EXAMPLES\n", text.replace("\\\n", ""), flags=re.MULTILINE)[1]
    examples = [line.strip() for line in part.splitlines() if line.strip().startswith("tickwire ")]
    assert examples
    for example in examples:
        reset(world[0])
        result = run(world, example)
        assert result.returncode == 0, f"{example}\n{result.stdout}"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_fits_a_terminal(command):
    text = tickwire("alerts", *command.split(), "--help", check=True).stdout.split("\nUSAGE:")[0]
    # A line that is too long is broken, and what follows starts at the margin: examples are indented.
    examples = text.split("\nEXAMPLES\n")[1].split("\n\n")[0]
    assert all(line.startswith("  ") and len(line) <= 80 for line in examples.splitlines())


def test_the_manuals_events_have_the_documented_form():
    events = [json.loads(block) for block in blocks("json")]
    (webhook,) = [event for event in events if event.get("type") == "alert.fired"]
    jsonschema.validate(webhook, json.loads((SCHEMAS / "webhook.json").read_text()))
    (alert,) = [event for event in events if "state" in event]
    jsonschema.validate(alert, json.loads((SCHEMAS / "alert.json").read_text()))
