/* lib739kv.h - Firecloud's C library: gets and puts at any of several servers.
 *
 * Rules, which hold for every function:
 * - Strings are bytes with a NUL at the end; what they mean (UTF-8 or else) is the caller's.
 * - Keys: 1 to KV739_MAX_KEY bytes. Values: 0 to KV739_MAX_VALUE bytes. Neither holds '[' or ']'.
 * - Buffers for values (value of kv739_get, old_value of kv739_put) have KV739_BUFFER bytes or more.
 * - An empty value can't be told from no value.
 * - NULL, a key or value against these rules, a call before kv739_init: -1, and nothing is sent. Functions without a result do
 *   nothing then.
 * - With -1 no buffer is changed.
 * - Any thread may call any function at any time. Two calls must not share a buffer that one of them writes.
 * - kv739_get and kv739_put end within about 5 seconds.
 * - The library stays in the process until it ends (no dlclose). A child that was forked must not call it before it called
 *   exec.
 */
#ifndef LIB739KV_H
#define LIB739KV_H

#ifdef __cplusplus
extern "C" {
#endif

#define KV739_MAX_KEY 128
#define KV739_MAX_VALUE 2048
#define KV739_BUFFER (KV739_MAX_VALUE + 1)
#define KV739_MAX_SERVERS 64
#define KV739_MAX_SERVER_NAME 261

/* Sets the servers. Nothing is sent: that a server is named does not mean that it runs.
 *
 * servers: 1 to KV739_MAX_SERVERS strings "host:port", then NULL or "". Host: an IPv4 address, or a name that has one; it is
 * looked up now. Port: 1 to 65535. At most KV739_MAX_SERVER_NAME bytes each; no address twice.
 *
 * Returns 0, or -1 where the list is not of that form or a host is not known; then what was set before stays. Set anew, no
 * server is marked as failed; calls under way go on with the old list. */
int kv739_init(char *servers[]);

/* Treats a server as out of reach until kv739_recover: nothing is sent to it, and what comes from it is ignored. Also for calls
 * under way. server: as written in the list; others are ignored. */
void kv739_fail(char *server);

/* Ends what kv739_fail began. */
void kv739_recover(char *server);

/* Gets a key's value.
 *
 * Returns 0: value holds it. 1: there is none, value holds "". -1: failure; also when the value can't be a string of these
 * rules, because another interface put it. */
int kv739_get(char *key, char *value);

/* Puts a key's value, at most once, and tells the one before. value and old_value may be the same buffer.
 *
 * Returns 0: done, old_value holds the value before. 1: done, there was none, old_value holds "". -1: failure. Unless an
 * argument was wrong or every server is marked as failed, the value may have been put all the same, or be put later: get the
 * key before you try again. */
int kv739_put(char *key, char *value, char *old_value);

#ifdef __cplusplus
}
#endif

#endif
