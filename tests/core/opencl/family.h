/* A small private family for the tests of the OpenCL executor:
 *   clt_axpy     out = in * factor + weight[column], `steps` launches of it; the weights are a
 *                constant table.  Its CPU mirror computes nothing, so that a call which fell back
 *                shows in the output.
 *   clt_missing  the same plan, with a kernel that the program does not have
 */
#ifndef DC_TESTS_OPENCL_FAMILY_H
#define DC_TESTS_OPENCL_FAMILY_H

#include "host/core/registry.h"

enum { CLT_AXPY = 10100, CLT_MISSING };

typedef struct clt_params {
    uint32_t struct_size;
    int32_t steps; /* the launch is repeated */
    dc_array src, dst;
    double factor;
} clt_params;
#define CLT_PARAMS_INIT                                                                            \
    {                                                                                              \
        .struct_size = sizeof(clt_params), .steps = 1, .factor = 3                                 \
    }

const dc_family *clt_family(void);

/* What element (row, column) of the output must be for input x, in the dtype's own arithmetic. */
double clt_expected(int32_t dtype, double x, double factor, int64_t column);

#endif
