/* libdualcube-blas.so: OpenBLAS behind one function table. */
#include <cblas.h>
#include <limits.h>
#include <stdlib.h>

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

static dc_status syrk(int32_t dtype, int64_t n, int64_t rows, int32_t threads, const void *a,
                      void *c)
{
    DC_REQUIRE(n <= INT_MAX && rows <= INT_MAX, DC_E_UNSUPPORTED,
               "a matrix product of %lld x %lld exceeds this BLAS's %d", (long long)rows,
               (long long)n, INT_MAX);
    openblas_set_num_threads(threads);
    if (dtype == DC_F64)
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)n, (int)rows, 1.0, a, (int)n, 0.0,
                    c, (int)n);
    else
        cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)n, (int)rows, 1.0F, a, (int)n, 0.0F,
                    c, (int)n);
    return DC_OK;
}

/* LAPACK, which OpenBLAS carries: Fortran's conventions, columns behind each other. */
void dsyevd_(const char *job, const char *part, const int *n, double *a, const int *lda,
             double *values, double *work, const int *work_room, int *whole, const int *whole_room,
             int *info);

static dc_status eigen(int64_t n, int32_t threads, double *a, double *values)
{
    const int order = (int)n, ask = -1;
    int room, whole_room, whole_want = 0, info = 0, found;
    double want = 0;
    double *work;
    int *whole;

    DC_REQUIRE(n <= INT_MAX / 4, DC_E_UNSUPPORTED,
               "eigenvalues of %lld x %lld numbers exceed this LAPACK", (long long)n, (long long)n);
    openblas_set_num_threads(threads);
    dsyevd_("V", "L", &order, a, &order, values, &want, &ask, &whole_want, &ask, &info);
    DC_REQUIRE(info == 0 && want < INT_MAX, DC_E_UNSUPPORTED,
               "eigenvalues of %lld x %lld numbers exceed this LAPACK", (long long)n, (long long)n);
    room = (int)want;
    whole_room = whole_want;
    work = malloc((size_t)room * sizeof *work);
    whole = malloc((size_t)whole_room * sizeof *whole);
    if (work && whole)
        dsyevd_("V", "L", &order, a, &order, values, work, &room, whole, &whole_room, &info);
    found = work && whole;
    free(work);
    free(whole);
    DC_REQUIRE(found, DC_E_MEMORY, "eigenvalues: out of host memory");
    DC_REQUIRE(info == 0, DC_E_ARGUMENT, "eigenvalues: the iteration has not converged (%d)", info);
    return DC_OK;
}

const dc_blas_module *dc_blas_module_get(void)
{
    static const dc_blas_module module = {DC_BLAS_ABI, gemm, syrk, eigen};

    return &module;
}
