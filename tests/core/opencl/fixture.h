/* What the tests of the OpenCL executor share. */
#ifndef DC_TESTS_OPENCL_FIXTURE_H
#define DC_TESTS_OPENCL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dualcube/dualcube.h"
#include "tests/core/opencl/family.h"

/* A context and a queue that never computes on the CPU. */
typedef struct clt_session {
    dc_context *context;
    dc_device *device;
    dc_queue *queue;
} clt_session;

void clt_must(dc_status status);
/* 0: this machine has no OpenCL device.  `cache_dir` "" : no cache. */
int clt_open(clt_session *session, const char *cache_dir);
void clt_close(clt_session *session);
dc_counters clt_counters(const clt_session *session);
dc_pool_stats clt_pool(const clt_session *session, int32_t pool);

/* A call over dense matrices of float64. */
clt_params clt_call(dc_array src, dc_array dst);
/* Fill, poison, compare: `rows` x `columns` dense values. */
void clt_fill(double *x, int64_t n);
void clt_poison(void *memory, size_t bytes);
int clt_is_poison(const void *memory, size_t bytes);
void clt_check(const double *x, const double *y, int64_t rows, int64_t columns, double factor);

#endif
