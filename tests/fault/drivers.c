/* Broken drivers: one that crashes, one that hangs, one that is empty and one that is missing are
 * listed with their error, or left out; the good ones go on working and the caller lives. */
#include "tests/api/api.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char directory[64];

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.icd", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n", text);
    assert_int_equal(fclose(file), 0);
}

/* The good driver of this machine, if any. */
static int put_good(void)
{
    char command[256];
    snprintf(command, sizeof command, "cp /etc/OpenCL/vendors/pocl.icd '%s' 2>/dev/null",
             directory);
    return system(command) == 0;
}

static int begin(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/dualcube-drivers-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    return setenv("OCL_ICD_VENDORS", directory, 1);
}

static int end(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What a new context lists; the CPU computes whatever the drivers do. */
typedef struct listing {
    int32_t usable, broken;
    char errors[2048];
    double seconds;
} listing;

static void computes(dc_context *context, const char *device)
{
    enum { N = 50 };
    const int64_t shape[] = {N};
    double x[N], y[N];
    for (int i = 0; i < N; i++)
        x[i] = i;
    dc_queue *queue = open_queue(context, device, -1, 1);
    const dc_rolling_params p = rolling_of(DC_ROLLING_MEAN, 3, dc_array_host(x, DC_F64, 1, shape),
                                           dc_array_host(y, DC_F64, 1, shape));
    expect_ok(dc_rolling(queue, &p, NULL));
    assert_true(isnan(y[1]) && y[2] == 1.0 && y[49] == 48.0);
    dc_queue_free(queue);
}

static listing look(int32_t timeout_ms)
{
    listing found = {0, 0, "", seconds()};
    dc_context_params params = DC_CONTEXT_PARAMS_INIT;
    dc_context *context;
    params.probe_timeout_ms = timeout_ms;
    expect_ok(dc_context_new(&params, &context));
    const int32_t count = dc_device_count(context);
    found.seconds = seconds() - found.seconds;
    for (int32_t i = 1; i < count; i++) {
        dc_device *device;
        dc_device_info info = {.struct_size = sizeof info};
        expect_ok(dc_device_at(context, i, &device));
        expect_ok(dc_device_get_info(device, &info));
        assert_true(*info.name && *info.id);
        if (info.usable) {
            found.usable++;
            computes(context, info.id);
        } else {
            assert_true(*info.error);
            const size_t n = strlen(found.errors);
            snprintf(found.errors + n, sizeof found.errors - n, "%s: %s\n", info.name, info.error);
            found.broken++;
            expect_error(dc_device_find(context, info.id, &device), DC_E_UNSUPPORTED, info.id,
                         NULL);
        }
    }
    computes(context, "cpu");
    dc_context_free(context);
    return found;
}

/* One way in which drivers are bad, in a process of its own: the loader reads its list once. */
static void in_own_process(void (*test)(void))
{
    int status;
    fflush(stdout);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(60);
        test();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the process ended with %s %d", WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* cmocka's failures jump out of the test: in a child they end it. */
static void require(int condition, const char *what, const listing *found)
{
    if (condition)
        return;
    printf("%s: %d usable, %d broken, %.1f s\n%s", what, found->usable, found->broken,
           found->seconds, found->errors);
    fflush(stdout);
    _exit(3);
}

static void crash_hang_and_good(void)
{
    const int good = put_good();
    put("crashes", DCT_CRASHING_DRIVER);
    put("hangs", DCT_HANGING_DRIVER);
    const listing found = look(4000);
    require(found.usable == good, "the good driver must stay", &found);
    require(found.broken == 2, "both broken drivers must be listed", &found);
    require(strstr(found.errors, "crashes") && strstr(found.errors, "hangs"), "names", &found);
    require(found.seconds < 9.0, "the time limit must hold", &found);
}

static void only_hanging(void)
{
    put("hangs", DCT_HANGING_DRIVER);
    const listing found = look(1000);
    require(found.usable == 0 && found.seconds < 4.0, "a hanging driver alone", &found);
}

static void empty_and_missing(void)
{
    const int good = put_good();
    put("empty", DCT_EMPTY_DRIVER);
    put("missing", "/nonexistent/libdriver.so");
    const listing found = look(5000);
    require(found.usable == good, "the good driver must stay", &found);
}

static void nothing(void)
{
    const listing found = look(5000);
    require(found.usable == 0 && found.broken == 0, "no drivers", &found);
}

#define OWN_PROCESS(name)                                                                          \
    static void name##_drivers(void **state)                                                       \
    {                                                                                              \
        (void)state;                                                                               \
        in_own_process(name);                                                                      \
    }
OWN_PROCESS(nothing)
OWN_PROCESS(only_hanging)
OWN_PROCESS(empty_and_missing)
OWN_PROCESS(crash_hang_and_good)

#define FRESH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(nothing_drivers),
        FRESH(only_hanging_drivers),
        FRESH(empty_and_missing_drivers),
        FRESH(crash_hang_and_good_drivers),
    };
    return cmocka_run_group_tests_name("drivers", tests, NULL, NULL);
}
