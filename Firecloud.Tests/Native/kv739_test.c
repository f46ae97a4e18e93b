/* kv739_test.c - lib739kv.so against a running cluster of four nodes; written from docs/kv739.md and lib739kv.h alone.
 *
 * kv739_test calls   PREFIX SERVER SERVER SERVER SERVER   one call after the other: what each returns, and every limit
 * kv739_test threads PREFIX SERVER SERVER SERVER SERVER   8 threads; see threads() below
 *
 * Keys begin with PREFIX. It prints "fine" and returns 0, or says what was wrong and returns 1. */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib739kv.h"

#define SERVERS 4
#define MANY 6000 /* more than any buffer or limit */

static const char *prefix;
static char *servers[SERVERS + 1];

static void wrong(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

static void expect(const char *what, int expected, int got)
{
    if (expected != got) wrong("%s returned %d, not %d", what, got, expected);
}

static void expect_text(const char *what, const char *expected, const char *got)
{
    if (strcmp(expected, got) != 0) wrong("%s gave '%.60s' (%zu bytes), not '%.60s' (%zu bytes)", what, got, strlen(got), expected, strlen(expected));
}

static char *key_of(const char *name)
{
    static _Thread_local char key[KV739_MAX_KEY + 1];
    snprintf(key, sizeof key, "%s %s", prefix, name);
    return key;
}

/* A string of so many bytes. */
static char *long_text(char of, int length)
{
    char *text = malloc(length + 1);
    memset(text, of, length);
    text[length] = 0;
    return text;
}

static void put(const char *name, const char *value, int expected, const char *expected_old)
{
    char old[KV739_BUFFER] = "untouched";
    expect("put", expected, kv739_put(key_of(name), (char *)value, old));
    expect_text("put", expected_old, old);
}

static void get(const char *name, int expected, const char *expected_value)
{
    char value[KV739_BUFFER] = "untouched";
    expect("get", expected, kv739_get(key_of(name), value));
    expect_text("get", expected_value, value);
}

/* Fails in the way of every function: -1, and no buffer is changed. */
static void put_fails(char *key, char *value)
{
    char old[KV739_BUFFER] = "untouched";
    expect("a put that can't be", -1, kv739_put(key, value, old));
    expect_text("a put that can't be", "untouched", old);
}

static void get_fails(char *key)
{
    char value[KV739_BUFFER] = "untouched";
    expect("a get that can't be", -1, kv739_get(key, value));
    expect_text("a get that can't be", "untouched", value);
}

static void before_init(void)
{
    put_fails("key", "value");
    get_fails("key");
    kv739_fail(servers[0]);
    kv739_recover(servers[0]);
}

static void bad_lists(void)
{
    char *bad[] = {
        "nonsense", "127.0.0.1", "127.0.0.1:", ":8808", ":", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x", "127.0.0.1: 80",
        "127.0.0.1:99999999999999999999", "0.0.0.0:8808", "255.255.255.255:8808", "224.0.0.1:8808", "[::1]:8808", "no such host:8808",
        "\xff\xfe:8808", long_text('h', 300), long_text(':', 300), long_text('1', MANY),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    {
        char *alone[] = {bad[i], NULL};
        expect(bad[i], -1, kv739_init(alone));
        char *last[] = {servers[0], servers[1], bad[i], NULL};
        expect(bad[i], -1, kv739_init(last));
    }
    char *none[] = {NULL}, *empty[] = {"", NULL}, *twice[] = {servers[0], servers[1], servers[0], NULL};
    expect("init(NULL)", -1, kv739_init(NULL));
    expect("init of none", -1, kv739_init(none));
    expect("init of an empty name", -1, kv739_init(empty));
    expect("init of one server twice", -1, kv739_init(twice));

    char names[KV739_MAX_SERVERS + 1][32], *many[KV739_MAX_SERVERS + 2] = {NULL};
    for (int i = 0; i <= KV739_MAX_SERVERS; i++)
    {
        snprintf(names[i], sizeof names[i], "127.0.0.1:%d", 1000 + i);
        many[i] = names[i];
    }
    expect("init of too many", -1, kv739_init(many));
}

static void bad_arguments(void)
{
    char *keys[] = {NULL, "", "[", "]", "a[b", "a]b", "key]", long_text('k', KV739_MAX_KEY + 1), long_text('k', MANY)};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    {
        get_fails(keys[i]);
        put_fails(keys[i], "value");
    }
    char *values[] = {NULL, "[", "]", "a[b", "a]b", "value]", long_text('v', KV739_MAX_VALUE + 1), long_text('v', MANY)};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) put_fails(key_of("bad"), values[i]);
    expect("get without a buffer", -1, kv739_get(key_of("bad"), NULL));
    expect("put without a buffer", -1, kv739_put(key_of("bad"), "value", NULL));
    expect("get of nothing", -1, kv739_get(NULL, NULL));
    expect("put of nothing", -1, kv739_put(NULL, NULL, NULL));
    get("bad", 1, "");

    /* Names that are no server's. */
    char *unknown[] = {NULL, "", "127.0.0.1:1", "nonsense", long_text('s', MANY)};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    {
        kv739_fail(unknown[i]);
        kv739_recover(unknown[i]);
    }
    put("good", "value", 1, "");
}

static void values(void)
{
    get("absent", 1, "");
    put("name", "one", 1, "");
    put("name", "two", 0, "one");
    put("name", "two", 0, "two");
    get("name", 0, "two");
    put("other", "x", 1, "");
    get("name", 0, "two");

    put("empty", "", 1, "");
    get("empty", 1, "");
    put("empty", "full", 1, "");
    put("empty", "", 0, "full");

    /* Bytes are bytes: all but NUL and the brackets, and UTF-8. */
    char bytes[256] = {0};
    for (int c = 1, at = 0; c < 256; c++)
    {
        if (c != '[' && c != ']') bytes[at++] = (char)c;
    }
    put("bytes", bytes, 1, "");
    put("bytes", "gr\xc3\xbc\xc3\x9f\x65 \xe7\x8e\x8b", 0, bytes);
    get("bytes", 0, "gr\xc3\xbc\xc3\x9f\x65 \xe7\x8e\x8b");
    put(" \n k\xc3\xb6nig ", " \n", 1, "");
    get(" \n k\xc3\xb6nig ", 0, " \n");

    /* The same buffer for both values. */
    char both[KV739_BUFFER] = "mine";
    put("both", "before", 1, "");
    expect("put with one buffer", 0, kv739_put(key_of("both"), both, both));
    expect_text("put with one buffer", "before", both);
    get("both", 0, "mine");
}

static void limits(void)
{
    char *key = long_text('k', KV739_MAX_KEY), *first = long_text('1', KV739_MAX_VALUE), *second = long_text('2', KV739_MAX_VALUE);
    /* One byte behind each buffer shows what is written too far. */
    char old[KV739_BUFFER + 1], value[KV739_BUFFER + 1];
    old[KV739_BUFFER] = value[KV739_BUFFER] = '!';
    memcpy(key, prefix, strlen(prefix));
    expect("put of the longest", 1, kv739_put(key, first, old));
    expect("put of the longest", 0, kv739_put(key, second, old));
    expect_text("put of the longest", first, old);
    expect("get of the longest", 0, kv739_get(key, value));
    expect_text("get of the longest", second, value);
    if (old[KV739_BUFFER] != '!' || value[KV739_BUFFER] != '!') wrong("a byte behind a buffer was written");
}

static void failing(void)
{
    char text[16], before[16] = "start";
    put("failing", before, 1, "");
    /* Each server alone. */
    for (int alone = 0; alone < SERVERS; alone++)
    {
        for (int i = 0; i < SERVERS; i++)
        {
            if (i != alone) kv739_fail(servers[i]);
        }
        get("failing", 0, before);
        snprintf(text, sizeof text, "at %d", alone);
        put("failing", text, 0, before);
        get("failing", 0, text);
        strcpy(before, text);
        for (int i = 0; i < SERVERS; i++) kv739_recover(servers[i]);
    }
    /* One after the other, until none is left. */
    for (int i = 0; i < SERVERS; i++)
    {
        get("failing", 0, before);
        kv739_fail(servers[i]);
    }
    get_fails(key_of("failing"));
    put_fails(key_of("failing"), "never");
    kv739_recover(servers[2]);
    get("failing", 0, before);
    /* Twice is once. */
    kv739_fail(servers[2]);
    kv739_fail(servers[2]);
    kv739_recover(servers[3]);
    kv739_fail(servers[3]);
    get_fails(key_of("failing"));
    /* A new list knows of no failures; a wrong one changes nothing. */
    char *nonsense[] = {"nonsense", NULL};
    expect("init with a wrong list", -1, kv739_init(nonsense));
    get_fails(key_of("failing"));
    char *two[] = {servers[3], servers[0], "", "nonsense"};
    expect("init ended by \"\"", 0, kv739_init(two));
    get("failing", 0, before);
    /* Not of this list. */
    kv739_fail(servers[3]);
    kv739_recover(servers[1]);
    kv739_fail(servers[0]);
    get_fails(key_of("failing"));
    expect("init", 0, kv739_init(servers));
    get("failing", 0, before);
}

/* ---- 8 threads ---- */

#define THREADS 8
#define KEYS 2
#define MOST 20000 /* puts of one thread */
#define PUTS_AFTER 50
#define MOST_FAILURES 200

struct put_done { int key, failed, old_thread, old_number; };
struct writer { pthread_t thread; int number, count, failures; struct put_done puts[MOST]; };
static struct writer writers[THREADS];
static atomic_int done_puts, killed;

/* Values are "thread.number"; "" is nobody's. */
static void read_value(const char *text, int *thread, int *number)
{
    char more;
    *thread = -1;
    *number = -1;
    if (*text == 0) return;
    if (sscanf(text, "%d.%d%c", thread, number, &more) != 2 || *thread < 0 || *thread >= THREADS || *number < 0) wrong("a value that nobody put: %s", text);
}

static char *shared_key(int key)
{
    char name[16];
    snprintf(name, sizeof name, "shared %d", key);
    return key_of(name);
}

static void check_get(struct writer *writer, int key)
{
    char value[KV739_BUFFER];
    int thread, number, got = kv739_get(shared_key(key), value);
    if (got == -1) { writer->failures++; return; }
    read_value(value, &thread, &number);
    if (got == 1 && writer->count > KEYS && writer->failures == 0) wrong("a get finds nothing behind a put");
}

static void *write_and_read(void *argument)
{
    struct writer *writer = argument;
    for (int after = 0; after < PUTS_AFTER;)
    {
        char value[32], old[KV739_BUFFER];
        int i = writer->count, was_killed = atomic_load(&killed);
        if (i == MOST) wrong("nobody said for how long");
        struct put_done *put = &writer->puts[i];
        put->key = i % KEYS;
        snprintf(value, sizeof value, "%d.%d", writer->number, i);
        int got = kv739_put(shared_key(put->key), value, old);
        put->failed = got == -1;
        if (put->failed)
        {
            if (++writer->failures > MOST_FAILURES) wrong("too many failures");
        }
        else
        {
            read_value(old, &put->old_thread, &put->old_number);
            if ((put->old_thread < 0) != (got == 1)) wrong("put returned %d with the old value '%s'", got, old);
            atomic_fetch_add(&done_puts, 1);
            after += was_killed;
        }
        writer->count++;
        if (i % 4 == 0) check_get(writer, put->key);
    }
    return NULL;
}

static struct put_done *find(int thread, int number)
{
    if (thread < 0) return NULL;
    if (number >= writers[thread].count) wrong("a value that was never put: %d.%d", thread, number);
    return &writers[thread].puts[number];
}

/* Each value was seen as the old one by one put at most: else it was put twice, or two puts took effect at one moment. Walking back
 * from the last value, every put that was done is met once, and each thread's in their order. Where a put may or may not have
 * been done the walk ends; another end of a chain is allowed for each of them. */
static void check_chain(int key)
{
    static char seen[THREADS][MOST];
    int done = 0, failed = 0, ends = 0, firsts = 0, met = 0, next[THREADS];
    memset(seen, 0, sizeof seen);
    for (int t = 0; t < THREADS; t++)
    {
        next[t] = MOST;
        for (int i = 0; i < writers[t].count; i++)
        {
            struct put_done *put = &writers[t].puts[i];
            if (put->key != key) continue;
            if (put->failed) { failed++; continue; }
            done++;
            struct put_done *old = find(put->old_thread, put->old_number);
            if (old == NULL) { firsts++; continue; }
            if (old == put || old->key != key) wrong("%d.%d replaced %d.%d", t, i, put->old_thread, put->old_number);
            if (seen[put->old_thread][put->old_number]++) wrong("%d.%d was replaced twice", put->old_thread, put->old_number);
        }
    }
    for (int t = 0; t < THREADS; t++)
    {
        for (int i = 0; i < writers[t].count; i++)
        {
            if (writers[t].puts[i].key == key && !writers[t].puts[i].failed && !seen[t][i]) ends++;
        }
    }
    if (firsts > 1) wrong("%d puts found nothing there", firsts);
    if (ends > 1 + failed) wrong("%d chains end, though only %d puts failed", ends, failed);

    char value[KV739_BUFFER];
    int thread, number;
    expect("the last get", 0, kv739_get(shared_key(key), value));
    read_value(value, &thread, &number);
    for (struct put_done *put; (put = find(thread, number)) != NULL && !put->failed; met++)
    {
        if (put->key != key) wrong("%d.%d is a value of another key", thread, number);
        if (number >= next[thread]) wrong("%d.%d took effect behind %d.%d", thread, number, thread, next[thread]);
        next[thread] = number;
        thread = put->old_thread;
        number = put->old_number;
    }
    if (failed == 0 && met != done) wrong("%d puts were done, %d are in the chain", done, met);
    printf("key %d: %d puts done, %d failed, %d in the last chain\n", key, done, failed, met);
}

/* Prints "under way" when 400 puts are done, and goes on; from the next line of its input on each thread does 50 puts more. What
 * happens between is the caller's: a node may be killed. Some puts may fail even if none is: on a busy machine a repeated one may
 * find that later ones have replaced its old value. */
static void threads(void)
{
    char line[64];
    for (int t = 0; t < THREADS; t++)
    {
        writers[t].number = t;
        if (pthread_create(&writers[t].thread, NULL, write_and_read, &writers[t]) != 0) wrong("no thread");
    }
    while (atomic_load(&done_puts) < 400) usleep(1000);
    printf("under way\n");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) wrong("no line of input");
    atomic_store(&killed, 1);
    for (int t = 0; t < THREADS; t++) pthread_join(writers[t].thread, NULL);
    for (int key = 0; key < KEYS; key++) check_chain(key);
}

int main(int count, char *arguments[])
{
    if (count != 3 + SERVERS) wrong("kv739_test calls|threads PREFIX SERVER SERVER SERVER SERVER");
    prefix = arguments[2];
    memcpy(servers, arguments + 3, SERVERS * sizeof *servers);
    if (strcmp(arguments[1], "calls") == 0)
    {
        before_init();
        bad_lists();
        before_init();
        expect("init", 0, kv739_init(servers));
        values();
        limits();
        bad_arguments();
        failing();
    }
    else
    {
        expect("init", 0, kv739_init(servers));
        threads();
    }
    printf("fine\n");
    return 0;
}
