#!/usr/bin/env bash
# partition.sh {-A|-D} SERVER1 SERVER2 - cuts (-A) or heals (-D) the UDP link between two servers, each given as INDEX or
# host:port. Every datagram between them is dropped where it arrives, by a rule of iptables: needs root on their machines.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# rule {-A|-D|-C} FROM TO - adds, removes or looks up the rule that drops what FROM sends to TO. Called on TO's machine.
rule() {
    local from="${servers[$2]}" to="${servers[$3]}"
    iptables "$1" INPUT -p udp -s "${from%:*}" --sport "${from##*:}" -d "${to%:*}" --dport "${to##*:}" -j DROP
}

one_way() {
    if ! is_here "$3"; then
        run_there "$3" scripts/partition.sh --one-way "$@"
        return
    fi
    [[ "$(id -u)" == 0 ]] || fail "Rules of iptables need root; run it with sudo."
    command -v iptables > /dev/null || fail "iptables is not installed; as root: apt-get install iptables"
    local there=no
    if rule -C "$2" "$3" 2> /dev/null; then there=yes; fi
    case "$1 $there" in
        "-A yes") say "${servers[$2]} → ${servers[$3]} is cut already." ;;
        "-D no") fail "${servers[$2]} → ${servers[$3]} is not cut." ;;
        *) rule "$1" "$2" "$3" ;;
    esac
}

if [[ "${1:-}" == --one-way ]]; then
    one_way "${@:2}"
    exit
fi
[[ $# == 3 && ("$1" == -A || "$1" == -D) ]] || fail "Say partition.sh -A SERVER1 SERVER2 to cut, -D to heal."
one="$(index_of "$2")"
two="$(index_of "$3")"
[[ "$one" != "$two" ]] || fail "SERVER1 and SERVER2 are the same, ${servers[$one]}."
one_way "$1" "$one" "$two"
one_way "$1" "$two" "$one"
if [[ "$1" == -A ]]; then say "${servers[$one]} and ${servers[$two]} are cut off from each other."; else say "${servers[$one]} and ${servers[$two]} reach each other again."; fi
