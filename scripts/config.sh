# config.sh - the servers that launch.sh, kill.sh, partition.sh and firecloud work on. Every line can be overridden by the
# environment, for example: FIRECLOUD_SERVERS="10.0.0.1:8808 10.0.0.2:8808 10.0.0.3:8808" scripts/launch.sh

# host:port (UDP) of every server, in the same order on every machine. A server's INDEX is its place here, from 0.
FIRECLOUD_SERVERS="${FIRECLOUD_SERVERS:-127.0.0.1:8808 127.0.0.1:8809 127.0.0.1:8810 127.0.0.1:8811}"

# Votes in the same order. Empty: 2 for the first server, which is then the master, and 1 for every other.
FIRECLOUD_VOTES="${FIRECLOUD_VOTES:-}"

# Ports (TCP) of the Redis protocol, in the same order; a server without one does not serve it. "none" for no server.
FIRECLOUD_RESP_PORTS="${FIRECLOUD_RESP_PORTS:-7379 7380 7381 7382}"

# Kept free for later versions: ports of status pages.
# FIRECLOUD_HTTP_PORTS="9808 9809 9810 9811"

# A HOCON file with further settings for all servers; empty for none.
FIRECLOUD_SETTINGS="${FIRECLOUD_SETTINGS:-}"

# Process ids, logs, the servers' generated settings and, below data/, their records.
FIRECLOUD_STATE="${FIRECLOUD_STATE:-$root/.firecloud}"

# A server whose host is not this machine is started and stopped over ssh, without a password, in this folder there.
FIRECLOUD_REMOTE_FOLDER="${FIRECLOUD_REMOTE_FOLDER:-$root}"
