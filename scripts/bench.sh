#!/usr/bin/env bash
# Measures, in one run on this machine; docs/benchmarks.md says what and shows figures. Ends with 2 on a wrong argument, and when
# something that is compared is not installed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

usage() {
    cat <<'TEXT'
usage: scripts/bench.sh --quick                     puts and gets beside etcd and Redis, in under five minutes; renews docs/benchmarks.md
       scripts/bench.sh peers [--seconds S] [--rounds N] [--only A,B] [--out FOLDER]    the same and more loads: mixes, swaps, skew, sizes, rates
       scripts/bench.sh targets [--seconds S]       the first targets, met or missed
       scripts/bench.sh growth [--minutes M] [--out FOLDER]                             over keys, clients and sizes, as plots; M for filling each store
       scripts/bench.sh transport [--seconds S] [--rounds N] [--pairs N] [--depth N] [--datagram BYTES]   messages: ours, Akka's TCP, plain datagrams
       scripts/bench.sh loss [--seconds S]                                              puts while 5 % of the datagrams get lost
       scripts/bench.sh overload [--seconds S]                                          puts of 64 KiB by more callers than are carried
       scripts/bench.sh store [--keys N] [--bytes N] [--folder F]                       one store on disk: room, memory, opening, syncs
       scripts/bench.sh durable [--seconds S]                                           puts of four nodes in memory and on disk
Run it on an otherwise idle machine. --quick, peers, targets and growth need etcd-server and redis-server (Debian's packages).
TEXT
}

case "${1:-}" in
    -h|--help) usage; exit 0 ;;
    --quick) shift; set -- peers --quick "$@" ;;
    transport|loss|overload|store|durable|peers|targets|growth) ;;
    *) echo "'${1:-}' is not a measurement." >&2; usage >&2; exit 2 ;;
esac

need_sdk
case "$1" in
    peers|targets|growth)
        need_build
        export FIRECLOUD_DLL="$dll" ;;
esac
build=$(dotnet build Firecloud.Bench -c Release -v q -nologo 2>&1) || { echo "$build" >&2; exit 2; }
FIRECLOUD_COMMIT="$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
export FIRECLOUD_COMMIT
echo "commit $FIRECLOUD_COMMIT, $(uname -sm), $(nproc) cores"
exec dotnet Firecloud.Bench/bin/Release/net10.0/Firecloud.Bench.dll "$@"
