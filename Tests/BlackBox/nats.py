"""A NATS server of a test's own, which may be stopped, killed and started again."""
import os
import shutil
import socket
import subprocess

import pytest

from conftest import free_port, wait_until


class Nats:
    """A server on a port of its own; without anything on disk."""

    def __init__(self, folder):
        # Debian puts it where only root's path looks.
        program = shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
        if not program:
            pytest.skip("nats-server is not installed: run scripts/test.sh")
        self.program = program
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.log = open(folder / "nats.log", "a")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "-a", "127.0.0.1", "-p", str(self.port)], stdout=self.log, stderr=subprocess.STDOUT)
        wait_until(self.answers, 10, "NATS")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        if self.process.poll() is None:
            self.kill()
        self.log.close()
