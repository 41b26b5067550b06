/* Scaling on the CPU: counts.  A tile is some counts side by side, with all the values that they
 * are made of. */
#ifndef DC_CPU_SCALE_COUNT_H
#define DC_CPU_SCALE_COUNT_H

#include "kernels/shared/mirror.h"
#include "kernels/shared/scale_value.h"
#include "kernels/shared/vec.h"

enum { SCALE_COUNTS = 16 }; /* side by side */

/* Value v of count j, from the first of a line. */
static inline dc_i64 scale_count_at(const dc_scale_args *a, int k, dc_i64 v, dc_i64 j)
{
    return j * a->stride[k][a->ndim - 1] +
           (a->reduced ? v * a->stride[k][a->ndim + a->reduced - 1] : 0);
}

/* How many of n values `step` apart count, with one pair of numbers. */
DC_INLINE dc_i64 FN(scale_count_along)(const dc_scale_args *args, const FN(loose) * x, dc_i64 step,
                                       dc_i64 n, T low, T high)
{
    const dc_scale_args a = *args;
    dc_i64 count = 0;

    if (a.count_what == DC_SCALE_COUNT_MISSING)
        for (dc_i64 v = 0; v < n; v++)
            count += x[v * step] != x[v * step];
    else if (a.count_what == DC_SCALE_COUNT_OUTSIDE)
        for (dc_i64 v = 0; v < n; v++)
            count += (x[v * step] < low) | (high < x[v * step]);
    else
        for (dc_i64 v = 0; v < n; v++)
            count +=
                FN(scale_counted)(x[v * step], low, high, a.count_what, a.format, a.least, a.most);
    return count;
}

/* One value of each of n counts, `step` apart. */
DC_INLINE void FN(scale_count_across)(const dc_scale_args *a, const FN(loose) * x, dc_i64 step,
                                      dc_i64 n, const T *low, const T *high, dc_i64 *sum)
{
    if (a->count_what == DC_SCALE_COUNT_MISSING)
        for (dc_i64 j = 0; j < n; j++)
            sum[j] += x[j * step] != x[j * step];
    else if (a->count_what == DC_SCALE_COUNT_OUTSIDE)
        for (dc_i64 j = 0; j < n; j++)
            sum[j] += (x[j * step] < low[j]) | (high[j] < x[j * step]);
    else
        for (dc_i64 j = 0; j < n; j++)
            sum[j] += FN(scale_counted)(x[j * step], low[j], high[j], a->count_what, a->format,
                                        a->least, a->most);
}

/* n values of each of SCALE_COUNTS counts that lie side by side, missing or outside. */
static void FN(scale_count_lanes)(int what, const FN(loose) * x, dc_i64 step, dc_i64 n,
                                  const T *low, const T *high, dc_i64 *sum)
{
    enum { REGISTERS = SCALE_COUNTS / VEC_LANES, EXACT = 1 << 30 };
    FN(vec) from[REGISTERS], to[REGISTERS];

    for (int r = 0; r < REGISTERS; r++) {
        from[r] = FN(vloadu)(low + r * VEC_LANES);
        to[r] = FN(vloadu)(high + r * VEC_LANES);
    }
    for (dc_i64 v = 0; v < n;) {
        const dc_i64 end = n - v < EXACT ? n : v + EXACT; /* as far as counters are exact */
        FN(cvec) count[REGISTERS] = {{0}};

        for (; v < end; v++)
            for (int r = 0; r < REGISTERS; r++) {
                const FN(vec) here = FN(vloadu)(x + v * step + r * VEC_LANES);
                const FN(mask) out = what == DC_SCALE_COUNT_MISSING
                                         ? FN(visnan)(here)
                                         : FN(mor)(FN(vlt)(here, from[r]), FN(vlt)(to[r], here));
                count[r] = FN(cinc)(count[r], out);
            }
        for (int k = 0; k < SCALE_COUNTS; k++)
            sum[k] += (dc_i64)count[k / VEC_LANES][k % VEC_LANES];
    }
}

/* The numbers of value v of each count. */
static void FN(scale_count_numbers)(const dc_scale_args *a, const FN(loose) *const *from, dc_i64 v,
                                    dc_i64 counts, T *low, T *high)
{
    for (dc_i64 j = 0; j < counts; j++) {
        low[j] = from[DC_SCALE_A] ? from[DC_SCALE_A][scale_count_at(a, DC_SCALE_A, v, j)]
                                  : SCALE_VALUE(a, DC_SCALE_A);
        high[j] = from[DC_SCALE_B] ? from[DC_SCALE_B][scale_count_at(a, DC_SCALE_B, v, j)]
                                   : SCALE_VALUE(a, DC_SCALE_B);
    }
}

/* One line of values, the innermost axis of those that are summed over, into `counts` counts. */
static void FN(scale_count_line)(const dc_scale_args *args, const FN(loose) *const *from,
                                 dc_i64 counts, dc_i64 *sum)
{
    const dc_scale_args a = *args;
    const int axis = a.ndim + a.reduced - 1;
    const dc_i64 n = a.reduced ? a.shape[axis] : 1;
    const dc_i64 step = a.reduced ? a.stride[DC_SCALE_X][axis] : 0;
    const dc_i64 next = a.stride[DC_SCALE_X][a.ndim - 1];
    const int vary = a.reduced && (a.stride[DC_SCALE_A][axis] || a.stride[DC_SCALE_B][axis]);
    const FN(loose) *const x = from[DC_SCALE_X];
    T low[SCALE_COUNTS], high[SCALE_COUNTS];

    FN(scale_count_numbers)(&a, from, 0, counts, low, high);
    if (!vary && (counts == 1 || step == 1)) {
        for (dc_i64 j = 0; j < counts; j++)
            sum[j] += step == 1 ? FN(scale_count_along)(&a, x + j * next, 1, n, low[j], high[j])
                                : FN(scale_count_along)(&a, x + j * next, step, n, low[j], high[j]);
        return;
    }
    if (!vary && next == 1 && counts == SCALE_COUNTS && a.count_what != DC_SCALE_COUNT_SATURATED) {
        FN(scale_count_lanes)(a.count_what, x, step, n, low, high, sum);
        return;
    }
    for (dc_i64 v = 0; v < n; v++) {
        if (vary)
            FN(scale_count_numbers)(&a, from, v, counts, low, high);
        if (next == 1)
            FN(scale_count_across)(&a, x + v * step, 1, counts, low, high, sum);
        else
            FN(scale_count_across)(&a, x + v * step, next, counts, low, high, sum);
    }
}

static void FN(scale_count)(void *const *operand, const void *args, const dc_tiling *tiling,
                            dc_i64 tile, void *scratch)
{
    const dc_scale_args *const a = args;
    const int last = a->ndim - 1;
    const dc_i64 first = tile % tiling->part[0] * SCALE_COUNTS, left = a->shape[last] - first;
    const dc_i64 counts = left < SCALE_COUNTS ? left : SCALE_COUNTS;
    dc_i64 place[DC_SCALE_OPERANDS], sum[SCALE_COUNTS] = {0}, line = tile / tiling->part[0];
    const dc_i64 inner = a->reduced ? a->shape[a->ndim + a->reduced - 1] : 1;
    typedef dc_i64 put __attribute__((aligned(1), may_alias));
    put *const y = operand[DC_SCALE_Y];

    (void)scratch;
    for (int k = 0; k < DC_SCALE_OPERANDS; k++)
        place[k] = first * a->stride[k][last];
    for (int d = last - 1; d >= 0; d--) {
        const dc_i64 next = line / a->shape[d], digit = line - next * a->shape[d];

        for (int k = 0; k < DC_SCALE_OPERANDS; k++)
            place[k] += digit * a->stride[k][d];
        line = next;
    }
    for (dc_i64 v = 0; a->values > 0 && v < a->values / inner; v++) {
        const FN(loose) * from[3];
        dc_i64 rest = v;

        for (int k = DC_SCALE_X; k <= DC_SCALE_B; k++)
            from[k] = a->absent & 1 << k ? NULL : (const FN(loose) *)operand[k] + place[k];
        for (int d = a->ndim + a->reduced - 2; d >= a->ndim; d--) {
            const dc_i64 next = rest / a->shape[d], digit = rest - next * a->shape[d];

            for (int k = DC_SCALE_X; k <= DC_SCALE_B; k++)
                from[k] = from[k] ? from[k] + digit * a->stride[k][d] : NULL;
            rest = next;
        }
        FN(scale_count_line)(a, from, counts, sum);
    }
    for (dc_i64 j = 0; j < counts; j++)
        y[place[DC_SCALE_Y] + j * a->stride[DC_SCALE_Y][last]] = sum[j];
}

static void FN(scale_count_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_scale_args *const a = args;

    (void)machine;
    memset(tiling, 0, sizeof *tiling);
    tiling->part[0] = (a->shape[a->ndim - 1] + SCALE_COUNTS - 1) / SCALE_COUNTS;
    tiling->tiles = tiling->part[0] * (a->count / a->shape[a->ndim - 1]);
    tiling->work = a->count * a->values + 1;
}

#endif
