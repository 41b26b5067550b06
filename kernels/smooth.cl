/* Smoothing and standardising on a device.  Compiled once per dtype with T (float, double) and SFX
 * (f32, f64).
 *
 * Filters: one work-item for each result.  Groups: a work-group takes some of them, 16 columns of
 * some leaves of each side by side. */
#include "dualcube/kinds.h"
#include "kernels/shared/smooth.h"

#define KEEP_f32(a)  (a)->keep32
#define KEEP_f64(a)  (a)->keep64
#define BLEND_f32(a) (a)->blend32
#define BLEND_f64(a) (a)->blend64
#define VALUE_f32(a) (a)->value32
#define VALUE_f64(a) (a)->value64

/* Where a work-item stands. */
typedef struct team {
    int me, line, leaf, column;         /* of its group, of the round's leaves, of the leaf  */
    int leaves, column_step, leaf_step; /* leaves of a round; work-items to the next         */
    int line_first;                     /* the line's first work-item                        */
} team;

static team team_of(const dc_launch *part)
{
    const int lines = (int)part->p[0], leaves = (int)part->p[1], line_fast = (int)part->p[2];
    team t;

    t.me = (int)get_local_id(0);
    t.leaves = leaves;
    if (line_fast) {
        t.line = t.me % lines;
        t.column = t.me / lines % DC_SMOOTH_COLUMNS;
        t.leaf = t.me / lines / DC_SMOOTH_COLUMNS;
        t.column_step = lines;
        t.line_first = t.line;
    } else {
        t.column = t.me % DC_SMOOTH_COLUMNS;
        t.leaf = t.me / DC_SMOOTH_COLUMNS % leaves;
        t.line = t.me / DC_SMOOTH_COLUMNS / leaves;
        t.column_step = 1;
        t.line_first = t.line * DC_SMOOTH_COLUMNS * leaves;
    }
    t.leaf_step = t.column_step * DC_SMOOTH_COLUMNS;
    return t;
}

/* One column of one leaf. */
static T FN(column)(const dc_smooth_args *args, __global const T *src, int pass, T a, T p,
                    dc_i64 first)
{
    T sum = 0;

    for (int k = 0; k < DC_SMOOTH_LEAF; k += DC_SMOOTH_COLUMNS) {
        dc_i64 other;

        if (first + k >= args->n)
            break;
        const T x = src[smooth_value_at(args, first + k, &other)];

        if (!args->omit_nan || x == x)
            sum += FN(smooth_pass)(pass, x, a, p);
    }
    return sum;
}

/* The sum over a group, in all its work-items. */
static T FN(total)(const dc_smooth_args *args, const team *t, __global const T *src, int pass, T a,
                   T p, __local T *room)
{
    const dc_i64 round_values = (dc_i64)t->leaves * DC_SMOOTH_LEAF;
    T waiting[DC_SMOOTH_DEPTH], sum = 0;
    int top = 0;

    for (dc_i64 round = 0; round * round_values < args->n; round++) {
        room[t->me] = FN(column)(args, src, pass, a, p,
                                 round * round_values + t->leaf * DC_SMOOTH_LEAF + t->column);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int step = 1; step < t->leaves; step *= 2) {
            if (t->leaf % (2 * step) == 0)
                room[t->me] += room[t->me + step * t->leaf_step];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        if (t->leaf == 0) {
            sum = room[t->me];
            for (dc_i64 i = round; i & 1; i >>= 1)
                sum = waiting[--top] + sum;
            waiting[top++] = sum;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (t->leaf == 0) {
        sum = waiting[--top];
        while (top > 0)
            sum = waiting[--top] + sum;
        room[t->me] = sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int apart = DC_SMOOTH_COLUMNS / 2; apart > 0; apart /= 2) {
        if (t->leaf == 0 && t->column < apart)
            room[t->me] += room[t->me + apart * t->column_step];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    sum = room[t->line_first];
    barrier(CLK_LOCAL_MEM_FENCE);
    return sum;
}

/* How many values are no NaN; *first: the first of them (none: value 0). */
static dc_i64 FN(valid)(const dc_smooth_args *args, const team *t, __global const T *src, T *first,
                        __local dc_i64 *room)
{
    const int team_size = t->leaves * DC_SMOOTH_COLUMNS;
    dc_i64 count = 0, place = args->n, other;

    if (!args->omit_nan) {
        *first = src[0];
        return args->n;
    }
    for (dc_i64 j = t->leaf * DC_SMOOTH_COLUMNS + t->column; j < args->n; j += team_size) {
        const T x = src[smooth_value_at(args, j, &other)];

        if (x == x && count++ == 0)
            place = j;
    }
    room[2 * t->me] = count;
    room[2 * t->me + 1] = place;
    barrier(CLK_LOCAL_MEM_FENCE);
    count = 0;
    for (int i = 0; i < team_size; i++) {
        const int it = t->line_first + i * t->column_step;

        count += room[2 * it];
        place = room[2 * it + 1] < place ? room[2 * it + 1] : place;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    *first = src[smooth_value_at(args, place < args->n ? place : 0, &other)];
    return count;
}

/* p and q of a group (smooth_result), in all its work-items. */
static void FN(mean_of)(const dc_smooth_args *args, const team *t, __global const T *src, T *a,
                        T *p, T *q, __local dc_i64 *room)
{
    const dc_i64 n = FN(valid)(args, t, src, a, room);
    const T sum = FN(total)(args, t, src, DC_SMOOTH_PASS_VALUE, 0, 0, (__local T *)room);

    *p = DC_CAT(KEEP, SFX)(args);
    *q = DC_CAT(BLEND, SFX)(args) * DC_CAT(dc_div, SFX)(sum, (T)n);
}

static void FN(standard_of)(const dc_smooth_args *args, const team *t, __global const T *src, T *a,
                            T *p, T *q, __local dc_i64 *room)
{
    T sum;
    const dc_i64 n = FN(valid)(args, t, src, a, room);

    sum = FN(total)(args, t, src, DC_SMOOTH_PASS_SHIFT, *a, 0, (__local T *)room);
    *p = DC_CAT(dc_div, SFX)(sum, (T)n);
    sum = FN(total)(args, t, src, DC_SMOOTH_PASS_SQUARE, *a, *p, (__local T *)room);
    *q = FN(smooth_scale)(sum, n, args->ddof);
}

static void FN(range_of)(const dc_smooth_args *args, const team *t, __global const T *src, T *a,
                         T *p, T *q, __local T *room)
{
    const int team_size = t->leaves * DC_SMOOTH_COLUMNS;
    T low = INFINITY, high = -INFINITY, nan = 0;

    for (dc_i64 j = t->leaf * DC_SMOOTH_COLUMNS + t->column; j < args->n; j += team_size) {
        dc_i64 other;
        const T x = src[smooth_value_at(args, j, &other)];

        low = x < low ? x : low;
        high = x > high ? x : high;
        nan = x == x ? nan : 1;
    }
    room[3 * t->me] = low;
    room[3 * t->me + 1] = high;
    room[3 * t->me + 2] = nan;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < team_size; i++) {
        const int it = 3 * (t->line_first + i * t->column_step);

        low = room[it] < low ? room[it] : low;
        high = room[it + 1] > high ? room[it + 1] : high;
        nan = room[it + 2] > nan ? room[it + 2] : nan;
    }
    if (nan != 0 && !args->omit_nan)
        low = FN(smooth_quiet)((T)NAN);
    *a = 0;
    low = low + 0; /* -0 becomes +0 */
    high = high + 0;
    *p = low;
    *q = high - low == 0 ? 1 : high - low;
}

#define GROUP_ROW(row, kind, numbers, room_type)                                                   \
    __kernel void FN(row)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,    \
                          dc_smooth_args args, dc_launch part, __local dc_i64 *room)               \
    {                                                                                              \
        const team t = team_of(&part);                                                             \
        const dc_i64 group = (dc_i64)get_group_id(0) * part.p[0] + t.line;                         \
        const dc_i64 mine = group < args.groups ? group : args.groups - 1;                         \
        dc_i64 to, from;                                                                           \
        T a, p, q;                                                                                 \
                                                                                                   \
        src += src_at + smooth_group_at(&args, mine, &to);                                         \
        dst += dst_at + to;                                                                        \
        FN(numbers)(&args, &t, src, &a, &p, &q, (__local room_type *)room);                        \
        if (group >= args.groups)                                                                  \
            return;                                                                                \
        for (dc_i64 j = t.leaf * DC_SMOOTH_COLUMNS + t.column; j < args.n;                         \
             j += t.leaves * DC_SMOOTH_COLUMNS) {                                                  \
            from = smooth_value_at(&args, j, &to);                                                 \
            dst[to] = FN(smooth_result)(kind, src[from], a, p, q);                                 \
        }                                                                                          \
    }

GROUP_ROW(smooth_mean, DC_SMOOTH_MEAN, mean_of, dc_i64)
GROUP_ROW(smooth_standardize, DC_SMOOTH_STANDARDIZE, standard_of, dc_i64)
GROUP_ROW(smooth_minmax, DC_SMOOTH_MINMAX, range_of, T)

/* ---- filters ------------------------------------------------------------------------------- */

/* Neighbouring work-items have neighbouring results: place i of a group. */
static dc_i64 result_of(const dc_smooth_args *args, dc_i64 index, dc_i64 *i)
{
    const dc_i64 lead = args->shape[args->naxes - 1], along = args->group_dst[0],
                 across = args->dst_stride[args->naxes - 1];
    dc_i64 outer;

    if (lead == 1 || (along < 0 ? -along : along) < (across < 0 ? -across : across)) {
        *i = index % args->n;
        return index / args->n;
    }
    outer = index / lead;
    *i = outer % args->n;
    return outer / args->n * lead + index % lead;
}

static T FN(at)(const dc_smooth_args *args, __global const T *src, dc_i64 i)
{
    const dc_i64 place = smooth_edge(i, args->n, args->edges);

    return place < 0 ? DC_CAT(VALUE, SFX)(args) : src[place * args->group_src[0]];
}

/* The oldest value comes first; blocks of equal size are added as soon as there are two. */
__kernel void FN(smooth_moving)(__global const T *src, dc_i64 src_at, __global T *dst,
                                dc_i64 dst_at, dc_smooth_args args, dc_launch part)
{
    T waiting[DC_SMOOTH_WINDOW_LOG + 1], sum;
    dc_i64 i, to;
    int top = 0;

    if ((dc_i64)get_global_id(0) >= part.p[0])
        return;
    src += src_at + smooth_group_at(&args, result_of(&args, (dc_i64)get_global_id(0), &i), &to);
    for (dc_i64 k = 0; k < args.window; k++) {
        sum = FN(at)(&args, src, i - args.left + k);
        for (dc_i64 it = k; it & 1; it >>= 1)
            sum = waiting[--top] + sum;
        waiting[top++] = sum;
    }
    sum = waiting[--top];
    while (top > 0)
        sum = waiting[--top] + sum;
    dst[dst_at + to + i * args.group_dst[0]] =
        FN(smooth_quiet)(DC_CAT(dc_div, SFX)(sum, (T)args.window));
}

__kernel void FN(smooth_gaussian)(__global const T *src, dc_i64 src_at, __global T *dst,
                                  dc_i64 dst_at, __global const T *weight, dc_smooth_args args,
                                  dc_launch part)
{
    dc_i64 i, to;
    T y;

    if ((dc_i64)get_global_id(0) >= part.p[0])
        return;
    src += src_at + smooth_group_at(&args, result_of(&args, (dc_i64)get_global_id(0), &i), &to);
    y = src[i * args.group_src[0]] * weight[0];
    for (dc_i64 k = 1; k <= args.left; k++) {
        const T pair = FN(at)(&args, src, i - k) + FN(at)(&args, src, i + k);

        y = y + pair * weight[k];
    }
    dst[dst_at + to + i * args.group_dst[0]] = FN(smooth_quiet)(y);
}
