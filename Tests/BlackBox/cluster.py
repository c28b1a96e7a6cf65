"""A PostgreSQL server of a test's own, which may be stopped, killed and started again."""
import glob
import os
import pathlib
import shutil
import subprocess
import tempfile

import psycopg


class Cluster:
    """A server in a temporary folder, with the settings that PostgreSQL comes with: what it has committed is on disk."""

    def __init__(self, *options):
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tickwire-cluster-"))
        self.options = options
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run(self.bin / "initdb", "-D", self.folder / "data", "-U", "tickwire", "--auth=trust", "--encoding=UTF8", "--locale=C")
        self.start()
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE tickwire")

    @property
    def url(self):
        return self.url_of("tickwire")

    def url_of(self, name):
        return f"host={self.folder} user=tickwire dbname={name}"

    def start(self):
        """Starts it and waits until it takes connections, its recovery done."""
        settings = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' " + " ".join(f"-c {option}" for option in self.options)
        self._run(self.bin / "pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-t", "120", "-o", settings, "start")

    def stop(self, mode="immediate"):
        self._run(self.bin / "pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def remove(self):
        try:
            self.stop()
        except subprocess.CalledProcessError:
            pass  # It is stopped already.
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _run(*command):
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.getuid() == 0 else []
        subprocess.run([*prefix, *map(str, command)], cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
