# Shared by the scripts beside it: a PostgreSQL of their own, and psql. Source it after setting here, work and cluster.

unprivileged() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid="${BENCHMARK_USER:-postgres}" --regid="${BENCHMARK_USER:-postgres}" --clear-groups "$@"
    else
        "$@"
    fi
}

finish() {
    if [ -n "$cluster" ]; then unprivileged "$bin/pg_ctl" -D "$cluster" -m immediate stop >/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT

if [ -z "${DATABASE_URL:-}" ]; then
    bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
    cluster=$work/cluster
    mkdir "$cluster"
    if [ "$(id -u)" = 0 ]; then chown "${BENCHMARK_USER:-postgres}" "$cluster"; fi
    unprivileged "$bin/initdb" -D "$cluster" -U benchmark -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    unprivileged "$bin/pg_ctl" -D "$cluster" -w -l "$cluster/log" \
        -o "-c listen_addresses='' -c unix_socket_directories=$cluster -c shared_buffers=512MB -c max_wal_size=4GB" start >/dev/null
    export DATABASE_URL="postgresql:///postgres?host=$cluster&user=benchmark"
fi

sql() { psql -X -q -v ON_ERROR_STOP=1 -At "$DATABASE_URL" "$@"; }
median() { sort -n | awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] : int((value[NR / 2] + value[NR / 2 + 1]) / 2) }'; }

# Builds a benchmark and prints the program's path.
build() {
    swift build --package-path "$here" -c release --product "$1" >&2
    echo "$(swift build --package-path "$here" -c release --show-bin-path)/$1"
}

# Builds the program, unless TICKWIRE_PROGRAM names one, and prints its path.
release_tickwire() {
    if [ -n "${TICKWIRE_PROGRAM:-}" ] && [ ! -x "$TICKWIRE_PROGRAM" ]; then
        echo "TICKWIRE_PROGRAM is \"$TICKWIRE_PROGRAM\", which is no program: give the path of a tickwire built for release" >&2
        return 1
    fi
    if [ -z "${TICKWIRE_PROGRAM:-}" ]; then swift build --package-path "$here/.." -c release --product tickwire >&2; fi
    echo "${TICKWIRE_PROGRAM:-$here/../.build/release/tickwire}"
}
