#include "tests/core/opencl/fixture.h"

#include <string.h>

enum { POISON = 0x5A };

void clt_must(dc_status status)
{
    if (status != DC_OK)
        print_error("%s: %s\n", dc_status_name(status), dc_last_error());
    assert_int_equal(status, DC_OK);
}

int clt_open(clt_session *session, const char *cache_dir)
{
    dc_context_params params = DC_CONTEXT_PARAMS_INIT;
    dc_queue_params queue = DC_QUEUE_PARAMS_INIT;
    memset(session, 0, sizeof *session);
    params.cache_dir = cache_dir;
    queue.policy = DC_POLICY_DEVICE_OR_FAIL;
    clt_must(dc__family_register(clt_family()));
    clt_must(dc_context_new(&params, &session->context));
    if (dc_device_find(session->context, "opencl", &session->device) != DC_OK) {
        dc_context_free(session->context);
        session->context = NULL;
        return 0;
    }
    clt_must(dc_queue_new(session->context, session->device, &queue, &session->queue));
    return 1;
}

void clt_close(clt_session *session)
{
    dc_queue_free(session->queue);
    dc_context_free(session->context);
    memset(session, 0, sizeof *session);
}

dc_counters clt_counters(const clt_session *session)
{
    dc_counters counters = {.struct_size = sizeof counters};
    clt_must(dc_context_get_counters(session->context, &counters));
    return counters;
}

dc_pool_stats clt_pool(const clt_session *session, int32_t pool)
{
    dc_pool_stats stats = {.struct_size = sizeof stats};
    clt_must(dc_pool_get_stats(session->context, pool, &stats));
    return stats;
}

clt_params clt_call(dc_array src, dc_array dst)
{
    clt_params p = CLT_PARAMS_INIT;
    p.src = src;
    p.dst = dst;
    return p;
}

void clt_fill(double *x, int64_t n)
{
    uint64_t seed = 7;
    for (int64_t i = 0; i < n; ++i) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        x[i] = (double)(seed >> 11) * 0x1p-50 - 4;
    }
}

void clt_poison(void *memory, size_t bytes)
{
    memset(memory, POISON, bytes);
}

int clt_is_poison(const void *memory, size_t bytes)
{
    const unsigned char *at = memory;
    for (size_t i = 0; i < bytes; ++i)
        if (at[i] != POISON)
            return 0;
    return 1;
}

void clt_check(const double *x, const double *y, int64_t rows, int64_t columns, double factor)
{
    for (int64_t i = 0; i < rows * columns; ++i) {
        const double want = clt_expected(DC_F64, x[i], factor, i % columns);
        if (memcmp(&want, &y[i], sizeof want) != 0)
            fail_msg("element %lld: %.17g, expected %.17g", (long long)i, y[i], want);
    }
}
