/* The program cache on disk: found again, damaged, shared by processes, refused when not ours.
 * Runs on oclgrind where it is installed (its builds are quick), else on the machine's driver with
 * DUALCUBE_CACHE=always. */
#include "tests/api/api.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 40, PROCESSES = 6, PATH_ROOM = 512 };

static char root[64], cache[128];
static double in[N], want[N];
static const int64_t shape[] = {N};

static int count_lines; /* of the log */

static void lines(int32_t level, const char *text, void *user)
{
    (void)level;
    (void)user;
    count_lines += strstr(text, "program cache") != NULL;
}

/* One call on a fresh context with this cache: 0, or the place that failed. */
static int call_once(const char *dir, dc_counters *counters)
{
    dc_context_params params = DC_CONTEXT_PARAMS_INIT;
    dc_context *context;
    dc_device *device;
    dc_queue *queue;
    double out[N];
    params.cache_dir = dir;
    count_lines = 0;
    if (dc_context_new(&params, &context) != DC_OK)
        return 1;
    dc_context_set_log(context, lines, NULL);
    if (dc_device_find(context, "opencl", &device) != DC_OK)
        return 2;
    if (dc_queue_new(context, device, NULL, &queue) != DC_OK)
        return 3;
    dc_rolling_params p = rolling_of(DC_ROLLING_MEAN, 4, dc_array_host(in, DC_F64, 1, shape),
                                     dc_array_host(out, DC_F64, 1, shape));
    const dc_status status = dc_rolling(queue, &p, NULL);
    const dc_run_info info = last_run(queue);
    *counters = counters_of(context);
    dc_queue_free(queue);
    dc_context_free(context);
    if (status != DC_OK || info.device_kind != DC_DEVICE_OPENCL)
        return 4;
    return memcmp(out, want, sizeof out) == 0 ? 0 : 5;
}

static dc_counters must_call(const char *dir)
{
    dc_counters counters = {.struct_size = sizeof counters};
    const int place = call_once(dir, &counters);
    if (place)
        fail_msg("call on the device failed at %d: %s", place, dc_last_error());
    return counters;
}

/* Entries of the cache directory; any other file fails the test.  `path`: one of them. */
static int entries(char *path)
{
    int n = 0;
    DIR *dir = opendir(cache);
    if (!dir)
        return 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        const size_t length = strlen(e->d_name);
        if (e->d_name[0] == '.' && length < 3)
            continue;
        if (length < 6 || strcmp(e->d_name + length - 6, ".clbin") != 0)
            fail_msg("%s lies in the cache", e->d_name);
        if (path)
            snprintf(path, PATH_ROOM, "%s/%s", cache, e->d_name);
        n++;
    }
    closedir(dir);
    return n;
}

static int begin(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/dualcube-cache-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(cache, sizeof cache, "%s/a/b", root);
    return 0;
}

static int end(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static void needs_a_device(void)
{
    dc_context *context;
    dc_device *device;
    expect_ok(dc_context_new(NULL, &context));
    const dc_status status = dc_device_find(context, "opencl", &device);
    dc_context_free(context);
    if (status != DC_OK) {
        printf("skipped: %s\n", dc_last_error());
        skip();
    }
}

static void an_entry_is_found_again(void **state)
{
    (void)state;
    struct stat st;
    needs_a_device();
    dc_counters c = must_call(cache);
    assert_true(c.cache_misses >= 1 && c.cache_hits == 0 && c.cache_rejected == 0);
    const int n = entries(NULL);
    assert_int_equal(n, c.cache_misses);
    assert_int_equal(stat(cache, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    c = must_call(cache);
    assert_true(c.cache_misses == 0 && c.cache_hits == n && c.cache_rejected == 0);
    assert_int_equal(entries(NULL), n);
}

static void without_a_cache(void **state)
{
    (void)state;
    needs_a_device();
    const dc_counters c = must_call("");
    assert_true(c.cache_misses == 0 && c.cache_hits == 0);
}

/* Each way to spoil an entry. */
static void spoil(const char *path, int way)
{
    char other[PATH_ROOM + 8];
    struct stat st;
    unsigned char byte;
    assert_int_equal(stat(path, &st), 0);
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    const off_t place[] = {0, 0, 0, 3, st.st_size - 1, st.st_size / 2};
    switch (way) {
    case 0: /* empty */
    case 1: /* half of it */
        assert_int_equal(ftruncate(fd, way ? st.st_size / 2 : 0), 0);
        break;
    case 2: /* more than it says */
        assert_int_equal(pwrite(fd, "x", 1, st.st_size), 1);
        break;
    case 3: /* the magic number */
    case 4: /* the last byte of the binary */
    case 5: /* somewhere in the middle */
        assert_int_equal(pread(fd, &byte, 1, place[way]), 1);
        byte ^= 0x40;
        assert_int_equal(pwrite(fd, &byte, 1, place[way]), 1);
        break;
    case 6: /* a directory in its place */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        break;
    case 7: /* a symbolic link to it */
        snprintf(other, sizeof other, "%s/elsewhere", root);
        assert_int_equal(rename(path, other), 0);
        assert_int_equal(symlink(other, path), 0);
        break;
    default: /* a pipe nobody writes to */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
    }
    close(fd);
}

static void damage_is_noticed(void **state)
{
    (void)state;
    char path[PATH_ROOM] = "";
    needs_a_device();
    (void)must_call(cache);
    for (int way = 0; way < 9; way++) {
        assert_true(entries(path) >= 1);
        spoil(path, way);
        const dc_counters c = must_call(cache);
        if (c.cache_rejected < 1 || count_lines < 1)
            fail_msg("damage %d was not noticed", way);
        if (way == 6) { /* a directory cannot be replaced by renaming a file onto it */
            assert_int_equal(rmdir(path), 0);
            (void)must_call(cache);
        }
        const dc_counters again = must_call(cache);
        if (again.cache_rejected || again.cache_misses)
            fail_msg("damage %d was not repaired", way);
    }
}

/* Many processes on one cold cache. */
static void processes_share_it(void **state)
{
    (void)state;
    pid_t pid[PROCESSES];
    needs_a_device();
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0) {
            dc_counters c = {.struct_size = sizeof c};
            int place = 0;
            alarm(60);
            for (int round = 0; round < 2 && !place; round++)
                place = call_once(cache, &c);
            _exit(place);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("process %d ended with %d", i, status);
    }
    const dc_counters c = must_call(cache);
    assert_true(c.cache_hits >= 1 && c.cache_rejected == 0 && c.cache_misses == 0);
    assert_true(entries(NULL) >= 1);
}

/* Where others may write, and through links, nothing is read or written. */
static void directories_of_others(void **state)
{
    (void)state;
    char aside[160];
    needs_a_device();
    (void)must_call(cache);
    assert_int_equal(chmod(cache, 0777), 0);
    dc_counters c = must_call(cache);
    assert_true(c.cache_hits == 0 && count_lines >= 1);
    assert_int_equal(chmod(cache, 0700), 0);
    snprintf(aside, sizeof aside, "%s/link", root);
    assert_int_equal(symlink(cache, aside), 0);
    c = must_call(aside);
    assert_int_equal(c.cache_hits, 0);
    /* A file where the directory should be: the call works all the same. */
    snprintf(aside, sizeof aside, "%s/file", root);
    FILE *file = fopen(aside, "w");
    assert_non_null(file);
    fclose(file);
    c = must_call(aside);
    assert_int_equal(c.cache_hits, 0);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    /* The children of processes_share_it fork before OpenCL is touched here: that test is first. */
    const struct CMUnitTest tests[] = {
        FRESH(processes_share_it), FRESH(an_entry_is_found_again), FRESH(without_a_cache),
        FRESH(damage_is_noticed),  FRESH(directories_of_others),
    };
    static const char oclgrind[] = "/usr/lib/oclgrind/liboclgrind-rt-icd.so";
    if (access(oclgrind, R_OK) == 0) {
        setenv("OCL_ICD_VENDORS", oclgrind, 1);
        /* It stumbles over what its own compiler makes of optimised code. */
        setenv("OCLGRIND_BUILD_OPTIONS", "-cl-opt-disable", 1);
    } else
        setenv("DUALCUBE_CACHE", "always", 1);
    for (int i = 0; i < N; i++) {
        in[i] = i;
        want[i] = i < 3 ? (double)NAN : i - 1.5;
    }
    return cmocka_run_group_tests_name("program cache", tests, NULL, NULL);
}
