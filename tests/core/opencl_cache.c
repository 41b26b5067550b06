/* The program cache on disk: hits, damage, two processes at once, a directory not to be trusted.
 * DUALCUBE_CACHE=always switches it on for drivers that keep a cache of their own. */
#include "tests/core/opencl/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 5, COLUMNS = 7, PATH_BYTES = 512, PROCESSES = 2 };
static const int64_t shape[] = {ROWS, COLUMNS};
static char base[64] = "/tmp/dct-cache-XXXXXX";
static char dir[PATH_BYTES]; /* below base; the library makes it */
static int have_device;

/* Entries of the directory that end in `end`; the name of the last one. */
static int count_files(const char *end, char *name, size_t room)
{
    DIR *list = opendir(dir);
    int n = 0;
    for (struct dirent *entry; list && (entry = readdir(list)) != NULL;) {
        const size_t length = strlen(entry->d_name), tail = strlen(end);
        if (length < tail || entry->d_name[0] == '.' ||
            strcmp(entry->d_name + length - tail, end) != 0)
            continue;
        if (name)
            snprintf(name, room, "%s/%s", dir, entry->d_name);
        ++n;
    }
    if (list)
        closedir(list);
    return n;
}

static void clear(void)
{
    char name[2 * PATH_BYTES];
    while (count_files("", name, sizeof name) > 0)
        assert_int_equal(unlink(name), 0);
    rmdir(dir);
}

/* A new context computes one call; its counters. */
static dc_counters one_call(void)
{
    clt_session s;
    double in[ROWS * COLUMNS], out[ROWS * COLUMNS];
    assert_true(clt_open(&s, dir));
    clt_fill(in, ROWS * COLUMNS);
    clt_params p =
        clt_call(dc_array_host(in, DC_F64, 2, shape), dc_array_host(out, DC_F64, 2, shape));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    clt_check(in, out, ROWS, COLUMNS, p.factor);
    const dc_counters counters = clt_counters(&s);
    clt_close(&s);
    return counters;
}

static void expect(dc_counters c, int hits, int misses, int rejected)
{
    assert_int_equal(c.programs, 1);
    assert_int_equal(c.cache_hits, hits);
    assert_int_equal(c.cache_misses, misses);
    assert_int_equal(c.cache_rejected, rejected);
}

static int begin(void **state)
{
    clt_session s;
    (void)state;
    if (mkdtemp(base) == NULL)
        return -1;
    snprintf(dir, sizeof dir, "%s/a/b", base);
    setenv("DUALCUBE_CACHE", "always", 1);
    have_device = clt_open(&s, "");
    clt_close(&s);
    return 0;
}

static int end(void **state)
{
    char parent[PATH_BYTES];
    (void)state;
    clear();
    snprintf(parent, sizeof parent, "%s/a", base);
    rmdir(parent);
    return rmdir(base);
}

#define NEED_DEVICE()                                                                              \
    do {                                                                                           \
        (void)state;                                                                               \
        if (!have_device)                                                                          \
            skip();                                                                                \
        clear();                                                                                   \
    } while (0)

static void second_context_hits(void **state)
{
    NEED_DEVICE();
    struct stat st;
    expect(one_call(), 0, 1, 0);
    assert_int_equal(count_files(".clbin", NULL, 0), 1);
    assert_int_equal(count_files("", NULL, 0), 1); /* no temporary file stays */
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    expect(one_call(), 1, 0, 0);
    expect(one_call(), 1, 0, 0);
}

static void off_by_default_where_the_driver_has_one(void **state)
{
    NEED_DEVICE();
    clt_session s;
    dc_device_info info = {.struct_size = sizeof info};
    assert_true(clt_open(&s, ""));
    clt_must(dc_device_get_info(s.device, &info));
    clt_close(&s);
    setenv("DUALCUBE_CACHE", "off", 1);
    expect(one_call(), 0, 0, 0);
    unsetenv("DUALCUBE_CACHE");
    if (strcmp(info.platform, "Portable Computing Language") == 0)
        expect(one_call(), 0, 0, 0);
    setenv("DUALCUBE_CACHE", "always", 1);
}

typedef enum damage { FLIP_BINARY, FLIP_HEADER, CUT, EMPTY, LONGER, LINK, PIPE, DAMAGES } damage;

static void spoil(const char *path, damage how)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 256);
    if (how == LINK || how == PIPE) {
        char aside[2 * PATH_BYTES + 8];
        snprintf(aside, sizeof aside, "%s.aside", path);
        assert_int_equal(how == LINK ? rename(path, aside) : unlink(path), 0);
        assert_int_equal(how == LINK ? symlink(aside, path) : mkfifo(path, 0600), 0);
        return;
    }
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    if (how == FLIP_BINARY || how == FLIP_HEADER) {
        unsigned char byte;
        const off_t at = how == FLIP_HEADER ? 10 : st.st_size / 2;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    } else if (how == LONGER) {
        assert_int_equal(pwrite(fd, "x", 1, st.st_size), 1);
    } else {
        assert_int_equal(ftruncate(fd, how == CUT ? st.st_size - 1 : 0), 0);
    }
    close(fd);
}

/* A damaged entry is counted, ignored and written anew; the driver never sees it. */
static void damaged_entries(void **state)
{
    NEED_DEVICE();
    char path[2 * PATH_BYTES];
    expect(one_call(), 0, 1, 0);
    assert_int_equal(count_files(".clbin", path, sizeof path), 1);
    for (int how = 0; how < DAMAGES; ++how) {
        spoil(path, (damage)how);
        expect(one_call(), 0, 1, 1);
        expect(one_call(), 1, 0, 0);
    }
}

/* A whole entry that belongs to another program. */
static void foreign_entry(void **state)
{
    NEED_DEVICE();
    char wide[2 * PATH_BYTES], narrow[2 * PATH_BYTES];
    clt_session s;
    float in[ROWS * COLUMNS] = {1}, out[ROWS * COLUMNS];
    assert_true(clt_open(&s, dir));
    clt_params p =
        clt_call(dc_array_host(in, DC_F32, 2, shape), dc_array_host(out, DC_F32, 2, shape));
    clt_must(dc_op_call(s.queue, CLT_AXPY, &p, NULL));
    clt_close(&s);
    assert_int_equal(count_files(".clbin", narrow, sizeof narrow), 1);
    snprintf(wide, sizeof wide, "%s.aside", dir);
    assert_int_equal(rename(narrow, wide), 0);
    expect(one_call(), 0, 1, 0);
    assert_int_equal(count_files(".clbin", narrow, sizeof narrow), 1);
    assert_int_equal(rename(wide, narrow), 0);
    expect(one_call(), 0, 1, 1);
    expect(one_call(), 1, 0, 0);
}

static void untrusted_directory(void **state)
{
    NEED_DEVICE();
    expect(one_call(), 0, 1, 0);
    assert_int_equal(chmod(dir, 0777), 0);
    expect(one_call(), 0, 1, 0); /* built from source, nothing read */
    assert_int_equal(chmod(dir, 0700), 0);
    expect(one_call(), 1, 0, 0);
}

static void directory_that_cannot_be_made(void **state)
{
    NEED_DEVICE();
    char kept[PATH_BYTES];
    memcpy(kept, dir, sizeof kept);
    snprintf(dir, sizeof dir, "/dev/null/cache");
    expect(one_call(), 0, 1, 0);
    memcpy(dir, kept, sizeof dir);
}

/* Two processes, released together, on a cold cache, again and again. */
static void processes_at_once(void **state)
{
    NEED_DEVICE();
    char self[PATH_BYTES] = "";
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    for (int round = 0; round < 4; ++round) {
        pid_t child[PROCESSES];
        clear();
        for (int i = 0; i < PROCESSES; ++i) {
            child[i] = fork();
            assert_true(child[i] >= 0);
            if (child[i] == 0) { /* a fresh process: drivers do not survive a fork */
                (void)!freopen("/dev/null", "w", stdout);
                execl(self, self, "child", dir, (char *)NULL);
                _exit(127);
            }
        }
        for (int i = 0; i < PROCESSES; ++i) {
            int status = 0;
            assert_int_equal(waitpid(child[i], &status, 0), child[i]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        assert_int_equal(count_files("", NULL, 0), 1);
        expect(one_call(), 1, 0, 0);
    }
}

static void in_child(void **state)
{
    (void)state;
    const dc_counters c = one_call();
    assert_int_equal(c.cache_rejected, 0);
    assert_int_equal(c.cache_hits + c.cache_misses, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest child[] = {cmocka_unit_test(in_child)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_context_hits),
        cmocka_unit_test(off_by_default_where_the_driver_has_one),
        cmocka_unit_test(damaged_entries),
        cmocka_unit_test(foreign_entry),
        cmocka_unit_test(untrusted_directory),
        cmocka_unit_test(directory_that_cannot_be_made),
        cmocka_unit_test(processes_at_once),
    };
    if (argc == 3 && strcmp(argv[1], "child") == 0) {
        snprintf(dir, sizeof dir, "%s", argv[2]);
        return cmocka_run_group_tests(child, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, begin, end);
}
