#!/usr/bin/env bash
# Measures, in one run on this machine; docs/benchmarks.md says what and shows figures. Ends with 2 on a wrong argument.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/bench.sh transport [--seconds S] [--rounds N] [--pairs N] [--depth N] [--datagram BYTES]   messages: ours, Akka's TCP, plain datagrams
       scripts/bench.sh loss [--seconds S]                                              puts while 5 % of the datagrams get lost
       scripts/bench.sh overload [--seconds S]                                          puts of 64 KiB by more callers than are carried
       scripts/bench.sh store [--keys N] [--bytes N] [--folder F]                       one store on disk: room, memory, opening, syncs
       scripts/bench.sh durable [--seconds S]                                           puts of four nodes in memory and on disk
Run it on an otherwise idle machine.
TEXT
}

case "${1:-}" in
    -h|--help) usage; exit 0 ;;
    transport|loss|overload|store|durable) ;;
    *) echo "'${1:-}' is not a measurement." >&2; usage >&2; exit 2 ;;
esac

build=$(dotnet build Firecloud.Bench -c Release -v q -nologo 2>&1) || { echo "$build" >&2; exit 2; }
echo "commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(uname -sm), $(nproc) cores"
exec dotnet Firecloud.Bench/bin/Release/net10.0/Firecloud.Bench.dll "$@"
