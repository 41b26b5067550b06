/* libdualcube-blas.so: OpenBLAS behind one function table. */
#include <cblas.h>
#include <limits.h>

#include "cpu_fallback/runtime/blas/blas_module.h"

DC_MODULE const dc_blas_module *dc_blas_module_get(void);

static dc_status gemm(int32_t dtype, const dc_gemm_step *g, int32_t threads, const void *a,
                      const void *b, void *c)
{
    const CBLAS_TRANSPOSE ta = g->transpose_a ? CblasTrans : CblasNoTrans;
    const CBLAS_TRANSPOSE tb = g->transpose_b ? CblasTrans : CblasNoTrans;

    DC_REQUIRE(g->m <= INT_MAX && g->n <= INT_MAX && g->k <= INT_MAX && g->lda <= INT_MAX &&
                   g->ldb <= INT_MAX && g->ldc <= INT_MAX,
               DC_E_UNSUPPORTED, "a matrix product of %lld x %lld x %lld exceeds this BLAS's %d",
               (long long)g->m, (long long)g->n, (long long)g->k, INT_MAX);
    openblas_set_num_threads(threads);
    if (dtype == DC_F64)
        cblas_dgemm(CblasRowMajor, ta, tb, (int)g->m, (int)g->n, (int)g->k, g->alpha, a,
                    (int)g->lda, b, (int)g->ldb, g->beta, c, (int)g->ldc);
    else
        cblas_sgemm(CblasRowMajor, ta, tb, (int)g->m, (int)g->n, (int)g->k, (float)g->alpha, a,
                    (int)g->lda, b, (int)g->ldb, (float)g->beta, c, (int)g->ldc);
    return DC_OK;
}

const dc_blas_module *dc_blas_module_get(void)
{
    static const dc_blas_module module = {DC_BLAS_ABI, gemm};

    return &module;
}
