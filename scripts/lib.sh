# Shared by the scripts beside it: what they need from the system, and a throw-away PostgreSQL.
# Source it; it changes nothing by itself.

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Debian packages that building and running need.
packages=(libcurl4-openssl-dev libnats-dev libssl-dev libpq-dev zlib1g-dev postgresql pkg-config)

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        die "This needs root: run '$*' as root, then start again."
    fi
}

# Installs the packages named that are missing.
install_packages() {
    local missing=()
    local package
    command -v dpkg-query >/dev/null || {
        say "No Debian here: make sure that the equivalents of ${*} are installed."
        return 0
    }
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    say "Installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

require_swift() {
    command -v swift >/dev/null || die "Swift 6.2 or later is missing: install it from https://www.swift.org/install/linux/ and put it on PATH."
}

# The folder of initdb and pg_ctl, newest version first.
postgres_bin() {
    local directory
    for directory in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) $(dirname "$(command -v initdb || echo /none)"); do
        [ -x "$directory/initdb" ] && [ -x "$directory/pg_ctl" ] && { echo "$directory"; return 0; }
    done
    die "No PostgreSQL programs found: install the package postgresql."
}

# Runs a command as a user that PostgreSQL accepts, which root is not.
unprivileged() {
    if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"; else "$@"; fi
}

# Starts a PostgreSQL in a new temporary folder, on a unix socket only, and sets postgres_home and postgres_url.
start_temporary_postgres() {
    local bin
    bin=$(postgres_bin)
    postgres_home=$(mktemp -d /tmp/tickwire-test-XXXXXX)
    [ "$(id -u)" -eq 0 ] && chown postgres:postgres "$postgres_home"
    (
        cd /
        unprivileged "$bin/initdb" -D "$postgres_home/data" -U tickwire --auth=trust --encoding=UTF8 --locale=C >/dev/null
        unprivileged "$bin/pg_ctl" -D "$postgres_home/data" -l "$postgres_home/log" -w \
            -o "-c listen_addresses='' -c unix_socket_directories='$postgres_home' -c fsync=off -c max_connections=100" start >/dev/null
    ) || die "The test PostgreSQL did not start: see $postgres_home/log"
    postgres_url="host=$postgres_home user=tickwire dbname=postgres"
}

stop_temporary_postgres() {
    [ -n "${postgres_home:-}" ] || return 0
    (cd / && unprivileged "$(postgres_bin)/pg_ctl" -D "$postgres_home/data" -m immediate -w stop >/dev/null 2>&1) || true
    rm -rf "$postgres_home"
}

# Installs what is missing, builds the program, and sets TICKWIRE_PROGRAM: what the long checks need.
release_program() {
    install_packages "${packages[@]}"
    require_swift
    python_environment
    say "Building"
    swift build -c release --product tickwire >&2
    export TICKWIRE_PROGRAM="$PWD/.build/release/tickwire"
}

# Makes the Python environment of the black-box tests and benchmarks and puts it first on PATH.
python_environment() {
    install_packages python3 python3-venv
    [ -x .venv/bin/python ] || python3 -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt
    export PATH="$PWD/.venv/bin:$PATH"
}
