/* Pca: what the two compilers must agree on.
 *
 * Order of operations (contract, DC_EXACT).  W[a, j] are the components, s[j] the scale, w[a] the
 * weights, f[a] the factors of the scores; an operand left out is 0 (mean) or 1 (all others). fma()
 * where it is written, every other operation rounded by itself; chains begin with +0.
 *
 *   DC_PCA_MONITOR, for each row x:
 *     z[j] = (x[j] - mean[j]) * s[j]      0 where x[j] is NaN and `missing` is MISSING_MEAN
 *     t[a] = chain, j ascending:  t = fma(z[j], W[a, j], t)
 *     u[a] = t[a] * w[a]
 *     T2   = chain, a ascending:  T2 = fma(t[a], u[a], T2)
 *     h[j] = chain, a ascending:  h = fma(t[a], W[a, j], h)
 *     e[j] = z[j] - h[j]
 *     SPE  = chain, j ascending:  SPE = fma(e[j], e[j], SPE)
 *     v[j] = chain, a ascending:  v = fma(u[a], W[a, j], v)
 *     outputs: t[a] * f[a], T2, SPE, z[j] * v[j], e[j] * e[j] or e[j]
 *
 *   DC_PCA_INVERSE, for each row t of scores:
 *     q[a] = (t[a] - 0) * f[a]
 *     h[j] = chain, a ascending:  h = fma(q[a], W[a, j], h)
 *     output: h[j] * s[j] + mean[j]
 *
 * A NaN is put out as the one quiet NaN.
 */
#ifndef DC_SHARED_PCA_H
#define DC_SHARED_PCA_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"

/* Operands of both rows, in this order; outputs from DC_PCA_DST on. */
enum {
    DC_PCA_SRC = 0,
    DC_PCA_MEAN,
    DC_PCA_SCALE,
    DC_PCA_COMPONENTS,
    DC_PCA_WEIGHTS,
    DC_PCA_FACTORS,
    DC_PCA_DST,
    DC_PCA_T2,
    DC_PCA_SPE,
    DC_PCA_T2_PARTS,
    DC_PCA_SPE_PARTS,
    DC_PCA_OPERANDS
};

typedef struct dc_pca_args {
    dc_i64 rows, columns, components;
    /* In elements, of the first and the last axis; vectors have only the second. */
    dc_i64 row_stride[DC_PCA_OPERANDS], stride[DC_PCA_OPERANDS];
    dc_i32 kind;             /* DC_PCA_* */
    dc_i32 absent;           /* bits 1 << DC_PCA_MEAN, ... : operands left out */
    dc_i32 missing;          /* DC_PCA_MISSING_* */
    dc_i32 signed_residuals; /* 1: e[j] */
} dc_pca_args;

#endif
