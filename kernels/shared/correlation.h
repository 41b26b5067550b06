/* Correlation: what the two compilers must agree on.
 *
 * Arrays.  Row r of column j of src lies at element  r * src_row + j * src_col;  pair (i, j) of dst
 * at  i * dst_i + j * dst_j,  GRAM's field f another f * dst_field further;  dst2: column i at
 * i * dst2_i,  GRAM's pair at  i * dst2_i + j * dst2_j.
 *
 * Order of operations (contract, DC_EXACT):
 *   A leaf is the rows 256 L ... 256 L + 255 (DC_CORRELATION_LEAF); every sum over the rows of a
 *   leaf is one chain from +0, rows ascending.  Leaves are added by a binary tree over their
 *   numbers: node (0, L) is leaf L, node (k + 1, j) is node (k, 2 j) + node (k, 2 j + 1), a node
 *   that is not there leaves its neighbour as it is.  A missing value is NaN or an infinity.
 *   Column.  Of its values x:  n, least, largest, and A, the sum of x.  The anchor a is the given
 *     one; else least where least = largest; else A / n, and 0 where that is not finite (or no
 * value is).  e is the exponent field of the greater of |least|, |largest|, kept within 7 ... 247
 *     (float64: 7 ... 2039): power = 2^(e - 127) (1023), scale = 1 / power; with given anchors both
 *     are 1.  shift = a scale.
 *   Value:  d = x scale - shift,  the product rounded, then the difference;  q = d d, rounded;
 *     m = 1;  of a missing one  d = q = m = 0.
 *   Pair (i, j), over all rows:  n, those in which both have a value;  P = fma(d_i, d_j, P);
 *     S_ij = fma(d_i, m_j, S_ij);  Q_ij = fma(q_i, m_j, Q_ij).  Of a column with itself P is Q_ii.
 *   Result, with N = n rounded to the dtype:  v_ij = Q_ij - (S_ij S_ij) / N,  and 0 where it is not
 *     above 128 u Q_ij (u = 2^-24, 2^-53);  c = P - (S_ij S_ji) / N,  and 0 where v_ij or v_ji is.
 *     COVARIANCE: ((c / (n - ddof rounded)) * the greater power) * the lesser power.
 *     PEARSON:    c / (root v_ij * root v_ji),  kept within -1 ... 1;  1 of a column with itself.
 *     SPEARMAN:   of complete columns PEARSON, given anchors 0, of the ranks: twice the mean rank
 * of equal values, less n + 1.  Of other pairs the same from sums of the ranks of the common rows,
 * in whole numbers: (P / (root Q_ij root Q_ji)) in double, rounded to the dtype.  Which it is
 * depends on the two columns alone. mean:       (shift + S_ii / N) * power. DC_INF_VALUE: all
 * results of a column with an infinity are NaN. Blocks are ranges of a power of two of leaves; how
 * many shows in no bit.
 */
#ifndef DC_SHARED_CORRELATION_H
#define DC_SHARED_CORRELATION_H

#include "dualcube/kinds.h"
#include "kernels/shared/base.h"
#include "kernels/shared/divide.h"

enum {
    DC_CORRELATION_LEAF = 256,
    DC_CORRELATION_FIELDS = 3,  /* P, S, Q of a pair */
    DC_CORRELATION_BLOCKS = 64, /* at most */
    DC_CORRELATION_LEVELS = 10, /* of a tree of blocks */
    DC_CORRELATION_LEAF_LEVELS = 48
};

/* Stages of a call. */
enum {
    DC_CORRELATION_PARTS = 0,   /* src -> parts: each column in each block              */
    DC_CORRELATION_COLUMNS = 1, /* parts, anchors -> columns                            */
    DC_CORRELATION_PAIRS = 2,   /* src, columns -> nodes of each block, or the results  */
    DC_CORRELATION_FINISH = 3   /* columns, nodes -> results                            */
};

typedef struct dc_correlation_args {
    dc_i64 rows, cols;
    dc_i64 src_row, src_col;
    dc_i64 dst_i, dst_j, dst_field;
    dc_i64 dst2_i, dst2_j;
    dc_i64 leaves;       /* of all rows                                        */
    dc_i64 blocks;       /* of block_leaves leaves, the last may have fewer; >= 1 */
    dc_i64 block_leaves; /* a power of two                                     */
    dc_i64 min_periods, ddof;
    dc_i32 kind; /* DC_CORRELATION_COVARIANCE, ... */
    dc_i32 stage;
    dc_i32 given;        /* anchors are given: values are not scaled            */
    dc_i32 inf_is_value; /* columns with infinities have no result              */
    dc_i32 has_dst2;
    dc_i32 none;
} dc_correlation_args;

/* Bytes of the structs of correlation_pair.h, and of the nodes of a pair: fields, number of rows.
 */
enum {
    DC_CORRELATION_PART_f32 = 32,
    DC_CORRELATION_PART_f64 = 48,
    DC_CORRELATION_COLUMN_f32 = 24,
    DC_CORRELATION_COLUMN_f64 = 40
};

static inline float correlation_nan_f32(void)
{
    return DC_FLOAT_OF_BITS(0x7fc00000u);
}

static inline dc_i32 correlation_exponent_f32(float x)
{
    const dc_i32 e = (dc_i32)(DC_BITS_OF_FLOAT(x) >> 23 & 255);

    return e < 7 ? 7 : e > 247 ? 247 : e;
}

/* 2^(e - 127) */
static inline float correlation_power_f32(dc_i32 e)
{
    return DC_FLOAT_OF_BITS((dc_u32)e << 23);
}

#define CORRELATION_ONE_f32  254
#define CORRELATION_FLAT_f32 7.62939453125e-06f /* 128 * 2^-24 */

#ifdef DC_DIVIDE_HAS_F64
static inline dc_u64 correlation_bits_f64(double x)
{
#ifdef __OPENCL_VERSION__
    return as_ulong(x);
#else
    dc_u64 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
#endif
}

static inline double correlation_of_bits_f64(dc_u64 bits)
{
#ifdef __OPENCL_VERSION__
    return as_double(bits);
#else
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
#endif
}

static inline double correlation_nan_f64(void)
{
    return correlation_of_bits_f64((dc_u64)0x7ff8 << 48);
}

static inline dc_i32 correlation_exponent_f64(double x)
{
    const dc_i32 e = (dc_i32)(correlation_bits_f64(x) >> 52 & 2047);

    return e < 7 ? 7 : e > 2039 ? 2039 : e;
}

static inline double correlation_power_f64(dc_i32 e)
{
    return correlation_of_bits_f64((dc_u64)e << 52);
}

#define CORRELATION_ONE_f64  2046
#define CORRELATION_FLAT_f64 1.4210854715202004e-14 /* 128 * 2^-53 */
#endif

/* Leaves of a block. */
static inline dc_i64 correlation_leaves(const dc_correlation_args *args, dc_i64 block)
{
    const dc_i64 left = args->leaves - block * args->block_leaves;

    return left < args->block_leaves ? left : args->block_leaves;
}

/* Rows of a leaf. */
static inline dc_i32 correlation_rows(const dc_correlation_args *args, dc_i64 leaf)
{
    const dc_i64 left = args->rows - leaf * DC_CORRELATION_LEAF;

    return (dc_i32)(left < DC_CORRELATION_LEAF ? left : DC_CORRELATION_LEAF);
}

#endif
