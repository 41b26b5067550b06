/* Broken OpenCL drivers cost their own place in the list and nothing else.  Every case runs in a
 * process of its own, since the ICD loader reads its drivers once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dualcube/dualcube.h"

enum { TIMEOUT_MS = 6000, PATH_BYTES = 512 };

/* A directory of .icd files: the broken driver, and the machine's own when there are any. */
static char vendors[PATH_BYTES];
static char own_drivers[PATH_BYTES]; /* "" : this machine has none that works */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void write_icd(const char *name, const char *driver)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", vendors, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n", driver);
    fclose(file);
}

static void remove_icd(const char *name)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", vendors, name);
    unlink(path);
}

/* What a case reports; cmocka's own checks belong to the parent. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition,         \
                    dc_last_error());                                                              \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static void in_own_process(const char *mode, int (*check)(const char *expected),
                           const char *expected)
{
    int status = 0;
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("DCT_BROKEN_ICD", mode, 1);
        setenv("OCL_ICD_VENDORS", vendors, 1);
        _exit(check(expected));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int open_context(dc_context **context)
{
    dc_context_params params = DC_CONTEXT_PARAMS_INIT;
    params.probe_timeout_ms = TIMEOUT_MS;
    return dc_context_new(&params, context) == DC_OK;
}

/* The CPU computes, whatever the drivers are. */
static int cpu_works(dc_context *context)
{
    dc_device *cpu = NULL;
    dc_device_info info = {.struct_size = sizeof info};
    EXPECT(dc_device_find(context, "cpu", &cpu) == DC_OK);
    EXPECT(dc_device_check(cpu, &info) == DC_OK && info.exact);
    return 0;
}

/* One device beside the CPU is listed with an error that holds `expected`; none is usable. */
static int alone(const char *expected)
{
    dc_context *context = NULL;
    dc_device *device = NULL;
    dc_device_info info = {.struct_size = sizeof info};
    const double begin = seconds();
    EXPECT(open_context(&context));
    EXPECT(dc_device_count(context) == 2);
    EXPECT(seconds() - begin < TIMEOUT_MS * 1e-3 + 2);
    EXPECT(dc_device_at(context, 1, &device) == DC_OK);
    EXPECT(dc_device_get_info(device, &info) == DC_OK);
    EXPECT(!info.usable);
    if (strstr(info.error, expected) == NULL)
        fprintf(stderr, "the error is: %s\n", info.error);
    EXPECT(strstr(info.error, expected) != NULL);
    EXPECT(dc_device_find(context, "opencl", &device) == DC_E_UNSUPPORTED);
    EXPECT(dc_device_find(context, "opencl:0", &device) == DC_E_UNSUPPORTED);
    EXPECT(strstr(dc_last_error(), expected) != NULL);
    EXPECT(cpu_works(context) == 0);
    dc_context_free(context);
    EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD); /* no helper is left */
    return 0;
}

/* The broken driver is listed beside a working one, which can be used in this process. */
static int beside(const char *expected)
{
    dc_context *context = NULL;
    int broken = 0, checked = 0;
    EXPECT(open_context(&context));
    const int n = dc_device_count(context);
    EXPECT(n >= 3);
    for (int i = 1; i < n; ++i) {
        dc_device *device = NULL;
        dc_device_info info = {.struct_size = sizeof info};
        EXPECT(dc_device_at(context, i, &device) == DC_OK);
        EXPECT(dc_device_get_info(device, &info) == DC_OK);
        broken += !info.usable && strstr(info.error, expected) != NULL;
        if (info.usable) {
            EXPECT(dc_device_check(device, &info) == DC_OK);
            EXPECT(info.checks & DC_CHECK_RAN);
            ++checked;
        }
    }
    EXPECT(broken == 1 && checked >= 1);
    EXPECT(cpu_works(context) == 0);
    EXPECT(strcmp(getenv("OCL_ICD_VENDORS"), vendors) == 0); /* put back */
    dc_context_free(context);
    return 0;
}

static int no_device(const char *expected)
{
    dc_context *context = NULL;
    dc_device *device = NULL;
    EXPECT(open_context(&context));
    EXPECT(dc_device_count(context) == 1);
    EXPECT(dc_device_find(context, "opencl", &device) == DC_E_UNSUPPORTED);
    if (strstr(dc_last_error(), expected) == NULL)
        fprintf(stderr, "the error is: %s\n", dc_last_error());
    EXPECT(strstr(dc_last_error(), expected) != NULL);
    EXPECT(cpu_works(context) == 0);
    dc_context_free(context);
    return 0;
}

static const struct {
    const char *mode, *expected;
} modes[] = {{"crash", "signal 11"},
             {"exit", "exit code 3"},
             {"hang", "did not answer"},
             {"crash-devices", "signal 11"},
             {"hang-devices", "did not answer"},
             {"error-devices", "CL_OUT_OF_RESOURCES"},
             {"no-context", "clCreateContext"}};
enum { MODES = sizeof modes / sizeof *modes };

static void broken_driver_alone(void **state)
{
    (void)state;
    write_icd("broken.icd", DCT_BROKEN_DRIVER);
    for (int i = 0; i < MODES; ++i) {
        print_message("  %s\n", modes[i].mode);
        in_own_process(modes[i].mode, alone, modes[i].expected);
    }
    in_own_process("noisy", no_device, "no device");
}

static void broken_driver_beside_a_good_one(void **state)
{
    (void)state;
    if (own_drivers[0] == 0)
        skip();
    write_icd("broken.icd", DCT_BROKEN_DRIVER);
    write_icd("own.icd", own_drivers);
    for (int i = 0; i < MODES; ++i) {
        print_message("  %s\n", modes[i].mode);
        in_own_process(modes[i].mode, beside, modes[i].expected);
    }
    remove_icd("own.icd");
}

static void no_driver_at_all(void **state)
{
    (void)state;
    remove_icd("broken.icd");
    in_own_process("", no_device, "no driver");
    write_icd("broken.icd", "/nonexistent/libdriver.so");
    in_own_process("", no_device, "no driver");
}

static int no_module(const char *expected)
{
    dc_context_params params = DC_CONTEXT_PARAMS_INIT;
    dc_context *context = NULL;
    dc_device *device = NULL;
    params.opencl_module = expected;
    EXPECT(dc_context_new(&params, &context) == DC_OK);
    EXPECT(dc_device_count(context) == 1);
    EXPECT(dc_device_find(context, "opencl", &device) == DC_E_UNSUPPORTED);
    EXPECT(strlen(dc_last_error()) > 20);
    EXPECT(*expected == 0 || strstr(dc_last_error(), expected) != NULL);
    EXPECT(cpu_works(context) == 0);
    dc_context_free(context);
    return 0;
}

static void module_missing(void **state)
{
    (void)state;
    in_own_process("", no_module, "/nonexistent/libdualcube-opencl.so");
    in_own_process("", no_module, "");
}

/* The driver that the machine's PoCL names, else the first one listed. */
static void find_own_driver(void)
{
    FILE *list = popen("cd /etc/OpenCL/vendors 2>/dev/null && "
                       "for f in pocl.icd *.icd; do [ -s $f ] && cat $f && break; done",
                       "r");
    if (list == NULL)
        return;
    if (fgets(own_drivers, sizeof own_drivers, list) == NULL)
        own_drivers[0] = 0;
    own_drivers[strcspn(own_drivers, "\n")] = 0;
    pclose(list);
}

static int make_vendors(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(vendors, sizeof vendors, "%s/dct-vendors-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    find_own_driver();
    return mkdtemp(vendors) == NULL ? -1 : 0;
}

static int remove_vendors(void **state)
{
    (void)state;
    remove_icd("broken.icd");
    remove_icd("own.icd");
    return rmdir(vendors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_driver_alone),
        cmocka_unit_test(broken_driver_beside_a_good_one),
        cmocka_unit_test(no_driver_at_all),
        cmocka_unit_test(module_missing),
    };
    return cmocka_run_group_tests(tests, make_vendors, remove_vendors);
}
