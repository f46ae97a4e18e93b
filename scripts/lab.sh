#!/usr/bin/env bash
# Runs four nodes in network namespaces of their own through scenarios of faults; docs/lab.md. Needs root, iproute2 and iptables.
# Ends with 0 (all well), 1 (a history is not linearizable, or a node did not come back), 2 (wrong argument), 3 (a target was missed), 4 (namespaces are
# not allowed here).
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/lab.sh [all|short|NAME …] [--peer etcd] [--members 3|4] [--seconds N] [--seed N] [--settings FILE] [--out FOLDER]
       scripts/lab.sh list                  the scenarios, a line each
       scripts/lab.sh compare FOLDER …      tables of earlier runs side by side
--seconds: every scenario lasts N seconds, its times in proportion. --settings: HOCON, for all nodes.
--out: for the table, one timeline per scenario, logs, results.json.
TEXT
}

refuse() {
    echo "$1" >&2
    exit "${2:-2}"
}

for argument in "$@"; do
    case "$argument" in
        -h|--help) usage; exit 0 ;;
        etcd)
            command -v etcd > /dev/null && command -v etcdctl > /dev/null || refuse "etcd is not installed; as root: apt-get install etcd-server etcd-client" 4 ;;
    esac
done
for program in ip iptables-restore; do
    [ "${1:-}" = list ] || [ "${1:-}" = compare ] || PATH="$PATH:/usr/sbin:/sbin" command -v $program > /dev/null \
        || refuse "$program is not installed; as root: apt-get install iproute2 iptables" 4
done

build=$(dotnet build Firecloud.Tests -c Release -v q -nologo 2>&1) || { echo "$build" >&2; exit 2; }
echo "commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(uname -sm)"
exec dotnet Firecloud.Tests/bin/Release/net10.0/Firecloud.Tests.dll lab "$@"
