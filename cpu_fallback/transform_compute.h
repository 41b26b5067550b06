/* Rearranged cubes: rows that compute, in float and double.  A template of T and SFX, part of
 * cpu_fallback/transform.c. */
#ifndef DC_CPU_TRANSFORM_COMPUTE_H
#define DC_CPU_TRANSFORM_COMPUTE_H

#include "cpu_fallback/transform_tile.h"

static void FN(compute_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_transform_args *const a = args;

    memset(tiling, 0, sizeof *tiling);
    transform_rows_plan(a, (dc_i64)sizeof(T), tiling);
    tiling->work = a->count * (dc_i64)sizeof(T) / 4 + 1;
    transform_bypass(a, machine, 1, tiling);
}

/* ---- differences -------------------------------------------------------------------------------
 */

typedef struct FN(differing) {
    const FN(any) * src;
    dc_i64 step, older_step; /* of the last axis */
} FN(differing);

DC_INLINE void FN(diff_fill)(const void *work, const transform_cursor *row, dc_i64 i, dc_i64 n,
                             FN(any) * out)
{
    const FN(differing) *const w = work;
    const FN(any) *const x = w->src + row->at[VIEW_SRC] + i * w->step;
    const FN(any) *const older = w->src + row->at[VIEW_MORE] + i * w->older_step;
    dc_i64 k = 0;

    if (w->step == 1 && w->older_step == 1)
        for (; k + VEC_LANES <= n; k += VEC_LANES) {
            const FN(vec) d =
                FN(vloadu)((const FN(loose) *)x + k) - FN(vloadu)((const FN(loose) *)older + k);
            FN(vstoreu)((FN(loose) *)out + k, FN(vsel)(FN(visnan)(d), FN(vquiet)(), d));
        }
    for (; k < n; k++)
        out[k] = FN(transform_quiet)(x[k * w->step] - older[k * w->older_step]);
}

static void FN(transform_diff_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    FN(compute_plan)(args, machine, tiling);
}

static void FN(transform_diff)(void *const *operand, const void *args, const dc_tiling *tiling,
                               dc_i64 tile, void *scratch)
{
    const dc_transform_diff_args *const d = args;
    const dc_i32 last = d->map.ndim - 1;
    const FN(differing) work = {operand[0], d->map.src[last], d->older[last]};
    transform_views views = transform_views_of(&d->map);
    FN(sink) sink;

    views.stride[VIEW_MORE] = d->older;
    views.first[VIEW_MORE] = d->older_first;
    views.count = 3;
    FN(sink_open)(&sink, &d->map, tiling, operand[1], scratch);
    FN(rows_run)(FN(diff_fill), &work, &d->map, &views, &sink, tiling, tile);
    if (sink.out.bypass)
        dc_vec_fence();
}

/* ---- scale, offset, limits ---------------------------------------------------------------------
 */

typedef struct FN(scaling) {
    const FN(any) * src;
    const FN(any) * by[DC_AFFINE_COEFFICIENTS]; /* NULL: absent */
    dc_i64 step, by_step[DC_AFFINE_COEFFICIENTS];
    int lanes; /* 1: every view is dense or constant along the last axis */
} FN(scaling);

DC_INLINE FN(vec) FN(affine_lanes)(FN(vec) x, const FN(vec) * by, unsigned has)
{
    if (has & 1u << DC_AFFINE_SCALE)
        x = x * by[DC_AFFINE_SCALE];
    if (has & 1u << DC_AFFINE_OFFSET)
        x = x + by[DC_AFFINE_OFFSET];
    if (has & 1u << DC_AFFINE_LOW)
        x = FN(vsel)(FN(vlt)(x, by[DC_AFFINE_LOW]), by[DC_AFFINE_LOW], x);
    if (has & 1u << DC_AFFINE_HIGH)
        x = FN(vsel)(FN(vlt)(by[DC_AFFINE_HIGH], x), by[DC_AFFINE_HIGH], x);
    return FN(vsel)(FN(visnan)(x), FN(vquiet)(), x);
}

static T FN(affine_one)(const FN(scaling) * w, const transform_cursor *row, T x, dc_i64 i)
{
    T by[DC_AFFINE_COEFFICIENTS];

    for (int k = 0; k < DC_AFFINE_COEFFICIENTS; k++)
        by[k] = w->by[k] ? w->by[k][row->at[VIEW_MORE + k] + i * w->by_step[k]] : 0;
    if (w->by[DC_AFFINE_SCALE])
        x = x * by[DC_AFFINE_SCALE];
    if (w->by[DC_AFFINE_OFFSET])
        x = x + by[DC_AFFINE_OFFSET];
    if (w->by[DC_AFFINE_LOW])
        x = x < by[DC_AFFINE_LOW] ? by[DC_AFFINE_LOW] : x;
    if (w->by[DC_AFFINE_HIGH])
        x = x > by[DC_AFFINE_HIGH] ? by[DC_AFFINE_HIGH] : x;
    return FN(transform_quiet)(x);
}

DC_INLINE void FN(affine_fill)(const void *work, const transform_cursor *row, dc_i64 i, dc_i64 n,
                               FN(any) * out)
{
    const FN(scaling) *const w = work;
    const FN(any) *const x = w->src + row->at[VIEW_SRC] + i * w->step;
    FN(vec) by[DC_AFFINE_COEFFICIENTS];
    unsigned has = 0, vary = 0;
    dc_i64 done = 0;

    if (w->lanes && n >= VEC_LANES) {
        for (int k = 0; k < DC_AFFINE_COEFFICIENTS; k++) {
            by[k] = FN(vzero)();
            if (!w->by[k])
                continue;
            has |= 1u << k;
            vary |= (unsigned)(w->by_step[k] != 0) << k;
            by[k] = FN(vset)(w->by[k][row->at[VIEW_MORE + k]]);
        }
        const FN(vec) all = w->step ? FN(vzero)() : FN(vset)(*x);
        for (; done + VEC_LANES <= n; done += VEC_LANES) {
            for (int k = 0; k < DC_AFFINE_COEFFICIENTS; k++)
                if (vary & 1u << k)
                    by[k] =
                        FN(vloadu)((const FN(loose) *)w->by[k] + row->at[VIEW_MORE + k] + i + done);
            const FN(vec) v = w->step ? FN(vloadu)((const FN(loose) *)x + done) : all;
            FN(vstoreu)((FN(loose) *)out + done, FN(affine_lanes)(v, by, has));
        }
    }
    for (; done < n; done++)
        out[done] = FN(affine_one)(w, row, x[done * w->step], i + done);
}

static void FN(transform_affine_plan)(const void *args, const dc_machine *machine,
                                      dc_tiling *tiling)
{
    FN(compute_plan)(args, machine, tiling);
}

static void FN(transform_affine)(void *const *operand, const void *args, const dc_tiling *tiling,
                                 dc_i64 tile, void *scratch)
{
    const dc_transform_affine_args *const f = args;
    const dc_i32 last = f->map.ndim - 1;
    FN(scaling) work = {.src = operand[0], .step = f->map.src[last]};
    transform_views views = transform_views_of(&f->map);
    FN(sink) sink;

    work.lanes = work.step == 0 || work.step == 1;
    for (int k = 0; k < DC_AFFINE_COEFFICIENTS; k++) {
        views.stride[VIEW_MORE + k] = f->by[k];
        views.first[VIEW_MORE + k] = f->by_first[k];
        work.by[k] = f->has[k] ? operand[1 + k] : NULL;
        work.by_step[k] = f->by[k][last];
        work.lanes &= work.by_step[k] == 0 || work.by_step[k] == 1;
    }
    views.count = VIEW_MORE + DC_AFFINE_COEFFICIENTS;
    FN(sink_open)(&sink, &f->map, tiling, operand[1 + DC_AFFINE_COEFFICIENTS], scratch);
    FN(rows_run)(FN(affine_fill), &work, &f->map, &views, &sink, tiling, tile);
    if (sink.out.bypass)
        dc_vec_fence();
}

/* ---- batches with noise ------------------------------------------------------------------------
 */

static transform_views FN(batch_views)(const dc_transform_batch_args *b)
{
    transform_views views = transform_views_of(&b->map);

    views.stride[VIEW_NOISY] = b->noisy;
    views.first[VIEW_NOISY] = b->noisy_first;
    views.stride[VIEW_PLACE] = b->place;
    views.first[VIEW_PLACE] = b->place_first;
    views.count = 4;
    views.paired = 1;
    return views;
}

static void FN(transform_batch_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_transform_batch_args *const b = args;
    const transform_views views = FN(batch_views)(b);

    transform_move_plan(&b->map, &views, machine, 2, tiling);
    /* As random_normal, in hundredths of a nanosecond with 64-byte registers. */
    tiling->work += b->map.count / 100 * (sizeof(T) == 4 ? 65 : 250) * (64 / machine->lanes_bytes);
}

static void FN(transform_batch)(void *const *operand, const void *args, const dc_tiling *tiling,
                                dc_i64 tile, void *scratch)
{
    const dc_transform_batch_args *const b = args;
    const transform_views views = FN(batch_views)(b);
    const dc_random_args random = b->random; /* no store can change it */
    FN(sink) sink;

    FN(sink_open)(&sink, &b->map, tiling, operand[1], scratch);
    sink.out.paired = 1;
    sink.out.noisy = operand[2];
    sink.out.noisy_step = b->noisy[b->map.ndim - 1];
    sink.out.place_step = b->place[b->map.ndim - 1];
    sink.out.random = &random;
    sink.out.frame = random_frame_of(&random);
    FN(move_run)(operand[0], &b->map, &views, &sink, tiling, tile, scratch);
}

#endif
