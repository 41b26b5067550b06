/* Bad input of dc_rolling(): one sentence naming the argument, the value and the limit; outputs
 * untouched; the queue works afterwards. */
#include "tests/api/api.h"

enum { ROWS = 6, COLUMNS = 4 };

static dc_context *context;
static dc_queue *queue;
static double in[ROWS * COLUMNS], out[ROWS * COLUMNS];
static const int64_t shape[] = {ROWS, COLUMNS};

static dc_rolling_params good(void)
{
    return rolling_of(DC_ROLLING_MEAN, 3, dc_array_host(in, DC_F64, 2, shape),
                      dc_array_host(out, DC_F64, 2, shape));
}

#define SPOIL(name, line)                                                                          \
    static void name(dc_rolling_params *p)                                                         \
    {                                                                                              \
        line;                                                                                      \
    }
SPOIL(kind_low, p->kind = -1)
SPOIL(kind_high, p->kind = 9)
SPOIL(window_zero, p->window = 0)
SPOIL(window_negative, p->window = -16)
SPOIL(periods_above, p->min_periods = 4)
SPOIL(periods_negative, p->min_periods = -2)
SPOIL(step_zero, p->step = 0)
SPOIL(ddof_negative, p->ddof = -1)
SPOIL(q_above, p->q = 1.5)
SPOIL(q_nan, p->q = (double)NAN)
SPOIL(axis_high, p->axis = 2)
SPOIL(axis_low, p->axis = -3)
SPOIL(center_odd, p->center = 2)
SPOIL(expanding_odd, p->expanding = -1)
SPOIL(inf_odd, p->inf = 2)
SPOIL(interpolation_odd, p->interpolation = 5)
SPOIL(reserved_set, p->reserved = 1)
SPOIL(both_forms, p->center = p->expanding = 1)
SPOIL(first_beyond, p->row_first = ROWS + 1)
SPOIL(first_negative, p->row_first = -1)
SPOIL(last_beyond, p->row_last = ROWS + 1)
SPOIL(dtype_unknown, p->src.dtype = 7)
SPOIL(dtype_zero, p->src.dtype = 0)
SPOIL(dtypes_differ, p->dst.dtype = DC_F32)
SPOIL(axes_none, p->src.ndim = 0)
SPOIL(axes_many, p->src.ndim = 9)
SPOIL(axes_differ, p->dst.ndim = 1)
SPOIL(shape_negative, p->src.shape[1] = -4)
SPOIL(shape_differs, p->dst.shape[1] = 3)
SPOIL(rows_differ, p->dst.shape[0] = ROWS - 1)
SPOIL(src_null, p->src.data = NULL)
SPOIL(dst_null, p->dst.data = NULL)
SPOIL(overlap, p->dst.data = in)
SPOIL(overlap_partly, p->dst.data = in + ROWS * COLUMNS - 1)
SPOIL(dst_broadcast, p->dst.stride[0] = 0)
SPOIL(dst_folded, p->dst.stride[0] = 3)
SPOIL(strides_far, p->src.stride[0] = INT64_MAX / 2)
SPOIL(elements_many, p->src.shape[0] = p->src.shape[1] = INT64_C(1) << 62)
SPOIL(size_small, p->struct_size = 16)
SPOIL(size_zero, p->struct_size = 0)
SPOIL(size_odd, p->struct_size = sizeof *p - 2)

static const struct {
    const char *name;
    void (*spoil)(dc_rolling_params *p);
    const char *says[3];
} cases[] = {
    {"kind -1", kind_low, {"kind is -1", "0 ... 8"}},
    {"kind 9", kind_high, {"kind is 9", "0 ... 8"}},
    {"window 0", window_zero, {"window is 0", "at least 1"}},
    {"window -16", window_negative, {"window is -16", "at least 1"}},
    {"min_periods > window", periods_above, {"min_periods 4", "window 3"}},
    {"min_periods -2", periods_negative, {"min_periods is -2", "at least 0"}},
    {"step 0", step_zero, {"step is 0", "at least 1"}},
    {"ddof -1", ddof_negative, {"ddof is -1", "at least 0"}},
    {"q 1.5", q_above, {"q is 1.5", "0 ... 1"}},
    {"q NaN", q_nan, {"q is", "nan", "0 ... 1"}},
    {"axis 2", axis_high, {"axis is 2", "-2 ... 1"}},
    {"axis -3", axis_low, {"axis is -3", "-2 ... 1"}},
    {"center 2", center_odd, {"center is 2", "0 ... 1"}},
    {"expanding -1", expanding_odd, {"expanding is -1", "0 ... 1"}},
    {"inf 2", inf_odd, {"inf is 2", "0 ... 1"}},
    {"interpolation 5", interpolation_odd, {"interpolation is 5", "0 ... 4"}},
    {"reserved 1", reserved_set, {"reserved is 1", "0"}},
    {"center and expanding", both_forms, {"center", "expanding"}},
    {"row_first beyond", first_beyond, {"row_first is 7", "0 ... 6"}},
    {"row_first -1", first_negative, {"row_first is -1", "0 ... 6"}},
    {"row_last beyond", last_beyond, {"row_last is 7", "0 ... 6"}},
    {"dtype 7", dtype_unknown, {"src", "dtype 7", "float64"}},
    {"dtype 0", dtype_zero, {"src", "dtype 0", "float64"}},
    {"dtypes differ", dtypes_differ, {"dst", "dtype 1", "float64"}},
    {"no axes", axes_none, {"src has 0 axes", "1 to 8"}},
    {"nine axes", axes_many, {"src has 9 axes", "1 to 8"}},
    {"axes differ", axes_differ, {"dst has 1 axes", "2"}},
    {"negative shape", shape_negative, {"src.shape[1] is -4"}},
    {"shape differs", shape_differs, {"dst.shape[1] is 3", "4"}},
    {"rows differ", rows_differ, {"dst.shape[0] is 5", "6"}},
    {"src NULL", src_null, {"src.data is NULL"}},
    {"dst NULL", dst_null, {"dst.data is NULL"}},
    {"dst is src", overlap, {"dst overlaps src"}},
    {"dst overlaps src", overlap_partly, {"dst overlaps src"}},
    {"dst broadcast", dst_broadcast, {"dst", "share memory"}},
    {"dst folded", dst_folded, {"dst", "share memory"}},
    {"strides reach too far", strides_far, {"strides of src"}},
    {"too many elements", elements_many, {"src", "2^63"}},
    {"struct_size 16", size_small, {"struct_size is 16", "expected"}},
    {"struct_size 0", size_zero, {"struct_size is 0", "expected"}},
    {"struct_size odd", size_odd, {"struct_size", "expected"}},
};

static int open_all(void **state)
{
    (void)state;
    context = cpu_context();
    queue = open_queue(context, "cpu", DC_POLICY_CPU, 1);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        in[i] = i;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    dc_queue_free(queue);
    dc_context_free(context);
    return 0;
}

static void poison(void)
{
    memset(out, 0xA7, sizeof out);
}

static void untouched(const char *name)
{
    for (size_t i = 0; i < sizeof out; i++)
        if (((unsigned char *)out)[i] != 0xA7)
            fail_msg("%s: the output was written", name);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        if (in[i] != i)
            fail_msg("%s: the input was written", name);
}

static void each_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dc_rolling_params p = good();
        dc_event *event = (dc_event *)&p;
        cases[i].spoil(&p);
        poison();
        const dc_status status = dc_rolling(queue, &p, &event);
        const char *const text = dc_last_error();
        if (status != DC_E_ARGUMENT)
            fail_msg("%s: %s", cases[i].name, dc_status_name(status));
        for (int k = 0; k < 3 && cases[i].says[k]; k++)
            if (!strstr(text, cases[i].says[k]))
                fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].name, text, cases[i].says[k]);
        assert_non_null(strstr(text, "rolling"));
        assert_null(strchr(text, '\n'));
        untouched(cases[i].name);
    }
}

/* dc_op_call() and dc_op_explain() refuse what dc_rolling() refuses. */
static void explain_refuses_the_same(void **state)
{
    (void)state;
    dc_op_info op = {.struct_size = sizeof op};
    expect_ok(dc_op_find("rolling_mean", &op));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dc_rolling_params p = good();
        cases[i].spoil(&p);
        if (cases[i].spoil == kind_low || cases[i].spoil == src_null || cases[i].spoil == dst_null)
            continue; /* -1 is right here; explaining needs no data */
        poison();
        if (dc_op_explain(queue, op.id, &p, NULL, NULL, 0) != DC_E_ARGUMENT ||
            dc_op_call(queue, op.id, &p, NULL) != DC_E_ARGUMENT)
            fail_msg("%s: accepted by dc_op_call or dc_op_explain", cases[i].name);
        untouched(cases[i].name);
    }
    dc_rolling_params p = good();
    expect_error(dc_op_call(queue, 4242, &p, NULL), DC_E_ARGUMENT, "id 4242", NULL);
    expect_error(dc_op_explain(NULL, op.id, &p, NULL, NULL, 0), DC_E_ARGUMENT, "queue", NULL);
}

static void null_arguments(void **state)
{
    (void)state;
    dc_rolling_params p = good();
    poison();
    expect_error(dc_rolling(queue, NULL, NULL), DC_E_ARGUMENT, "params is NULL", NULL);
    expect_error(dc_rolling(NULL, &p, NULL), DC_E_ARGUMENT, "queue is NULL", NULL);
    untouched("NULL");
}

/* A struct from a newer header: fields that are set and not known are refused, zeros are fine. */
static void newer_struct(void **state)
{
    (void)state;
    union {
        dc_rolling_params p;
        unsigned char bytes[sizeof(dc_rolling_params) + 16];
    } newer;
    memset(&newer, 0, sizeof newer);
    newer.p = good();
    newer.p.struct_size = sizeof newer;
    poison();
    newer.bytes[sizeof(dc_rolling_params) + 8] = 1;
    expect_error(dc_rolling(queue, &newer.p, NULL), DC_E_ARGUMENT, "does not know", NULL);
    untouched("newer struct");
    newer.bytes[sizeof(dc_rolling_params) + 8] = 0;
    expect_ok(dc_rolling(queue, &newer.p, NULL));
    assert_true(out[8] == 4.0);
}

static void buffers_too_small(void **state)
{
    (void)state;
    dc_buffer *small;
    dc_rolling_params p = good();
    expect_ok(dc_buffer_new(queue, sizeof in - 8, &small));
    p.src = dc_array_device(small, DC_F64, 2, shape);
    poison();
    expect_error(dc_rolling(queue, &p, NULL), DC_E_ARGUMENT, "src", "buffer of 184 bytes", NULL);
    p.src.offset = INT64_MAX / 8;
    expect_error(dc_rolling(queue, &p, NULL), DC_E_ARGUMENT, "src", NULL);
    p.src.offset = -1;
    expect_error(dc_rolling(queue, &p, NULL), DC_E_ARGUMENT, "src", NULL);
    untouched("buffers");
    dc_buffer_free(small);
}

static void it_still_works(void **state)
{
    (void)state;
    dc_rolling_params p = good();
    poison();
    expect_ok(dc_rolling(queue, &p, NULL));
    for (int i = 0; i < ROWS * COLUMNS; i++)
        assert_true(i < 2 * COLUMNS ? isnan(out[i]) : out[i] == in[i - COLUMNS]);
}

/* What looks odd and is fine. */
static void accepted(void **state)
{
    (void)state;
    dc_rolling_params p = good();
    p.window = INT64_MAX;
    p.min_periods = 1;
    expect_ok(dc_rolling(queue, &p, NULL));
    assert_true(out[COLUMNS] == 2.0);
    p = good();
    p.step = INT64_MAX;
    p.dst.shape[0] = 1;
    expect_ok(dc_rolling(queue, &p, NULL));
    p = good();
    p.src.stride[0] = 0; /* a broadcast input */
    expect_ok(dc_rolling(queue, &p, NULL));
    assert_true(out[2 * COLUMNS + 3] == 3.0);
    p = good();
    p.row_first = 4; /* nothing to put out */
    p.row_last = 4;
    p.dst.shape[0] = 0;
    p.dst.data = NULL;
    expect_ok(dc_rolling(queue, &p, NULL));
    p = good();
    p.ddof = INT64_MAX;
    p.kind = DC_ROLLING_VAR;
    expect_ok(dc_rolling(queue, &p, NULL));
    assert_true(isnan(out[ROWS * COLUMNS - 1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_refused),   cmocka_unit_test(explain_refuses_the_same),
        cmocka_unit_test(null_arguments),    cmocka_unit_test(newer_struct),
        cmocka_unit_test(buffers_too_small), cmocka_unit_test(it_still_works),
        cmocka_unit_test(accepted),
    };
    return cmocka_run_group_tests_name("refusals", tests, open_all, close_all);
}
