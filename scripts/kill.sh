#!/usr/bin/env bash
# kill.sh [-9] [INDEX] - ends the servers of config.sh, or the one with this INDEX. They leave in good order; with -9 they are
# killed on the spot, as a crash would.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

signal=TERM
patience=20   # seconds to leave
if [[ "${1:-}" == -9 ]]; then
    signal=KILL
    shift
fi
[[ $# -le 1 ]] || fail "Say kill.sh [-9] [INDEX]."
index=""
if [[ $# == 1 ]]; then index="$(index_of "$1")"; fi

ending=()
for i in ${index:-"${!servers[@]}"}; do
    if ! is_here "$i"; then
        run_there "$i" scripts/kill.sh $([[ $signal == TERM ]] || say -9) "$i"
    elif [[ -z "$(pid_of "$i")" ]]; then
        say "Server $i (${servers[$i]}) does not run."
        rm -f "$(pid_file "$i")"
    else
        kill -s "$signal" "$(pid_of "$i")"
        ending+=("$i")
    fi
done

end=$((SECONDS + patience))
for i in "${ending[@]}"; do
    while [[ -n "$(pid_of "$i")" ]]; do
        if ((SECONDS > end)); then fail "Server $i still runs after $patience s; scripts/kill.sh -9 $i ends it on the spot."; fi
        sleep 0.1
    done
    rm -f "$(pid_file "$i")"
    say "Server $i (${servers[$i]}) has ended."
done
