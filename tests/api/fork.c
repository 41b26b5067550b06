/* After fork() the child computes on one CPU thread, and devices answer DC_E_FORKED. */
#include "tests/api/api.h"

#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 60000, COLUMNS = 4 };

static const int64_t shape[] = {ROWS, COLUMNS};
static const size_t bytes = sizeof(double) * ROWS * COLUMNS;
static double *in, *want;

static int begin(void **state)
{
    (void)state;
    in = table_of(ROWS, COLUMNS);
    want = malloc(bytes);
    return want ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    free(in);
    free(want);
    return 0;
}

/* Run `child` after a fork; its return value, -1 when it crashed or took more than 30 s. */
static int in_child(int (*child)(dc_context *, dc_queue *), dc_context *context, dc_queue *queue)
{
    const pid_t pid = fork();
    int status = 0;
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(30);
        _exit(child(context, queue));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static dc_rolling_params call(double *to)
{
    return rolling_of(DC_ROLLING_MEDIAN, 30, dc_array_host(in, DC_F64, 2, shape),
                      dc_array_host(to, DC_F64, 2, shape));
}

/* Non-zero: the number of the line that failed, which a test can show. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__ % 256 ? __LINE__ % 256 : 1;                                            \
    } while (0)

static int child_computes(dc_context *context, dc_queue *queue)
{
    double *out = malloc(bytes);
    dc_run_info info = {.struct_size = sizeof info};
    CHECK(out);
    dc_rolling_params c = call(out);
    CHECK(dc_rolling(queue, &c, NULL) == DC_OK);
    CHECK(memcmp(out, want, bytes) == 0);
    CHECK(dc_queue_last_run(queue, &info) == DC_OK && info.threads == 1);
    CHECK(strstr(info.reason, "fork()") != NULL);
    /* New queues, buffers and contexts work too. */
    dc_queue *own;
    dc_buffer *buffer;
    dc_context *fresh;
    CHECK(dc_queue_new(context, NULL, NULL, &own) == DC_OK);
    memset(out, 0, bytes);
    CHECK(dc_rolling(own, &c, NULL) == DC_OK && memcmp(out, want, bytes) == 0);
    CHECK(dc_buffer_new(own, 1000, &buffer) == DC_OK);
    dc_buffer_free(buffer);
    dc_queue_free(own);
    CHECK(dc_context_new(NULL, &fresh) == DC_OK);
    dc_context_free(fresh);
    dc_queue_free(queue);
    dc_context_free(context);
    free(out);
    return 0;
}

static void the_child_computes_on_one_thread(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 3);
    dc_rolling_params c = call(want);
    expect_ok(dc_rolling(queue, &c, NULL)); /* the parent's team exists */
    assert_int_equal(in_child(child_computes, context, queue), 0);
    expect_ok(dc_rolling(queue, &c, NULL)); /* and the parent goes on */
    dc_queue_free(queue);
    dc_context_free(context);
}

/* From an automatic queue whose context has opened a device. */
static int child_of_a_device(dc_context *context, dc_queue *queue)
{
    dc_queue *automatic;
    dc_buffer *buffer;
    dc_pool_stats stats = {.struct_size = sizeof stats};
    double *out = malloc(bytes);
    CHECK(out);
    dc_rolling_params c = call(out);
    memset(out, 0x55, bytes);
    CHECK(dc_rolling(queue, &c, NULL) == DC_E_FORKED);
    CHECK(strstr(dc_last_error(), "fork()") != NULL);
    CHECK(((unsigned char *)out)[0] == 0x55 && ((unsigned char *)out)[bytes - 1] == 0x55);
    CHECK(dc_queue_finish(queue) == DC_E_FORKED);
    CHECK(dc_buffer_new(queue, 100, &buffer) == DC_E_FORKED);
    CHECK(dc_pool_get_stats(context, DC_POOL_DEVICE, &stats) == DC_E_FORKED);
    CHECK(dc_queue_new(context, NULL, NULL, &automatic) == DC_OK);
    CHECK(dc_rolling(automatic, &c, NULL) == DC_OK && memcmp(out, want, bytes) == 0);
    dc_queue_free(automatic);
    dc_queue_free(queue);
    dc_context_free(context);
    free(out);
    return 0;
}

static void a_device_answers_forked(void **state)
{
    (void)state;
    dc_context *context;
    dc_device *device;
    expect_ok(dc_context_new(NULL, &context));
    if (dc_device_find(context, "opencl", &device) != DC_OK) {
        printf("skipped: %s\n", dc_last_error());
        dc_context_free(context);
        skip();
    }
    dc_queue *cpu = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_queue *queue = open_queue(context, "opencl", DC_POLICY_DEVICE_OR_FAIL, 1);
    dc_rolling_params c = call(want);
    expect_ok(dc_rolling(cpu, &c, NULL));
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_int_equal(in_child(child_of_a_device, context, queue), 0);
    expect_ok(dc_rolling(queue, &c, NULL));
    dc_queue_free(cpu);
    dc_queue_free(queue);
    dc_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_child_computes_on_one_thread),
        cmocka_unit_test(a_device_answers_forked),
    };
    return cmocka_run_group_tests_name("fork", tests, begin, end);
}
