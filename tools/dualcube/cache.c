#include <cjson/cJSON.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/dualcube/cli.h"
#include "tools/dualcube/ui.h"

enum { JSON = CLI_FIRST_ID, BYTES, DAYS, KEY = 64 };

static const cli_option options[] = {
    {"max-bytes", 0, "SIZE", "trim: keep at most so much, such as 64M (default 256M)", BYTES},
    {"max-days", 0, "N", "trim: remove what was not used for so many days (default: any age stays)",
     DAYS},
    {"json", 0, NULL, "print JSON", JSON},
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "cache [info|trim|clear] [options]",
    "The cache of compiled device programs.  info: where it is and what it holds; trim: remove "
    "the\n"
    "entries that were not used for longest until a limit is met; clear: remove every entry.  "
    "Other\n"
    "files in the directory are left alone.",
    "  dualcube cache info\n  dualcube cache trim --max-bytes 64M",
    options,
};

typedef struct entry {
    char name[NAME_MAX + 1];
    int64_t bytes, used; /* seconds since 1970 */
} entry;

typedef struct cache {
    char path[4096];
    int fd; /* -1: no directory */
    entry *entry;
    size_t count, room, removed;
    int64_t bytes, removed_bytes;
} cache;

/* An entry's name begins with 64 hexadecimal digits; half-written ones have them after a dot. */
static int is_entry(const char *name)
{
    size_t n = 0;

    name += *name == '.';
    while (n < KEY && isxdigit((unsigned char)name[n]))
        ++n;
    return n == KEY && !isalnum((unsigned char)name[KEY]);
}

static int add_entry(cache *c, const char *name)
{
    struct stat st;
    entry *e;

    if (!is_entry(name) || fstatat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
        return 0;
    if (c->count == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        entry *grown = realloc(c->entry, room * sizeof *grown);

        if (!grown)
            return cli_fail(CLI_FAILED, "out of memory for %zu entries", room);
        c->entry = grown;
        c->room = room;
    }
    e = &c->entry[c->count++];
    snprintf(e->name, sizeof e->name, "%s", name);
    e->bytes = st.st_size;
    e->used = st.st_atime > st.st_mtime ? st.st_atime : st.st_mtime;
    c->bytes += e->bytes;
    return 0;
}

static int by_use(const void *a, const void *b)
{
    const entry *x = a, *y = b;

    return x->used != y->used ? (x->used < y->used ? -1 : 1) : strcmp(x->name, y->name);
}

static int read_cache(cache *c)
{
    int copy, code = 0;
    DIR *directory;

    c->fd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (c->fd < 0)
        return errno == ENOENT ? 0 : cli_fail(CLI_FAILED, "%s: %s", c->path, strerror(errno));
    copy = fcntl(c->fd, F_DUPFD_CLOEXEC, 0);
    directory = copy < 0 ? NULL : fdopendir(copy);
    if (!directory) {
        code = cli_fail(CLI_FAILED, "%s: %s", c->path, strerror(errno));
        if (copy >= 0)
            close(copy);
        return code;
    }
    for (struct dirent *d = readdir(directory); d && !code; d = readdir(directory))
        code = add_entry(c, d->d_name);
    closedir(directory);
    qsort(c->entry, c->count, sizeof *c->entry, by_use);
    return code;
}

/* Remove entries, oldest first, while they are too many bytes or older than `oldest`. */
static int remove_entries(cache *c, int64_t most, int64_t oldest)
{
    int64_t left = c->bytes;

    for (size_t k = 0; k < c->count && (left > most || c->entry[k].used < oldest); ++k) {
        /* Another process may have been faster: then it is gone, which is what was wanted. */
        if (unlinkat(c->fd, c->entry[k].name, 0) && errno != ENOENT)
            return cli_fail(CLI_FAILED, "%s/%s cannot be removed: %s", c->path, c->entry[k].name,
                            strerror(errno));
        left -= c->entry[k].bytes;
        c->removed_bytes += c->entry[k].bytes;
        ++c->removed;
    }
    return 0;
}

/* Why the library would not use this directory, "" when it would. */
static const char *unsafe(const cache *c)
{
    struct stat st;

    if (c->fd < 0 || fstat(c->fd, &st))
        return "";
    if (st.st_uid != geteuid())
        return "owned by another user, so it is not used";
    if (st.st_mode & 022)
        return "writable by others, so it is not used";
    return "";
}

static int print_json(const cache *c)
{
    cJSON *root = cJSON_CreateObject();
    char *text;

    cJSON_AddStringToObject(root, "path", c->path);
    cJSON_AddBoolToObject(root, "exists", c->fd >= 0);
    cJSON_AddStringToObject(root, "refused", unsafe(c));
    cJSON_AddNumberToObject(root, "entries", (double)(c->count - c->removed));
    cJSON_AddNumberToObject(root, "bytes", (double)(c->bytes - c->removed_bytes));
    cJSON_AddNumberToObject(root, "removed", (double)c->removed);
    cJSON_AddNumberToObject(root, "removed_bytes", (double)c->removed_bytes);
    text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return cli_fail(CLI_FAILED, "out of memory");
    puts(text);
    cJSON_free(text);
    return CLI_FINE;
}

static void print_text(const cache *c)
{
    char size[UI_TEXT], when[64] = "";
    const size_t left = c->count - c->removed;

    printf("%-10s %s%s%s\n", "directory", *c->path ? c->path : "none: the cache is off",
           *c->path && c->fd < 0 ? " (not there yet)" : "", *unsafe(c) ? ": " : "");
    if (*unsafe(c))
        printf("%-10s %s\n", "", unsafe(c));
    if (c->removed)
        printf("%-10s %zu program%s, %s\n", "removed", c->removed, c->removed == 1 ? "" : "s",
               ui_bytes(size, (double)c->removed_bytes));
    if (left) {
        const time_t used = (time_t)c->entry[c->count - 1].used;
        struct tm tm;

        if (localtime_r(&used, &tm))
            strftime(when, sizeof when, ", last used %Y-%m-%d %H:%M", &tm);
    }
    printf("%-10s %zu program%s, %s%s\n", "holds", left, left == 1 ? "" : "s",
           ui_bytes(size, (double)(c->bytes - c->removed_bytes)), when);
}

static int find_path(cache *c)
{
    dc_context *context;

    if (dc_context_new(NULL, &context) != DC_OK)
        return cli_fail_status(DC_E_MEMORY);
    snprintf(c->path, sizeof c->path, "%s", dc_context_cache_dir(context));
    dc_context_free(context);
    return 0;
}

static int run(cache *c, const char *verb, int64_t most, int64_t days, int json)
{
    int64_t oldest = days >= 0 ? (int64_t)time(NULL) - days * 86400 : INT64_MIN;
    int code = find_path(c);

    if (!code && *c->path)
        code = read_cache(c);
    if (!code && !strcmp(verb, "clear"))
        code = remove_entries(c, -1, INT64_MAX);
    else if (!code && !strcmp(verb, "trim"))
        code = remove_entries(c, most, oldest);
    if (!code && json)
        code = print_json(c);
    else if (!code)
        print_text(c);
    if (c->fd >= 0)
        close(c->fd);
    free(c->entry);
    return code;
}

int cli_cache(int argc, char **argv)
{
    static cache c = {.fd = -1};
    const char *verb = NULL;
    int64_t most = INT64_C(256) << 20, days = -1;
    cli_parser p;
    int id, json = 0, code = 0;

    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        if (id == JSON)
            json = 1;
        else if (id == BYTES)
            code = cli_bytes(&p, 0, &most);
        else if (id == DAYS)
            code = cli_int(&p, 0, 36500, &days);
        else if (verb)
            code = cli_fail(CLI_USAGE, "unexpected \"%s\"", p.value);
        else if (strcmp(p.value, "info") && strcmp(p.value, "trim") && strcmp(p.value, "clear"))
            code = cli_fail(CLI_USAGE, "there is no \"cache %s\"; there are: info, trim, clear",
                            p.value);
        else
            verb = p.value;
    }
    return code ? code : run(&c, verb ? verb : "info", most, days, json);
}
