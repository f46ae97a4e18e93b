#!/usr/bin/env bash
# test.sh - builds everything in Debug and runs all tests. Its last line is "N passed, N failed", with ", N skipped" where any
# were; the exit code is 0 only if something passed and nothing failed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

passed=0 failed=0 skipped=0
results="$(mktemp -d)"
trap 'rm -rf "$results"' EXIT

finish() {
    local line="$passed passed, $failed failed"
    if ((skipped > 0)); then line+=", $skipped skipped"; fi
    say "$line"
    if ((failed > 0 || passed == 0)); then exit 1; fi
    exit 0
}

# Installs Debian packages; false where it can't, with the last lines of why. RUNLEVEL=1: a package's service is not to be started.
apt_install() {
    if [[ "$(id -u)" != 0 ]] || ! command -v apt-get > /dev/null; then return 1; fi
    say "Installing $* …"
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" > "$results/apt" 2>&1 && return
    apt-get update -q > "$results/apt" 2>&1 || true
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >> "$results/apt" 2>&1 && return
    tail -n 3 "$results/apt"
    return 1
}

# The tests talk to a node from Python, as a client in another language would, and with redis-cli; and compare with redis-server.
need() {
    if command -v "$1" > /dev/null || apt_install "$2"; then return; fi
    say "$1 is missing and could not be installed here: the tests that need it will fail."
}

# And by Python's client. (npm brings the one of Node.js when the tests need it.)
need_python_redis() {
    if /usr/bin/python3 -c "import redis" 2> /dev/null || apt_install python3-redis; then return; fi
    say "Python's client of Redis is missing and could not be installed here: its test will be skipped."
}

# The tests build the C library: with a C compiler, and a package of NuGet that no other project needs.
need_native() {
    local log="$results/restore"
    if ! { command -v gcc && command -v make; } > /dev/null && ! apt_install gcc make libc6-dev; then
        say "gcc or make is missing and could not be installed here: the tests of the C library will be skipped."
    elif ! dotnet restore Firecloud.Client/Native/lib739kv.csproj -v q --nologo < /dev/null > "$log" 2>&1; then
        tail -n 3 "$log"
        say "The native compiler can't be had from NuGet: the tests of the C library will be skipped, unless it is there from before."
    fi
}

# The lab puts nodes into network namespaces of their own.
need_namespaces() {
    PATH="$PATH:/usr/sbin:/sbin" command -v ip > /dev/null && PATH="$PATH:/usr/sbin:/sbin" command -v iptables-restore > /dev/null && return
    apt_install iproute2 iptables && return
    say "iproute2 or iptables is missing and could not be installed here: the tests of the lab will be skipped."
}

number() { sed -n "s/.*<Counters [^>]*\b$1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n 1; }

# Runs one test project and adds up what its result file says. A run that ended without one, or badly, counts as a failure.
run_project() {
    local name code=0 total=0 executed=0 ok=0 file
    name="$(basename "$1" .csproj)"
    file="$results/$name.trx"
    say "--- $name"
    dotnet test "$1" --no-build -c Debug --nologo --results-directory "$results" --logger "trx;LogFileName=$name.trx" \
        --logger "console;verbosity=minimal" --blame-hang-timeout 10m --blame-hang-dump-type none < /dev/null || code=$?
    if [[ -f "$file" ]]; then
        total="$(number total "$file")" executed="$(number executed "$file")" ok="$(number passed "$file")"
    fi
    passed=$((passed + ok))
    failed=$((failed + executed - ok))
    skipped=$((skipped + total - executed))
    if ((total == 0)); then
        say "$name: no test ran."
        failed=$((failed + 1))
    elif ((code != 0 && executed == ok)); then
        say "$name: the tests that ran passed, but the run ended with code $code; it counts as a failure."
        failed=$((failed + 1))
    fi
}

need_sdk
need python3 python3
need redis-server redis-server
need redis-cli redis-tools
need_python_redis
need_native
need_namespaces
say "Building …"
if ! dotnet build Firecloud.sln -c Debug -v q --nologo < /dev/null; then
    say "The build failed; see above."
    failed=1
    finish
fi
while read -r project; do run_project "$project"; done < <(grep -l '<IsTestProject>true' ./*/*.csproj)
finish
