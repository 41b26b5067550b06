/* Nodes of the tree and the results made of them, one at a time: OpenCL C and C.  A template of T
 * (float, double) and SFX (f32, f64), included once per dtype, hence no guard. */
#include "kernels/shared/divide.h"
#include "kernels/shared/reduce.h"

/* What a kind does not use stays as reduce_none makes it. */
typedef struct FN(reduce_node) {
    dc_i64 n;   /* values, of *_FINITE finite ones; MIN, MAX, EXTENT: any number > 0 stands for
                   "some" where min_count is 1                                                  */
    dc_i64 row; /* ARG*: of the best, -1: none                                                  */
    dc_i64 bad; /* row of the first NaN (MIN, MAX, EXTENT: of some), -1: none; PROPAGATE only   */
    T a;        /* sum; VAR: anchor; MIN, EXTENT, ARGMIN: least; MAX, ARGMAX: largest           */
    T m;        /* VAR: mean less anchor; EXTENT: largest                                       */
    T s;        /* VAR: squared deviations                                                      */
} FN(reduce_node);

#define REDUCE_DIV  DC_CAT(dc_div, SFX)
#define REDUCE_ROOT DC_CAT(dc_sqrt, SFX)

static inline T FN(reduce_infinity)(void)
{
    return (T)INFINITY;
}

/* A computed NaN becomes the one quiet NaN. */
static inline T FN(reduce_quieted)(T x)
{
    return x == x ? x : FN(reduce_nan)();
}

static inline int FN(reduce_is_moments)(int kind)
{
    return kind == DC_REDUCE_VAR || kind == DC_REDUCE_STD || kind == DC_REDUCE_MOMENTS;
}

static inline int FN(reduce_is_least)(int kind)
{
    return kind == DC_REDUCE_MIN || kind == DC_REDUCE_EXTENT || kind == DC_REDUCE_ARGMIN;
}

static inline int FN(reduce_is_most)(int kind)
{
    return kind == DC_REDUCE_MAX || kind == DC_REDUCE_ARGMAX;
}

/* The identity of the merge. */
static inline FN(reduce_node) FN(reduce_none)(int kind)
{
    FN(reduce_node) none;

    none.n = 0;
    none.row = none.bad = -1;
    none.a = none.m = none.s = 0;
    if (FN(reduce_is_least)(kind))
        none.a = FN(reduce_infinity)();
    if (FN(reduce_is_most)(kind))
        none.a = -FN(reduce_infinity)();
    if (kind == DC_REDUCE_EXTENT)
        none.m = -FN(reduce_infinity)();
    return none;
}

/* One row. */
static inline FN(reduce_node) FN(reduce_one)(int kind, int propagate, T x, dc_i64 row)
{
    FN(reduce_node) one = FN(reduce_none)(kind);
    const int finite = x - x == 0;

    if (kind == DC_REDUCE_ANY_FINITE || kind == DC_REDUCE_ALL_FINITE) {
        one.n = finite;
        return one;
    }
    if (x != x) {
        one.bad = propagate ? row : -1;
        return one;
    }
    one.n = 1;
    one.row = row;
    one.a = one.m = x;
    return one;
}

static inline FN(reduce_node) FN(reduce_merge_moments)(FN(reduce_node) old, FN(reduce_node) new_)
{
    const int older = old.n >= new_.n;
    const FN(reduce_node) big = older ? old : new_, small_ = older ? new_ : old;
    FN(reduce_node) both = big;
    T d, w;

    if (small_.n == 0)
        return big;
    both.n = big.n + small_.n;
    d = (small_.a - big.a) + (small_.m - big.m);
    w = REDUCE_DIV((T)small_.n, (T)both.n);
    both.m = big.m + d * w;
    both.s = (old.s + new_.s) + (d * d) * ((T)big.n * w);
    return both;
}

static inline FN(reduce_node) FN(reduce_merge)(int kind, FN(reduce_node) old, FN(reduce_node) new_)
{
    FN(reduce_node) both = old;

    if (FN(reduce_is_moments)(kind))
        return FN(reduce_merge_moments)(old, new_);
    both.n = old.n + new_.n;
    both.bad = old.bad >= 0 ? old.bad : new_.bad;
    if (kind == DC_REDUCE_SUM || kind == DC_REDUCE_MEAN) {
        both.a = old.a + new_.a;
    } else if (FN(reduce_is_least)(kind) || FN(reduce_is_most)(kind)) {
        /* of as many an infinity may be no value at all */
        const int takes = FN(reduce_is_least)(kind) ? new_.a < old.a : new_.a > old.a;

        both.a = takes ? new_.a : old.a;
        both.row = old.row < 0 || (takes && new_.row >= 0) ? new_.row : old.row;
        both.m = new_.m > old.m ? new_.m : old.m;
    }
    return both;
}

/* n >= min_count is for the caller to check where a kind asks for it. */
static inline T FN(reduce_variance)(const FN(reduce_node) * node, dc_i64 ddof)
{
    if (node->n <= ddof)
        return FN(reduce_nan)();
    return REDUCE_DIV(node->s, (T)(node->n - ddof));
}

/* Number i of the values that a result has; whole numbers are in reduce_whole. */
static inline T FN(reduce_value)(const dc_reduce_args *args, const FN(reduce_node) * node, int i)
{
    T x = node->a;

    if (args->kind == DC_REDUCE_MOMENTS && i == 0)
        return (T)node->n;
    if (node->n < args->min_count || (args->propagate && node->bad >= 0))
        return FN(reduce_nan)();
    if (args->kind == DC_REDUCE_MEAN)
        x = REDUCE_DIV(node->a, (T)node->n);
    else if (args->kind == DC_REDUCE_MOMENTS && i == 1)
        x = node->a + node->m;
    else if (FN(reduce_is_moments)(args->kind))
        x = FN(reduce_variance)(node, args->ddof);
    else if (args->kind == DC_REDUCE_EXTENT && i == 1)
        x = node->m;
    if (args->kind == DC_REDUCE_STD)
        x = REDUCE_ROOT(x);
    return FN(reduce_quieted)(x + 0); /* -0 is +0 */
}

/* COUNT, ARG*, *_FINITE; `rows`: how many there were. */
static inline dc_i64 FN(reduce_whole)(const dc_reduce_args *args, const FN(reduce_node) * node,
                                      dc_i64 rows)
{
    switch (args->kind) {
    case DC_REDUCE_ANY_FINITE:
        return node->n > 0;
    case DC_REDUCE_ALL_FINITE:
        return node->n == rows;
    case DC_REDUCE_ARGMIN:
    case DC_REDUCE_ARGMAX:
        return args->propagate && node->bad >= 0 ? node->bad : node->row;
    default:
        return node->n;
    }
}

static inline T FN(reduce_weight)(const dc_reduce_place *p)
{
    return (T)p->part * FN(reduce_power)(-p->shift);
}

static inline T FN(reduce_between)(T lo, T hi, const dc_reduce_place *p, int interpolation)
{
    const T half_ = (T)0.5, w = p->part ? FN(reduce_weight)(p) : (T)0;
    const T sum = lo + hi, gap = hi - lo;

    if (lo == hi || p->part == 0)
        return lo;
    if (interpolation == DC_QUANTILE_MIDPOINT)
        return FN(reduce_quieted)((sum - sum == 0 ? sum * half_ : lo * half_ + hi * half_) + 0);
    return FN(reduce_quieted)((gap - gap == 0 ? lo + gap * w : lo * (1 - w) + hi * w) + 0);
}
