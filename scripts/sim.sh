#!/usr/bin/env bash
# Runs the deterministic simulator; docs/testing.md says what it is. Ends with 1 when a run failed, with 2 on a wrong argument.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/sim.sh --seed N [--log]            one run again; --log prints every event
       scripts/sim.sh --runs N [--first SEED]     N runs, with the seeds from SEED on (default: a new one)
       scripts/sim.sh --minutes M [--first SEED]  new runs for M minutes
       scripts/sim.sh --measure N                 within how many of N schedules each planted bug is found
Each of them takes --trap NAME: the protocol with one rule left out.
TEXT
}

refuse() {
    echo "$1" >&2
    usage >&2
    exit 2
}

mode="" log=0 arguments=()
while [ $# -gt 0 ]; do
    case "$1" in
        -h|--help) usage; exit 0 ;;
        --log) log=1; arguments+=("$1"); shift ;;
        --seed|--runs|--minutes|--measure|--first|--trap)
            [ $# -ge 2 ] || refuse "$1 needs a value."
            case "$1" in
                --minutes) [[ "$2" =~ ^[0-9]{1,6}(\.[0-9]+)?$ ]] || refuse "--minutes is a number like 10 or 0.5, not '$2'." ;;
                --trap) [[ "$2" =~ ^[a-z0-9]+$ ]] || refuse "--trap is the name of a trap in docs/testing.md, not '$2'." ;;
                *) [[ "$2" =~ ^[0-9]{1,18}$ ]] || refuse "$1 is a whole number, not '$2'." ;;
            esac
            case "$1" in
                --seed|--runs|--minutes|--measure)
                    [ -z "$mode" ] || refuse "$mode and $1 don't go together; give one of them."
                    mode="$1" ;;
            esac
            arguments+=("$1" "$2"); shift 2 ;;
        *) refuse "'$1' is not an argument of scripts/sim.sh." ;;
    esac
done
[ -n "$mode" ] || refuse "Give one of --seed, --runs, --minutes, --measure."
[ "$log" = 0 ] || [ "$mode" = --seed ] || refuse "--log prints one run; it goes with --seed."

build=$(dotnet build Firecloud.Tests -c Release -v q -nologo 2>&1) || { echo "$build" >&2; exit 2; }
# Runs are short and throw away what they allocate: a large nursery saves a third of the time, and there is little to profile.
export DOTNET_GCgen0size=0x4000000 DOTNET_TieredPGO=0
exec dotnet Firecloud.Tests/bin/Release/net10.0/Firecloud.Tests.dll "${arguments[@]}"
