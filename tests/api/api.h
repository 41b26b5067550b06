/* What the tests of the API share.  Public headers only. */
#ifndef DCT_API_H
#define DCT_API_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"

/* The call must have failed with `want`, its sentence must hold every word up to NULL. */
static inline void expect_error(dc_status got, dc_status want, ...)
{
    va_list words;
    const char *text = dc_last_error();
    if (got != want)
        fail_msg("%s instead of %s: %s", dc_status_name(got), dc_status_name(want), text);
    va_start(words, want);
    for (const char *word; (word = va_arg(words, const char *)) != NULL;)
        if (!strstr(text, word))
            fail_msg("\"%s\" does not say \"%s\"", text, word);
    va_end(words);
    /* One sentence: no line breaks, no trailing space. */
    assert_null(strchr(text, '\n'));
    assert_true(*text && text[strlen(text) - 1] != ' ');
}

static inline void expect_ok(dc_status got)
{
    if (got != DC_OK)
        fail_msg("%s: %s", dc_status_name(got), dc_last_error());
}

/* A context that never looks for OpenCL. */
static inline dc_context *cpu_context(void)
{
    dc_context_params params = DC_CONTEXT_PARAMS_INIT;
    dc_context *context = NULL;
    params.opencl_module = "";
    expect_ok(dc_context_new(&params, &context));
    return context;
}

static inline dc_queue *open_queue(dc_context *context, const char *device, int32_t policy,
                                   int32_t threads)
{
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;
    dc_device *found = NULL;
    dc_queue *queue = NULL;
    params.policy = policy;
    params.threads = threads;
    if (device)
        expect_ok(dc_device_find(context, device, &found));
    expect_ok(dc_queue_new(context, found, &params, &queue));
    return queue;
}

static inline dc_run_info last_run(dc_queue *queue)
{
    dc_run_info info = {.struct_size = sizeof info};
    expect_ok(dc_queue_last_run(queue, &info));
    return info;
}

static inline dc_counters counters_of(dc_context *context)
{
    dc_counters counters = {.struct_size = sizeof counters};
    expect_ok(dc_context_get_counters(context, &counters));
    return counters;
}

static inline dc_pool_stats stats_of(dc_context *context, int32_t pool)
{
    dc_pool_stats stats = {.struct_size = sizeof stats};
    expect_ok(dc_pool_get_stats(context, pool, &stats));
    return stats;
}

static inline dc_rolling_params rolling_of(int32_t kind, int64_t window, dc_array src, dc_array dst)
{
    dc_rolling_params p = DC_ROLLING_PARAMS_INIT;
    p.kind = kind;
    p.window = window;
    p.src = src;
    p.dst = dst;
    return p;
}

/* A deterministic table of `rows` x `columns`, with some missing values. */
static inline double *table_of(int64_t rows, int64_t columns)
{
    double *x = malloc((size_t)(rows * columns) * sizeof *x);
    uint32_t state = 12345;
    assert_non_null(x);
    for (int64_t i = 0; i < rows * columns; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = state % 37 == 0 ? (double)NAN : (double)(state >> 8) * 0x1p-24 + (double)(i % 7);
    }
    return x;
}

#endif
