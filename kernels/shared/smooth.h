/* Smoothing and standardising: what the two compilers must agree on.
 *
 * The axes that an operation works along are those of a group, the others tell the groups apart;
 * value j of a group is the j-th in row-major order over its axes.  The plan has left out axes of
 * one element and merged axes that lie end to end in both arrays.  Every operation below rounds
 * once; there is no fma.  A NaN that was computed becomes the one quiet NaN.
 *
 * Sum over a group (contract): 16 columns; column c of leaf b is
 *     L[b][c] = ((0 + v(256 b + c)) + v(256 b + 16 + c)) + ... + v(256 b + 240 + c)
 * and what lies beyond the last value adds nothing.  Leaves are added column by column in a binary
 * tree of neighbours, level by level, an odd last one going up as it is; then columns c and c + 8,
 * c and c + 4, c and c + 2, c and c + 1.  Where missing values are left out they add nothing and
 * keep their place, and n is the number of the others.
 *
 * MEAN         m = sum(x) / n,  y = x keep + blend m,  keep = 1 - blend
 * STANDARDIZE  a = the first value (the first that is not left out),  m = sum(x - a) / n,
 *              d = (x - a) - m,  s = sqrt(sum(d d) / (n - ddof)),  r = s = 0 ? 0 : 1 / s,
 *              n <= ddof: NaN,  y = d r
 * MINMAX       lo, hi = the smallest and the largest value, -0 taken as +0;  NaN if there is one
 *              that is not left out;  d = hi - lo,  y = (x - lo) / (d = 0 ? 1 : d)
 *
 * MOVING and GAUSSIAN: groups have one axis.  A place beyond its ends has the value that the edges
 * say: index i becomes (i mod 2n), then 2n - 1 - i where that is n or more (reflect); the nearest
 * (nearest); i mod n (wrap); or there is the given value (constant).
 * MOVING       values i - W / 2 ... i - W / 2 + W - 1 in the order of their places are added in
 *              blocks of powers of two, the largest first, each block by a binary tree of
 *              neighbours:  S = B1 + (B2 + (... + Bk)),  y = S / W
 * GAUSSIAN     w[k] = table,  y = x(i) w[0], then for k = 1 ... R:  y = y + (x(i-k) + x(i+k)) w[k]
 */
#ifndef DC_SHARED_SMOOTH_H
#define DC_SHARED_SMOOTH_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"

enum {
    DC_SMOOTH_MAX_AXES = 8,
    DC_SMOOTH_COLUMNS = 16,
    DC_SMOOTH_LEAF = 256,     /* values */
    DC_SMOOTH_DEPTH = 56,     /* nodes that wait for their neighbours: 2^63 values              */
    DC_SMOOTH_WINDOW_LOG = 20 /* windows have at most 2^20 taps                                 */
};

typedef struct dc_smooth_args {
    dc_i64 n;      /* values of a group, >= 1                                                  */
    dc_i64 groups; /* >= 1                                                                     */
    /* Axes that tell groups apart, slowest first by the strides of the output. */
    dc_i64 shape[DC_SMOOTH_MAX_AXES];
    dc_i64 src_stride[DC_SMOOTH_MAX_AXES];
    dc_i64 dst_stride[DC_SMOOTH_MAX_AXES];
    /* Axes of a group, in their own order. */
    dc_i64 group_shape[DC_SMOOTH_MAX_AXES];
    dc_i64 group_src[DC_SMOOTH_MAX_AXES];
    dc_i64 group_dst[DC_SMOOTH_MAX_AXES];
    dc_i64 window, left; /* taps; of those, taps before the centre                             */
    dc_f64 keep64, blend64, value64; /* float32 never reads these */
    float keep32, blend32, value32;
    dc_i32 naxes;      /* >= 1 */
    dc_i32 group_axes; /* >= 1 */
    dc_i32 kind;       /* DC_SMOOTH_* */
    dc_i32 edges;      /* DC_EDGES_* */
    dc_i32 omit_nan;
    dc_i32 ddof;
} dc_smooth_args;

/* Place i of a line of n values; -1: the given value. */
static inline dc_i64 smooth_edge(dc_i64 i, dc_i64 n, dc_i32 edges)
{
    if (i >= 0 && i < n)
        return i;
    if (edges == DC_EDGES_CONSTANT)
        return -1;
    if (edges == DC_EDGES_NEAREST)
        return i < 0 ? 0 : n - 1;
    if (i >= -n && i < 2 * n) { /* without a division */
        if (edges == DC_EDGES_REFLECT)
            return i < 0 ? -1 - i : 2 * n - 1 - i;
        return i < 0 ? i + n : i - n;
    }
    const dc_i64 period = edges == DC_EDGES_REFLECT ? 2 * n : n;
    i %= period;
    if (i < 0)
        i += period;
    return i < n ? i : 2 * n - 1 - i;
}

/* Elements from the first of the array to value j of group `group`. */
static inline dc_i64 smooth_group_at(const dc_smooth_args *a, dc_i64 group, dc_i64 *dst)
{
    dc_i64 src = 0;

    *dst = 0;
    for (int d = a->naxes - 1; d > 0; d--) {
        const dc_i64 outer = group / a->shape[d], digit = group - outer * a->shape[d];

        src += digit * a->src_stride[d];
        *dst += digit * a->dst_stride[d];
        group = outer;
    }
    *dst += group * a->dst_stride[0];
    return src + group * a->src_stride[0];
}

static inline dc_i64 smooth_value_at(const dc_smooth_args *a, dc_i64 j, dc_i64 *dst)
{
    dc_i64 src = 0;

    *dst = 0;
    for (int d = a->group_axes - 1; d > 0; d--) {
        const dc_i64 outer = j / a->group_shape[d], digit = j - outer * a->group_shape[d];

        src += digit * a->group_src[d];
        *dst += digit * a->group_dst[d];
        j = outer;
    }
    *dst += j * a->group_dst[0];
    return src + j * a->group_src[0];
}

/* What a value gives to a pass over its group. */
enum {
    DC_SMOOTH_PASS_VALUE = 0, /* x                                                             */
    DC_SMOOTH_PASS_SHIFT = 1, /* x - a: a is the first value                                   */
    DC_SMOOTH_PASS_SQUARE = 2 /* ((x - a) - p)^2: a + p is the mean                            */
};

static inline float smooth_quiet_f32(float y)
{
    return y == y ? y : DC_FLOAT_OF_BITS(0x7fc00000u);
}

static inline float smooth_pass_f32(int pass, float x, float a, float p)
{
    const float d = x - a, e = d - p;

    return pass == DC_SMOOTH_PASS_VALUE ? x : pass == DC_SMOOTH_PASS_SHIFT ? d : e * e;
}

/* The numbers a, p, q of a group that its values become results with.
 * MEAN: x p + q;  STANDARDIZE: ((x - a) - p) q;  MINMAX: (x - p) / q. */
static inline float smooth_result_f32(int kind, float x, float a, float p, float q)
{
    float y;

    if (kind == DC_SMOOTH_MEAN)
        y = x * p + q;
    else if (kind == DC_SMOOTH_STANDARDIZE)
        y = ((x - a) - p) * q;
    else
        y = dc_div_f32(x - p, q);
    return smooth_quiet_f32(y);
}

/* 1 / s */
static inline float smooth_scale_f32(float squares, dc_i64 n, dc_i32 ddof)
{
    float s;

    if (n <= ddof)
        return DC_FLOAT_OF_BITS(0x7fc00000u);
    s = dc_sqrt_f32(dc_div_f32(squares, (float)(n - ddof)));
    return s == 0 ? 0 : dc_div_f32(1.0f, s);
}

#if !defined(__OPENCL_VERSION__) || defined(DC_FP64)
static inline double smooth_quiet_f64(double y)
{
#ifdef __OPENCL_VERSION__
    return y == y ? y : as_double(0x7ff8000000000000ul);
#else
    return y == y ? y : __builtin_nan("");
#endif
}

static inline double smooth_pass_f64(int pass, double x, double a, double p)
{
    const double d = x - a, e = d - p;

    return pass == DC_SMOOTH_PASS_VALUE ? x : pass == DC_SMOOTH_PASS_SHIFT ? d : e * e;
}

static inline double smooth_result_f64(int kind, double x, double a, double p, double q)
{
    double y;

    if (kind == DC_SMOOTH_MEAN)
        y = x * p + q;
    else if (kind == DC_SMOOTH_STANDARDIZE)
        y = ((x - a) - p) * q;
    else
        y = dc_div_f64(x - p, q);
    return smooth_quiet_f64(y);
}

static inline double smooth_scale_f64(double squares, dc_i64 n, dc_i32 ddof)
{
    double s;

    if (n <= ddof)
        return smooth_quiet_f64(dc_div_f64(0.0, 0.0));
    s = dc_sqrt_f64(dc_div_f64(squares, (double)(n - ddof)));
    return s == 0 ? 0 : dc_div_f64(1.0, s);
}
#endif

#endif
