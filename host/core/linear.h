/* Linear algebra for fits, from the BLAS module (DC_E_UNSUPPORTED or DC_E_IO where there is none).
 * NORMWISE: bits change with the library, the threads and the processor. */
#ifndef DC_CORE_LINEAR_H
#define DC_CORE_LINEAR_H

#include "host/core/error.h"

/* The upper triangle of C = A' A; A is `rows` x n, C n x n, both row-major and dense. */
dc_status dc__syrk(int32_t dtype, int64_t n, int64_t rows, int32_t threads, const void *a, void *c);

/* Eigenvalues, ascending, of the symmetric n x n matrix `a`, whose rows become the eigenvectors.
 * Reads the triangle above the diagonal (row-major). */
dc_status dc__eigen_symmetric(int64_t n, int32_t threads, double *a, double *values);

#endif
