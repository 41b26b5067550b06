/* Trace files, counters, the log and dc_op_explain(). */
#include "tests/api/api.h"

#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 300, COLUMNS = 4 };

static const int64_t shape[] = {ROWS, COLUMNS};
static double *in, *out;
static char directory[64];

static int begin(void **state)
{
    (void)state;
    in = table_of(ROWS, COLUMNS);
    out = malloc(sizeof(double) * ROWS * COLUMNS);
    snprintf(directory, sizeof directory, "/tmp/dualcube-trace-XXXXXX");
    return out && mkdtemp(directory) ? 0 : -1;
}

static int end(void **state)
{
    char command[96];
    (void)state;
    free(in);
    free(out);
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

static dc_rolling_params call(int32_t kind)
{
    return rolling_of(kind, 8, dc_array_host(in, DC_F64, 2, shape),
                      dc_array_host(out, DC_F64, 2, shape));
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    if (!file) {
        free(text);
        return NULL;
    }
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Balanced brackets outside strings, one object, nothing after it. */
static void is_json(const char *text)
{
    int depth = 0, quoted = 0, ended = 0;
    for (; *text; text++) {
        if (quoted) {
            if (*text == '\\')
                assert_true(*++text != 0);
            else if (*text == '"')
                quoted = 0;
            else
                assert_true((unsigned char)*text >= 32);
            continue;
        }
        quoted = *text == '"';
        depth += *text == '{' || *text == '[';
        depth -= *text == '}' || *text == ']';
        assert_true(depth >= 0 && (!ended || *text == '\n'));
        ended = depth == 0;
    }
    assert_true(ended && !quoted);
}

static void a_trace_is_written(void **state)
{
    (void)state;
    char path[128];
    dc_context *context = cpu_context();
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_rolling_params c = call(DC_ROLLING_MEAN);
    expect_ok(dc_rolling(queue, &c, NULL)); /* before the trace: not in it */
    expect_ok(dc_trace_start(context));
    c = call(DC_ROLLING_MEDIAN);
    expect_ok(dc_rolling(queue, &c, NULL));
    snprintf(path, sizeof path, "%s/trace.json", directory);
    expect_ok(dc_trace_stop(context, path));
    char *text = read_file(path);
    assert_non_null(text);
    is_json(text);
    assert_non_null(strstr(text, "\"traceEvents\""));
    assert_non_null(strstr(text, "\"rolling_median\""));
    assert_non_null(strstr(text, "\"ph\":\"X\""));
    assert_null(strstr(text, "rolling_mean"));
    free(text);
    dc_queue_free(queue);
    dc_context_free(context);
}

static void a_trace_that_cannot_be_written(void **state)
{
    (void)state;
    char path[128];
    dc_context *context = cpu_context();
    expect_ok(dc_trace_start(context));
    snprintf(path, sizeof path, "%s/missing/trace.json", directory);
    expect_error(dc_trace_stop(context, path), DC_E_IO, "missing/trace.json", NULL);
    expect_error(dc_trace_stop(context, ""), DC_E_ARGUMENT, "path", NULL);
    expect_error(dc_trace_stop(context, NULL), DC_E_ARGUMENT, "path", NULL);
    expect_error(dc_trace_stop(NULL, path), DC_E_ARGUMENT, "context is NULL", NULL);
    expect_error(dc_trace_start(NULL), DC_E_ARGUMENT, "context is NULL", NULL);
    /* A directory in the way: an error, and no temporary file stays behind. */
    snprintf(path, sizeof path, "%s/taken", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_error(dc_trace_stop(context, path), DC_E_IO, "taken", NULL);
    char command[256];
    snprintf(command, sizeof command, "test -z \"$(find '%s' -name '*.tmp')\"", directory);
    assert_int_equal(system(command), 0);
    dc_context_free(context);
}

static void a_trace_by_environment(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/whole.json", directory);
    setenv("DUALCUBE_TRACE", path, 1);
    dc_context *context = cpu_context();
    unsetenv("DUALCUBE_TRACE");
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_rolling_params c = call(DC_ROLLING_MAX);
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_null(read_file(path));
    dc_queue_free(queue);
    dc_context_free(context);
    char *text = read_file(path);
    assert_non_null(text);
    is_json(text);
    assert_non_null(strstr(text, "\"rolling_max\""));
    free(text);
}

typedef struct heard {
    int lines;
    char last[2048];
} heard;

static void listen(int32_t level, const char *text, void *user)
{
    heard *h = user;
    assert_in_range(level, 0, 3);
    h->lines++;
    snprintf(h->last, sizeof h->last, "%s", text);
}

static void plans_go_to_the_log(void **state)
{
    (void)state;
    heard h = {0, ""};
    setenv("DUALCUBE_TRACE", "plan", 1);
    dc_context *context = cpu_context();
    unsetenv("DUALCUBE_TRACE");
    dc_context_set_log(context, listen, &h);
    dc_queue *queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    dc_rolling_params c = call(DC_ROLLING_VAR);
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_int_equal(h.lines, 1);
    assert_non_null(strstr(h.last, "rolling_var"));
    dc_context_set_log(context, NULL, NULL);
    expect_ok(dc_rolling(queue, &c, NULL));
    assert_int_equal(h.lines, 1);
    dc_queue_free(queue);
    dc_context_free(context);
}

static void explanations(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_queue *queue = open_queue(context, NULL, DC_POLICY_AUTO, 1);
    dc_op_info op = {.struct_size = sizeof op};
    dc_run_info info = {.struct_size = sizeof info};
    char text[4096], tiny[9];
    expect_ok(dc_op_find("rolling_quantile", &op));
    dc_rolling_params c = call(op.kind);
    c.src.data = c.dst.data = NULL; /* no data needed */
    memset(text, 'x', sizeof text);
    expect_ok(dc_op_explain(queue, op.id, &c, &info, text, sizeof text));
    assert_non_null(strstr(text, "rolling_quantile"));
    assert_non_null(strstr(text, "chosen: cpu"));
    assert_non_null(strstr(text, info.reason));
    assert_string_equal(info.operation, "rolling_quantile");
    assert_true(info.estimated_cpu_ms > 0.0 && info.steps >= 1);
    /* Nothing ran. */
    assert_string_equal(last_run(queue).operation, "");
    assert_int_equal(counters_of(context).calls_cpu, 0);
    memset(tiny, 'x', sizeof tiny);
    expect_ok(dc_op_explain(queue, op.id, &c, NULL, tiny, sizeof tiny - 1));
    assert_true(strlen(tiny) < sizeof tiny - 1 && tiny[8] == 'x');
    expect_ok(dc_op_explain(queue, op.id, &c, NULL, NULL, 0));
    info.struct_size = 1;
    expect_error(dc_op_explain(queue, op.id, &c, &info, NULL, 0), DC_E_ARGUMENT, "struct_size is 1",
                 NULL);
    dc_queue_free(queue);
    dc_context_free(context);
}

static void counters_begin_at_zero(void **state)
{
    (void)state;
    dc_context *context = cpu_context();
    dc_counters c = counters_of(context), bad = {.struct_size = 3};
    assert_true(!c.calls_cpu && !c.calls_device && !c.fallbacks && !c.launches && !c.copies &&
                !c.bytes_to_device && !c.bytes_to_host && !c.programs && !c.cache_hits &&
                !c.cache_misses && !c.cache_rejected);
    expect_error(dc_context_get_counters(context, &bad), DC_E_ARGUMENT, "struct_size is 3", NULL);
    expect_error(dc_context_get_counters(context, NULL), DC_E_ARGUMENT, "counters is NULL", NULL);
    expect_error(dc_context_get_counters(NULL, &c), DC_E_ARGUMENT, "context is NULL", NULL);
    dc_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_is_written),     cmocka_unit_test(a_trace_that_cannot_be_written),
        cmocka_unit_test(a_trace_by_environment), cmocka_unit_test(plans_go_to_the_log),
        cmocka_unit_test(explanations),           cmocka_unit_test(counters_begin_at_zero),
    };
    return cmocka_run_group_tests_name("trace and log", tests, begin, end);
}
