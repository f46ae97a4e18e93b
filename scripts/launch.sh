#!/usr/bin/env bash
# launch.sh [INDEX] - starts the servers of config.sh, or the one with this INDEX, and returns when they answer.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

patience=30   # seconds for a server to answer
started=()

write_config() {
    local i list=() counts=("${votes[@]}")
    for i in "${!servers[@]}"; do
        list+=("\"${servers[$i]}\"")
        if [[ ${#votes[@]} == 0 ]]; then counts+=($((i == 0 && ${#servers[@]} > 1 ? 2 : 1))); fi
    done
    {
        say "# Written by scripts/launch.sh from scripts/config.sh; changes here are lost."
        if [[ -n "$FIRECLOUD_SETTINGS" ]]; then say "include \"$(realpath "$FIRECLOUD_SETTINGS")\""; fi
        say "firecloud {"
        say "  node = $1"
        say "  members = [$(join "${list[@]}")]"
        say "  votes = [$(join "${counts[@]}")]"
        say "  storage.folder = \"$(data_of "$1")\""
        if [[ "${resp_ports[$1]:-none}" != none ]]; then say "  resp.listen = \"${servers[$1]%:*}:${resp_ports[$1]}\""; fi
        say "}"
    } > "$(config_of "$1")"
}

join() {
    local text
    printf -v text '%s, ' "$@"
    say "${text%, }"
}

start() {
    if [[ -n "$(pid_of "$1")" ]]; then
        say "Server $1 (${servers[$1]}) runs already."
        return
    fi
    write_config "$1"
    nohup dotnet "$dll" --config "$(config_of "$1")" < /dev/null > "$(log_of "$1")" 2>&1 9>&- &
    say $! > "$(pid_file "$1")"
    disown
    started+=("$1")
}

# A cluster that is not complete never forms, so nothing is left behind when one server can't start.
give_up() {
    local i
    for i in "${started[@]}"; do
        if [[ -n "$(pid_of "$i")" ]]; then kill -9 "$(pid_of "$i")"; fi
        rm -f "$(pid_file "$i")"
    done
    fail "$*"
}

# What a server said on its way out, else the end of its log.
last_words() { grep -a '^firecloud: ' "$(log_of "$1")" || tail -n 1 "$(log_of "$1")"; }

# Returns once the command succeeds; ends the script when a server that was started has ended, or takes too long.
await() {
    local i end=$((SECONDS + patience))
    until "$@" > /dev/null 2>&1; do
        for i in "${started[@]}"; do
            [[ -n "$(pid_of "$i")" ]] || give_up "Server $i did not start. $(last_words "$i")"
        done
        if ((SECONDS > end)); then give_up "No answer within $patience s; the logs are in $FIRECLOUD_STATE."; fi
        sleep 0.2
    done
}

[[ $# -le 1 ]] || fail "Say launch.sh, or launch.sh INDEX."
index=""
if [[ $# == 1 ]]; then index="$(index_of "$1")"; fi
need_sdk
need_build
mkdir -p "$FIRECLOUD_STATE"
if command -v flock > /dev/null; then
    exec 9> "$FIRECLOUD_STATE/lock"
    flock -n 9 || fail "Another launch.sh is under way in $FIRECLOUD_STATE; wait for it."
fi
for i in ${index:-"${!servers[@]}"}; do
    if is_here "$i"; then start "$i"; else run_there "$i" scripts/launch.sh "$i"; fi
done
if [[ -n "${FIRECLOUD_HERE:-}" ]]; then exit; fi
if [[ -n "$index" ]]; then
    # One server alone may have to wait for the others: it only has to answer (exit code 3: nobody did).
    answers() { local code=0; firecloud status --node "${servers[$index]}" --timeout 2000 || code=$?; ((code <= 1)); }
    await answers
    firecloud status --node "${servers[$index]}" || true
    exit
fi
await firecloud status --timeout 2000
if [[ ${#started[@]} -gt 0 ]]; then say "${#servers[@]} servers answer. Logs: $FIRECLOUD_STATE"; fi
redis=""
if [[ "${resp_ports[0]:-none}" != none ]]; then redis=$'\n'"      redis-cli -h ${servers[0]%:*} -p ${resp_ports[0]} GET greeting"; fi
cat << TEXT
Try:  scripts/firecloud put greeting hello
      scripts/firecloud get greeting --node ${servers[-1]}
      scripts/firecloud status$redis
Stop: scripts/kill.sh
TEXT
