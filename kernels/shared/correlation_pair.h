/* Columns and pairs by the contract of kernels/shared/correlation.h: a template of T (float,
 * double) and SFX (f32, f64), read once per dtype by both compilers and by the host. */
#include "kernels/shared/correlation.h"

#undef CORRELATION_DIV
#undef CORRELATION_ROOT
#undef CORRELATION_GLOBAL
#define CORRELATION_DIV  DC_CAT(dc_div, SFX)
#define CORRELATION_ROOT DC_CAT(dc_sqrt, SFX)

/* A column in a block: values, infinities, sum of the values, their least and largest. */
typedef struct FN(correlation_part) {
    dc_i64 n, infinite;
    T sum, least, largest, none;
} FN(correlation_part);

/* n < 0: the column has no result. */
typedef struct FN(correlation_column) {
    dc_i64 n;
    T scale, shift, power, none;
} FN(correlation_column);

/* A pair: the sums of i where j has a value, of j where i has one. */
typedef struct FN(correlation_node) {
    dc_i64 n;
    T p, s_i, s_j, q_i, q_j;
} FN(correlation_node);

static inline T FN(correlation_magnitude)(T x)
{
    return x < 0 ? -x : x;
}

static inline T FN(correlation_greater)(T x, T y)
{
    return x < y ? y : x;
}

static inline T FN(correlation_lesser)(T x, T y)
{
    return x < y ? x : y;
}

static inline FN(correlation_column)
    FN(correlation_column_of)(const dc_correlation_args *args, FN(correlation_part) part, T given)
{
    const T most = FN(correlation_greater)(FN(correlation_magnitude)(part.least),
                                           FN(correlation_magnitude)(part.largest));
    const dc_i32 e = FN(correlation_exponent)(part.n > 0 ? most : (T)0);
    FN(correlation_column) column;
    T anchor = 0;

    column.n = args->inf_is_value && part.infinite > 0 ? -1 : part.n;
    column.none = 0;
    column.scale = column.power = 1;
    if (args->given) {
        column.shift = given;
        return column;
    }
    if (part.n > 0)
        anchor = part.least == part.largest ? part.least : CORRELATION_DIV(part.sum, (T)part.n);
    if (!(anchor - anchor == 0))
        anchor = 0;
    column.scale = FN(correlation_power)(DC_CAT(CORRELATION_ONE, SFX) - e);
    column.power = FN(correlation_power)(e);
    column.shift = anchor * column.scale;
    return column;
}

static inline T FN(correlation_variance)(T q, T s, T n)
{
    const T square = s * s, v = q - CORRELATION_DIV(square, n);

    /* What overflowed is not flat. */
    return v <= DC_CAT(CORRELATION_FLAT, SFX) * q && v - v == 0 ? (T)0 : v;
}

/* The result of columns i and j, which may be the same. */
static inline T FN(correlation_result)(const dc_correlation_args *args,
                                       const FN(correlation_node) * node, FN(correlation_column) i,
                                       FN(correlation_column) j, int same)
{
    const dc_i64 least = args->kind == DC_CORRELATION_COVARIANCE ? args->ddof : 0;
    const T n = (T)(node->n > 0 ? node->n : 1), both = node->s_i * node->s_j;
    const T v_i = FN(correlation_variance)(node->q_i, node->s_i, n);
    const T v_j = FN(correlation_variance)(node->q_j, node->s_j, n);
    const int flat = v_i == 0 || v_j == 0;
    T c = node->p - CORRELATION_DIV(both, n);

    if (i.n < 0 || j.n < 0 || node->n < args->min_periods || node->n <= least)
        return FN(correlation_nan)();
    if (args->kind == DC_CORRELATION_COVARIANCE) {
        c = flat && c == c ? (T)0 : same ? v_i : c; /* a NaN stays */
        c = CORRELATION_DIV(c, (T)(node->n - args->ddof));
        c = c * FN(correlation_greater)(i.power, j.power);
        c = c * FN(correlation_lesser)(i.power, j.power);
    } else if (flat) {
        return FN(correlation_nan)();
    } else if (same) {
        c = v_i - v_i == 0 ? (T)1 : FN(correlation_nan)();
    } else {
        const T root = CORRELATION_ROOT(v_i) * CORRELATION_ROOT(v_j);

        c = CORRELATION_DIV(c, root);
        c = c < -1 ? (T)-1 : c > 1 ? (T)1 : c;
    }
    return c == c ? c : FN(correlation_nan)();
}

static inline T FN(correlation_mean)(FN(correlation_column) column,
                                     const FN(correlation_node) * node)
{
    T mean;

    if (column.n <= 0)
        return FN(correlation_nan)();
    mean = CORRELATION_DIV(node->s_i, (T)node->n);
    mean = (column.shift + mean) * column.power;
    return mean == mean ? mean : FN(correlation_nan)();
}

#ifdef __OPENCL_VERSION__
#define CORRELATION_GLOBAL __global
#else
#define CORRELATION_GLOBAL
#endif

/* The blocks of a column together. */
static inline FN(correlation_part)
    FN(correlation_whole)(const dc_correlation_args *args,
                          CORRELATION_GLOBAL const FN(correlation_part) * part, dc_i64 column)
{
    T stack[DC_CORRELATION_LEVELS];
    FN(correlation_part) whole = part[column];
    int top = 0;

    for (dc_i64 b = 0; b < args->blocks; b++) {
        const FN(correlation_part) one = part[b * args->cols + column];

        if (b > 0) {
            whole.n += one.n;
            whole.infinite += one.infinite;
            whole.least = FN(correlation_lesser)(whole.least, one.least);
            whole.largest = FN(correlation_greater)(whole.largest, one.largest);
        }
        stack[top++] = one.sum;
        for (dc_i64 full = b + 1; top > 1 && !(full & 1); full >>= 1, top--)
            stack[top - 2] += stack[top - 1];
    }
    for (; top > 1; top--)
        stack[top - 2] += stack[top - 1];
    whole.sum = stack[0];
    return whole;
}

static inline void FN(correlation_join)(FN(correlation_node) * to, FN(correlation_node) from)
{
    to->n += from.n;
    to->p += from.p;
    to->s_i += from.s_i;
    to->s_j += from.s_j;
    to->q_i += from.q_i;
    to->q_j += from.q_j;
}

/* The blocks of pair i <= j together. */
static inline FN(correlation_node)
    FN(correlation_root)(const dc_correlation_args *args, CORRELATION_GLOBAL const T *nodes,
                         CORRELATION_GLOBAL const dc_i64 *counts, dc_i64 i, dc_i64 j)
{
    const dc_i64 pairs = args->cols * args->cols, at = i * args->cols + j;
    const dc_i64 mirrored = j * args->cols + i;
    FN(correlation_node) stack[DC_CORRELATION_LEVELS];
    int top = 0;

    for (dc_i64 b = 0; b < args->blocks; b++) {
        CORRELATION_GLOBAL const T *const from = nodes + b * DC_CORRELATION_FIELDS * pairs;
        FN(correlation_node) node;

        node.n = counts[b * pairs + at];
        node.p = from[at];
        node.s_i = from[pairs + at];
        node.s_j = from[pairs + mirrored];
        node.q_i = from[2 * pairs + at];
        node.q_j = from[2 * pairs + mirrored];
        stack[top++] = node;
        for (dc_i64 full = b + 1; top > 1 && !(full & 1); full >>= 1, top--)
            FN(correlation_join)(&stack[top - 2], stack[top - 1]);
    }
    for (; top > 1; top--)
        FN(correlation_join)(&stack[top - 2], stack[top - 1]);
    return stack[0];
}

/* What GRAM gives of a pair: NaN and 0 rows of a column without results; the one quiet NaN. */
static inline FN(correlation_node)
    FN(correlation_sums)(const FN(correlation_node) * node, FN(correlation_column) i,
                         FN(correlation_column) j)
{
    const T nan = FN(correlation_nan)();
    const int bad = i.n < 0 || j.n < 0;
    FN(correlation_node) it = *node;

    it.n = bad ? 0 : it.n;
    it.p = bad || it.p != it.p ? nan : it.p;
    it.s_i = bad || it.s_i != it.s_i ? nan : it.s_i;
    it.s_j = bad || it.s_j != it.s_j ? nan : it.s_j;
    it.q_i = bad || it.q_i != it.q_i ? nan : it.q_i;
    it.q_j = bad || it.q_j != it.q_j ? nan : it.q_j;
    return it;
}
