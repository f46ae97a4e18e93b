# common.sh - what the other scripts share; read with `source`.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
source "$root/scripts/config.sh"
read -r -a servers <<< "${FIRECLOUD_SERVERS//,/ }"
read -r -a votes <<< "${FIRECLOUD_VOTES//,/ }"
read -r -a resp_ports <<< "${FIRECLOUD_RESP_PORTS//,/ }"
dll="${FIRECLOUD_DLL:-$root/Firecloud.Host/bin/Release/net10.0/Firecloud.Host.dll}"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

need_sdk() {
    if ! command -v dotnet > /dev/null; then
        fail "dotnet is not in PATH. Install the .NET SDK 10: https://dotnet.microsoft.com/download/dotnet/10.0"
    fi
    if ! (cd / && dotnet --list-sdks) | grep -q '^10\.'; then
        fail "The .NET SDK 10 is missing. Install it: https://dotnet.microsoft.com/download/dotnet/10.0"
    fi
}

# Builds Firecloud.Host in Release unless it is newer than every source. FIRECLOUD_DLL names another build to use as it is.
need_build() {
    local stamp="$root/Firecloud.Host/bin/Release/built" log
    if [[ -n "${FIRECLOUD_DLL:-}" ]]; then
        [[ -f "$dll" ]] || fail "FIRECLOUD_DLL is $dll, which does not exist."
        return
    fi
    if [[ -f "$dll" && -f "$stamp" && -z "$(newer_sources "$stamp")" ]]; then return; fi
    need_sdk
    say "Building Firecloud (once; about half a minute) …" >&2
    log="$(mktemp)"
    if ! (cd "$root" && dotnet build Firecloud.Host -c Release -v q --nologo < /dev/null > "$log" 2>&1); then
        cat "$log" >&2
        rm -f "$log"
        fail "The build failed; see above."
    fi
    rm -f "$log"
    touch "$stamp"
}

newer_sources() {
    find "$root"/Firecloud.{Actors,Client,Host} "$root"/*.props "$root/global.json" \
        \( -name bin -o -name obj -o -name Native \) -prune -o -type f -newer "$1" -print | head -n 1
}

# INDEX for INDEX or host:port, or a sentence on what is wrong.
index_of() {
    local i last=$((${#servers[@]} - 1))
    for i in "${!servers[@]}"; do
        if [[ "$1" == "$i" || "$1" == "${servers[$i]}" ]]; then
            say "$i"
            return
        fi
    done
    fail "There is no server $1. Say 0 to $last, or one of: ${servers[*]} (scripts/config.sh)."
}

# Whether a server's host is this machine. FIRECLOUD_HERE names the INDEX that a script was sent here for over ssh.
is_here() {
    local host="${servers[$1]%:*}"
    [[ "${FIRECLOUD_HERE:-}" == "$1" || "$host" == localhost || "$host" == 127.* || "$host" == "$(hostname)" ]] && return
    [[ " $(hostname -I 2> /dev/null || true) " == *" $host "* ]]
}

# Runs one of these scripts on the machine of a server: there INDEX, host and folder are the same, see config.sh.
run_there() {
    local index="$1" command
    shift
    printf -v command '%q ' env FIRECLOUD_HERE="$index" FIRECLOUD_SERVERS="${servers[*]}" FIRECLOUD_VOTES="${votes[*]}" \
        FIRECLOUD_RESP_PORTS="${resp_ports[*]}" "$@"
    ssh -n -o BatchMode=yes "${servers[$index]%:*}" "cd $(printf %q "$FIRECLOUD_REMOTE_FOLDER") && $command"
}

config_of() { say "$FIRECLOUD_STATE/node-$1.conf"; }
data_of() { say "$FIRECLOUD_STATE/data/node-$1"; }
log_of() { say "$FIRECLOUD_STATE/node-$1.log"; }
pid_file() { say "$FIRECLOUD_STATE/node-$1.pid"; }

# The process id of a running server; nothing when it does not run, or when another process has got its id.
pid_of() {
    local pid command=""
    pid="$(cat "$(pid_file "$1")" 2> /dev/null || true)"
    [[ "$pid" =~ ^[0-9]+$ ]] || return 0
    if [[ -d /proc/self ]]; then
        command="$(tr '\0' ' ' 2> /dev/null < "/proc/$pid/cmdline" || true)"
    else
        command="$(ps -o command= -p "$pid" 2> /dev/null || true)"
    fi
    [[ "$command" != *"Firecloud.Host.dll --config $(config_of "$1")"* ]] || say "$pid"
}

# Runs one client command against the configured servers.
firecloud() { FIRECLOUD_NODES="${FIRECLOUD_NODES:-${servers[*]}}" dotnet "$dll" "$@"; }
