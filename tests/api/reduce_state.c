/* States of reductions: any cut of the rows, in any order, over any number of workers, through
 * bytes or not, gives the bits of one pass; what overlaps or lies is refused. */
#include "tests/api/api.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/random.h"

enum { CASES = 300, ROWS = 3000, COLUMNS = 5, PARTS = 12 };

static const double edges[] = {-2.0, -0.5, 0.0, 0.25, 3.0};
static const int32_t kinds[] = {DC_REDUCE_COUNT,      DC_REDUCE_SUM,        DC_REDUCE_MEAN,
                                DC_REDUCE_VAR,        DC_REDUCE_STD,        DC_REDUCE_MIN,
                                DC_REDUCE_MAX,        DC_REDUCE_ARGMIN,     DC_REDUCE_ARGMAX,
                                DC_REDUCE_ANY_FINITE, DC_REDUCE_ALL_FINITE, DC_REDUCE_HISTOGRAM,
                                DC_REDUCE_TOP_K,      DC_REDUCE_MOMENTS,    DC_REDUCE_EXTENT};

typedef struct fixture {
    dc_context *context;
    dc_queue *queue;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    dc_device *cpu;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;

    params.policy = DC_POLICY_CPU;
    assert_int_equal(dc_context_new(NULL, &f.context), DC_OK);
    assert_int_equal(dc_device_find(f.context, "cpu", &cpu), DC_OK);
    assert_int_equal(dc_queue_new(f.context, cpu, &params, &f.queue), DC_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    dc_queue_free(f->queue);
    dc_context_free(f->context);
    return 0;
}

static void fine(dc_status status)
{
    if (status != DC_OK)
        fail_msg("%s", dc_last_error());
}

static int64_t list_of(const dc_reduce_params *p)
{
    switch (p->kind) {
    case DC_REDUCE_HISTOGRAM:
        return p->edges.count ? p->edges.count - 1 : p->bins;
    case DC_REDUCE_TOP_K:
        return p->k;
    default:
        return p->kind == DC_REDUCE_MOMENTS ? 3 : p->kind == DC_REDUCE_EXTENT ? 2 : 0;
    }
}

static void give_results(dc_reduce_params *p, void *memory, void *rows)
{
    const int64_t shape[] = {list_of(p), COLUMNS};
    const int32_t skip = list_of(p) == 0;
    int32_t dtype = p->src.dtype;

    if (p->kind == DC_REDUCE_ANY_FINITE || p->kind == DC_REDUCE_ALL_FINITE)
        dtype = DC_U8;
    if (p->kind == DC_REDUCE_COUNT || p->kind == DC_REDUCE_ARGMIN || p->kind == DC_REDUCE_ARGMAX ||
        p->kind == DC_REDUCE_HISTOGRAM)
        dtype = DC_I64;
    p->dst = dc_array_host(memory, dtype, 2 - skip, shape + skip);
    memset(&p->dst2, 0, sizeof p->dst2);
    if (p->kind == DC_REDUCE_TOP_K)
        p->dst2 = dc_array_host(rows, DC_I64, 2, shape);
}

static dc_array rows_of(const dc_array *whole, int64_t first, int64_t end)
{
    dc_array part = *whole;

    part.offset += first * part.stride[0];
    part.shape[0] = end - first;
    return part;
}

/* Through bytes and back. */
static dc_reduce_state *travelled(dc_reduce_state *state)
{
    size_t size, again;
    unsigned char *bytes;
    dc_reduce_state *other;

    fine(dc_reduce_state_save(state, NULL, 0, &size));
    bytes = malloc(size);
    assert_non_null(bytes);
    assert_int_equal(dc_reduce_state_save(state, bytes, size - 1, &again), DC_E_ARGUMENT);
    fine(dc_reduce_state_save(state, bytes, size, &again));
    assert_int_equal(size, again);
    fine(dc_reduce_state_load(bytes, size, &other));
    assert_int_equal(dc_reduce_state_rows(other), dc_reduce_state_rows(state));
    dc_reduce_state_free(state);
    free(bytes);
    return other;
}

static void draw_data(dct_rng *rng, int32_t dtype, int64_t rows, void *data)
{
    const int missing = dct_chance(rng, 50) ? 0 : dct_chance(rng, 50) ? 5 : 80;
    const double offset = dct_chance(rng, 50) ? 0 : dtype == DC_F32 ? 100 : 1e9;

    for (int64_t i = 0; i < rows * COLUMNS; ++i) {
        const double x = dct_chance(rng, missing) ? (double)NAN
                         : dct_chance(rng, 30)    ? offset + (double)dct_range(rng, -2, 2)
                                                  : offset + dct_bell(rng);
        if (dtype == DC_F32)
            ((float *)data)[i] = (float)x;
        else
            ((double *)data)[i] = x;
    }
}

/* Cut the rows into parts, give them to workers in any order, merge those in any order. */
static dc_reduce_state *by_parts(dct_rng *rng, const dc_reduce_params *p)
{
    const int64_t rows = p->src.shape[0];
    int64_t cut[PARTS + 1] = {0};
    int order[PARTS], workers = (int)dct_range(rng, 1, 4);
    dc_reduce_state *worker[4];

    for (int i = 1; i < PARTS; ++i)
        cut[i] = dct_range(rng, cut[i - 1], cut[i - 1] + dct_range(rng, 0, 2 * rows / PARTS));
    for (int i = 1; i <= PARTS; ++i)
        cut[i] = i == PARTS || cut[i] > rows ? rows : cut[i];
    for (int i = 0; i < PARTS; ++i) {
        const int other = (int)dct_below(rng, i + 1);

        order[i] = order[other];
        order[other] = i;
    }
    for (int w = 0; w < workers; ++w)
        fine(dc_reduce_state_new(p, &worker[w]));
    for (int i = 0; i < PARTS; ++i) {
        const int64_t first = cut[order[i]], end = cut[order[i] + 1];
        const dc_array part = rows_of(&p->src, first, end);
        const int w = (int)dct_below(rng, workers);

        fine(dc_reduce_state_update(worker[w], &part, first));
        if (dct_chance(rng, 20))
            worker[w] = travelled(worker[w]);
    }
    for (int w = workers - 1; w > 0; --w) {
        fine(dc_reduce_state_merge(worker[0], worker[w]));
        dc_reduce_state_free(worker[w]);
    }
    return worker[0];
}

static void cuts_make_no_difference(void **state)
{
    fixture *f = *state;
    double *data = malloc(sizeof(double) * ROWS * COLUMNS);
    double want[COLUMNS * 16], got[COLUMNS * 16];
    int64_t want_rows[COLUMNS * 16], got_rows[COLUMNS * 16];

    assert_non_null(data);
    for (int c = 0; c < CASES; ++c) {
        dct_rng rng = dct_stream(3, (uint64_t)c);
        dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
        const int32_t dtype = c & 1 ? DC_F64 : DC_F32;
        const int64_t rows =
            dct_chance(&rng, 30) ? dct_range(&rng, 1, 40) : dct_range(&rng, 1, ROWS);
        dc_reduce_state *made;

        p.kind = kinds[(size_t)c / 2 % (sizeof kinds / sizeof *kinds)];
        draw_data(&rng, dtype, rows, data);
        p.src = dc_array_host(data, dtype, 2, (int64_t[]){rows, COLUMNS});
        p.nan = dct_chance(&rng, 30);
        p.ddof = dct_range(&rng, 0, 2);
        p.k = dct_range(&rng, 1, 9);
        p.largest = dct_chance(&rng, 50);
        p.bins = 7;
        p.low = -1;
        p.high = 2;
        p.edges = (dc_doubles){edges, dct_chance(&rng, 50) ? 5 : 0};
        memset(want, 1, sizeof want);
        memset(got, 1, sizeof got);
        memset(want_rows, 1, sizeof want_rows);
        memset(got_rows, 1, sizeof got_rows);
        give_results(&p, want, want_rows);
        fine(dc_reduce(f->queue, &p, NULL));
        made = by_parts(&rng, &p);
        assert_int_equal(dc_reduce_state_rows(made), rows);
        give_results(&p, got, got_rows);
        fine(dc_reduce_state_result(made, &p.dst, &p.dst2));
        if (memcmp(want, got, sizeof got) != 0 || memcmp(want_rows, got_rows, sizeof got_rows) != 0)
            fail_msg("case %d: kind %d, dtype %d, %lld rows differ from one pass", c, (int)p.kind,
                     (int)dtype, (long long)rows);
        dc_reduce_state_free(made);
    }
    free(data);
}

static void overlaps_are_refused(void **state)
{
    double data[600] = {0}, out = 0;
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
    dc_reduce_state *a, *b;
    dc_array dst = dc_array_host(&out, DC_F64, 1, (int64_t[]){1});

    (void)state;
    p.kind = DC_REDUCE_SUM;
    p.src = dc_array_host(data, DC_F64, 1, (int64_t[]){600});
    for (int i = 0; i < 600; ++i)
        data[i] = 1;
    fine(dc_reduce_state_new(&p, &a));
    fine(dc_reduce_state_new(&p, &b));
    for (int i = 0; i < 3; ++i) {
        const dc_array part = rows_of(&p.src, 200 * i, 200 * i + 200);
        fine(dc_reduce_state_update(i == 1 ? b : a, &part, 200 * i));
    }
    for (int64_t first = 0; first < 800; first += 50) {
        const dc_array part = rows_of(&p.src, 0, 51);
        const int overlaps = first < 200 || (first > 349 && first < 600);

        if (overlaps)
            assert_int_equal(dc_reduce_state_update(a, &part, first), DC_E_ARGUMENT);
    }
    assert_non_null(strstr(dc_last_error(), "overlap"));
    assert_int_equal(dc_reduce_state_rows(a), 400);
    fine(dc_reduce_state_merge(a, b));
    assert_int_equal(dc_reduce_state_merge(a, b), DC_E_ARGUMENT);
    fine(dc_reduce_state_result(a, &dst, NULL));
    assert_true(out == 600);
    p.kind = DC_REDUCE_MEAN;
    dc_reduce_state_free(b);
    fine(dc_reduce_state_new(&p, &b));
    assert_int_equal(dc_reduce_state_merge(a, b), DC_E_ARGUMENT);
    dc_reduce_state_free(a);
    dc_reduce_state_free(b);
    dc_reduce_state_free(NULL);
}

static void bad_calls(void **state)
{
    double data[6] = {0}, out[6];
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
    dc_reduce_state *s;
    dc_array chunk = dc_array_host(data, DC_F64, 2, (int64_t[]){2, 3}), other = chunk;

    (void)state;
    p.src = chunk;
    p.kind = DC_REDUCE_MEDIAN;
    assert_int_equal(dc_reduce_state_new(&p, &s), DC_E_ARGUMENT);
    p.kind = 99;
    assert_int_equal(dc_reduce_state_new(&p, &s), DC_E_ARGUMENT);
    p.kind = DC_REDUCE_MAX;
    assert_int_equal(dc_reduce_state_new(&p, NULL), DC_E_ARGUMENT);
    fine(dc_reduce_state_new(&p, &s));
    assert_int_equal(dc_reduce_state_update(s, NULL, 0), DC_E_ARGUMENT);
    assert_int_equal(dc_reduce_state_update(NULL, &chunk, 0), DC_E_ARGUMENT);
    assert_int_equal(dc_reduce_state_update(s, &chunk, -1), DC_E_ARGUMENT);
    assert_int_equal(dc_reduce_state_update(s, &chunk, INT64_MAX), DC_E_ARGUMENT);
    other.shape[1] = 2;
    assert_int_equal(dc_reduce_state_update(s, &other, 0), DC_E_ARGUMENT);
    other = chunk;
    other.dtype = DC_F32;
    assert_int_equal(dc_reduce_state_update(s, &other, 0), DC_E_ARGUMENT);
    other = dc_array_host(out, DC_F64, 1, (int64_t[]){2});
    assert_int_equal(dc_reduce_state_result(s, &other, NULL), DC_E_ARGUMENT);
    other = dc_array_host(out, DC_F64, 1, (int64_t[]){3});
    fine(dc_reduce_state_result(s, &other, NULL));
    assert_true(isnan(out[0]));
    assert_int_equal(dc_reduce_state_rows(s), 0);
    dc_reduce_state_free(s);
    assert_int_equal(dc_reduce_state_load(data, 0, &s), DC_E_ARGUMENT);
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_make_no_difference),
        cmocka_unit_test(overlaps_are_refused),
        cmocka_unit_test(bad_calls),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
