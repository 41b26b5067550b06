/* What the BLAS module offers the CPU executor.  Its rows are NORMWISE: OpenBLAS's bits change with
 * the threads and the processor. */
#ifndef DC_BLAS_MODULE_H
#define DC_BLAS_MODULE_H

#include "host/core/plan.h"

enum { DC_BLAS_ABI = 2 };
#define DC_BLAS_SYMBOL "dc_blas_module_get"

typedef struct dc_blas_module {
    int32_t abi;
    dc_status (*gemm)(int32_t dtype, const dc_gemm_step *gemm, int32_t threads, const void *a,
                      const void *b, void *c);
    /* As dc__syrk() and dc__eigen_symmetric() of host/core/linear.h. */
    dc_status (*syrk)(int32_t dtype, int64_t n, int64_t rows, int32_t threads, const void *a,
                      void *c);
    dc_status (*eigen)(int64_t n, int32_t threads, double *a, double *values);
} dc_blas_module;

typedef const dc_blas_module *(*dc_blas_module_fn)(void);

#endif
