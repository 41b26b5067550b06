/* Spectra: the CPU mirror.  Compiled for each type (T, SFX).
 *
 * A lane for each window: VEC_LANES windows of one series, or one window each of so many series,
 * are transformed side by side, so that no value crosses a lane.  Tiles are some groups of windows;
 * for means, the chunks of one series or of a lane each; else some series. */
#include <math.h>
#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/vec.h"

#if DC_BITS_OF(SFX) == 32
#define SPECTRAL_FMA   fmaf
#define SPECTRAL_QUIET __builtin_nanf("")
#else
#define SPECTRAL_FMA   fma
#define SPECTRAL_QUIET __builtin_nan("")
#endif

#define SPECTRAL_VALUE     FN(vec)
#define SPECTRAL_SPLAT     FN(vset)
#define SPECTRAL_F         FN(vfma)
#define SPECTRAL_DIV(a, b) ((a) / (b))
#define SPECTRAL_ROOT      FN(vsqrt)
#define SPECTRAL_LESS      FN(vlt)
#define SPECTRAL_SAME      FN(veq)
#define SPECTRAL_PICK_IF   FN(vsel)
#define SPECTRAL_SPLIT     FN(spectral_split)
#define SPECTRAL_TWO_TO    FN(spectral_two_to)
#define SPECTRAL_GLOBAL
#define SPECTRAL_QUOTIENT(a, b) ((a) / (b))

/* m and e of x = m 2^e, from the place of sqrt(1/2) among the numbers. */
DC_INLINE FN(vec) FN(spectral_split)(FN(vec) x, FN(vec) * e)
{
#if DC_BITS_OF(SFX) == 32
    const FN(bits) bits = (FN(bits))x - 0x3f3504f3;

    *e = __builtin_convertvector(bits >> 23, FN(vec));
    return (FN(vec))((bits & 0x7fffff) + 0x3f3504f3);
#else
    const FN(bits) bits = (FN(bits))x - 0x3fe6a09e667f3bcd;

    /* bits >> 52 is small: 2^52 + 2^51 and it, as bits, less what was added */
    *e = (FN(vec))((bits >> 52) + 0x4338000000000000) - 0x1.8p52;
    return (FN(vec))((bits & 0xfffffffffffff) + 0x3fe6a09e667f3bcd);
#endif
}

/* 2^e of whole e, -64 <= e <= 0. */
DC_INLINE FN(vec) FN(spectral_two_to)(FN(vec) e)
{
#if DC_BITS_OF(SFX) == 32
    const FN(bits) whole = (FN(bits))(e + 0x1.8p23f) - 0x4b400000;

    return (FN(vec))((whole + 127) << 23);
#else
    const FN(bits) whole = (FN(bits))(e + 0x1.8p52) - 0x4338000000000000;

    return (FN(vec))((whole + 1023) << 52);
#endif
}

#include "kernels/shared/spectral_fft.h"

#include "kernels/shared/spectral_passes.h"

#include "kernels/shared/spectral_shape.h"

#include "kernels/shared/spectral_times.h"

#include "kernels/shared/spectral_period.h"

#ifndef DC_CPU_SPECTRAL_C
#define DC_CPU_SPECTRAL_C
/* tiling->part */
enum {
    SPECTRAL_SERIES_FAST, /* neighbouring lanes are neighbouring series, else windows           */
    SPECTRAL_RUN,         /* windows or series that groups do not cross                         */
    SPECTRAL_GROUPS,      /* groups of such a run                                               */
    SPECTRAL_EACH         /* groups, series of a tile                                           */
};

static inline dc_i64 spectral_div_up(dc_i64 a, dc_i64 b)
{
    return (a + b - 1) / b;
}
#endif

#include "cpu_fallback/spectral_lanes.h"

#include "cpu_fallback/spectral_begin.h"

#include "cpu_fallback/spectral_group.h"

#include "cpu_fallback/spectral_put.h"

#include "cpu_fallback/spectral_means.h"

#include "cpu_fallback/spectral_lags.h"

/* ---- cuts ---------------------------------------------------------------------------------- */

/* Registers of a group's room. */
static dc_i64 FN(spectral_room)(const dc_spectral_args *a)
{
    const dc_i64 planes = a->to == DC_SPECTRAL_TO_SUMS    ? a->planes
                          : a->to == DC_SPECTRAL_TO_CROSS ? 2
                                                          : 1;
    const dc_i64 given = a->stage == DC_SPECTRAL_SERIES && a->edge > a->bins ? a->edge : a->bins;
    const dc_i64 z = 2 * (a->core > a->nfft ? a->core : a->nfft);
    const dc_i64 sums = a->bins / DC_SPECTRAL_LEAF + 2 + DC_SPECTRAL_NUMBERS + a->list;

    return z + 4 * given + 4 + (planes * a->bins > a->nfft ? planes * a->bins : a->nfft) +
           planes * a->bins + sums + 2 * VEC_LANES + a->length;
}

static void FN(spectral_cut_windows)(const dc_spectral_args *a, dc_tiling *tiling)
{
    dc_i64 *const part = tiling->part;
    const dc_i64 lead = a->naxes ? a->shape[a->naxes - 1] : 1;
    const int rows = a->stage == DC_SPECTRAL_BINS; /* dense rows, window after window */
    const int beside = a->naxes && a->src_stride[a->naxes - 1] == 1 && lead > 1;
    const dc_i64 items = a->series * a->frames;

    part[SPECTRAL_SERIES_FAST] =
        !rows && a->frames > 0 &&
        (a->frames < VEC_LANES ? lead > a->frames : beside && (a->src_step != 1 || a->n == 1));
    part[SPECTRAL_RUN] = part[SPECTRAL_SERIES_FAST] ? lead : a->frames;
    if (part[SPECTRAL_RUN] < VEC_LANES)
        part[SPECTRAL_RUN] = part[SPECTRAL_SERIES_FAST] && a->frames > 1 ? a->series : items;
    part[SPECTRAL_GROUPS] = spectral_div_up(part[SPECTRAL_RUN], VEC_LANES);
    part[SPECTRAL_EACH] = 1 + 4096 / a->nfft;
    tiling->tiles =
        spectral_div_up(items / part[SPECTRAL_RUN] * part[SPECTRAL_GROUPS], part[SPECTRAL_EACH]);
}

/* A tile for each chunk of a series, or of a lane each. */
static void FN(spectral_cut_sums)(const dc_spectral_args *a, dc_tiling *tiling)
{
    dc_i64 *const part = tiling->part;
    const dc_i64 lead = a->naxes ? a->shape[a->naxes - 1] : 1;
    const int beside = a->naxes && a->src_stride[a->naxes - 1] == 1 && a->src_step != 1;

    part[SPECTRAL_SERIES_FAST] =
        a->stage != DC_SPECTRAL_BINS &&
        (a->frames < VEC_LANES / 2 ? a->series >= a->frames : beside && lead >= VEC_LANES / 2);
    part[SPECTRAL_RUN] = part[SPECTRAL_SERIES_FAST] ? (lead < VEC_LANES ? a->series : lead) : 1;
    part[SPECTRAL_GROUPS] = spectral_div_up(part[SPECTRAL_RUN], VEC_LANES);
    part[SPECTRAL_EACH] = 1;
    tiling->tiles = a->series / part[SPECTRAL_RUN] * part[SPECTRAL_GROUPS] * a->chunks;
}

static void FN(spectral_cut)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_spectral_args *const a = args;
    const dc_i64 values = a->series * a->frames * a->nfft;

    (void)machine;
    memset(tiling, 0, sizeof *tiling);
    tiling->work = values * (dc_i64)sizeof(T) / 4 + 1;
    tiling->scratch_bytes = FN(spectral_room)(a) * DC_VECTOR_BYTES;
    tiling->part[SPECTRAL_EACH] = 1;
    switch (a->stage) {
    case DC_SPECTRAL_LAGS:
        tiling->tiles = a->series;
        tiling->work = a->series * a->n * (a->lags + 4) / 8;
        tiling->scratch_bytes = (2 * (a->n + 2 * VEC_LANES) + a->lags + 1) * (dc_i64)sizeof(T);
        break;
    case DC_SPECTRAL_TIMES:
        tiling->tiles = a->series * spectral_div_up(a->bins, VEC_LANES);
        tiling->work = a->series * a->n * a->bins * 2;
        break;
    case DC_SPECTRAL_MEDIANS:
        tiling->tiles = a->series;
        tiling->work = a->series * a->bins * a->frames * 4;
        tiling->scratch_bytes = (a->frames + VEC_LANES) * DC_VECTOR_BYTES;
        break;
    case DC_SPECTRAL_MEANS:
    case DC_SPECTRAL_PEAKS:
        tiling->part[SPECTRAL_EACH] = 1 + 8192 / (a->bins * a->planes + 1);
        tiling->tiles = spectral_div_up(a->series, tiling->part[SPECTRAL_EACH]);
        tiling->work = a->series * a->bins;
        break;
    case DC_SPECTRAL_OVERLAP:
        tiling->part[SPECTRAL_EACH] = 16 * a->length;
        tiling->tiles = a->series * spectral_div_up(a->n, tiling->part[SPECTRAL_EACH]);
        break;
    default:
        if (a->to == DC_SPECTRAL_TO_SUMS && a->stage != DC_SPECTRAL_ROWS)
            FN(spectral_cut_sums)(a, tiling);
        else
            FN(spectral_cut_windows)(a, tiling);
    }
}

/* ---- tiles --------------------------------------------------------------------------------- */

/* What every group has, and its room. */
static FN(spectral_lanes)
    FN(spectral_lay)(const dc_spectral_args *a, void *const *operand, void *scratch)
{
    const int tables = a->stage == DC_SPECTRAL_BINS   ? !a->to_scratch
                       : a->stage == DC_SPECTRAL_ROWS ? 1
                                                      : a->inputs + !a->to_scratch;
    const dc_i64 given = a->stage == DC_SPECTRAL_SERIES && a->edge > a->bins ? a->edge : a->bins;
    FN(spectral_lanes) g = {.a = a, .value = operand[tables], .whole = operand[tables + 1]};

    g.z = scratch;
    g.x[0] = g.z + 2 * (a->core > a->nfft ? a->core : a->nfft);
    g.x[1] = g.x[0] + 2 * given + 2;
    g.sum = g.x[1] + 2 * given + 2;
    g.q = g.sum + a->bins / DC_SPECTRAL_LEAF + 2 + DC_SPECTRAL_NUMBERS + a->list;
    g.rows = g.z + FN(spectral_room)(a) - a->length;
    g.bad = FN(mnone)();
    return g;
}

/* Where window f of series s lies; the series' place among those of the last axis. */
typedef struct FN(spectral_cursor) {
    dc_i64 s, f, digit;
    dc_i64 from, other, to; /* elements: sample 0 of the series, result of its window 0 */
} FN(spectral_cursor);

static void FN(spectral_seek)(const dc_spectral_args *a, dc_i64 s, dc_i64 f,
                              FN(spectral_cursor) * at)
{
    at->s = s;
    at->f = f;
    at->digit = a->naxes ? s % a->shape[a->naxes - 1] : 0;
    at->from = spectral_series_at(a, s, &at->other, &at->to);
}

/* The next series, its window f. */
DC_INLINE void FN(spectral_next_series)(const dc_spectral_args *a, dc_i64 f,
                                        FN(spectral_cursor) * at)
{
    const int last = a->naxes - 1;

    if (last < 0 || at->digit + 1 == a->shape[last]) {
        FN(spectral_seek)(a, at->s + 1, f, at);
        return;
    }
    at->s++;
    at->digit++;
    at->f = f;
    at->from += a->src_stride[last];
    at->other += a->other_stride[last];
    at->to += a->dst_stride[last];
}

/* Lane l is the window that `at` stands at.  operand: as the stage has it. */
static void FN(spectral_place_lane)(FN(spectral_lanes) * g, void *const *operand, int l,
                                    const FN(spectral_cursor) * at)
{
    const dc_spectral_args *const a = g->a;
    const int results = a->stage == DC_SPECTRAL_BINS ? (a->to_scratch ? 2 + a->inputs : 0)
                                                     : (a->to_scratch ? a->inputs + 2 : a->inputs);

    g->to[l] = (T *)operand[results] + at->to + at->f * a->dst_frame;
    if (a->stage == DC_SPECTRAL_BINS) {
        const dc_i64 row = (at->s * a->frames + at->f) * g->row;
        const int rows = a->to_scratch ? 2 : 3;

        g->from[l] = (const T *)operand[rows] + row;
        g->other[l] = a->inputs == 2 ? (const T *)operand[rows + 1] + row : g->from[l];
        return;
    }
    g->from[l] = (const T *)operand[0] + at->from;
    g->other[l] = a->inputs == 2 ? (const T *)operand[1] + at->other : g->from[l];
    if (a->stage == DC_SPECTRAL_SERIES || (a->stage == DC_SPECTRAL_ROWS && a->src_part)) {
        g->from[l] += at->f * a->src_frame;
        return;
    }
    g->start[l] = a->first + at->f * a->hop;
    g->far |= g->start[l] < 0 || g->start[l] + a->length > a->n;
}

/* Lanes from `count` on repeat the first. */
static void FN(spectral_fill_up)(FN(spectral_lanes) * g)
{
    for (int l = g->count; l < VEC_LANES; l++) {
        g->from[l] = g->from[0];
        g->other[l] = g->other[0];
        g->start[l] = g->start[0];
        g->to[l] = g->to[0];
    }
}

/* Lane l is a window that is not looked at. */
static void FN(spectral_heads)(const FN(spectral_lanes) * g, int l)
{
    const dc_spectral_args *const a = g->a;

    for (dc_i64 k = 0; k < a->list; k++)
        g->to[l][k * a->dst_bin] = a->heads_zero ? 0 : SPECTRAL_QUIET;
}

/* One window as a dense row; or its bins. */
static void FN(spectral_to_rows)(FN(spectral_lanes) * g, T *rows, const dc_i64 *item)
{
    const dc_spectral_args *const a = g->a;
    const int inverse = a->kind == DC_SPECTRAL_IRFFT || a->kind == DC_SPECTRAL_ISTFT;
    const dc_i64 n = inverse ? 2 * a->bins : a->nfft;

    for (int l = 0; l < VEC_LANES; l++)
        g->to[l] = rows + item[l] * n;
    if (!inverse) {
        FN(spectral_samples)(g, 0, g->z, 1);
        FN(spectral_put_rows)(g, g->z, n);
        return;
    }
    FN(spectral_load_bins)(g);
    for (dc_i64 k = a->edge; k < a->bins; k++)
        g->x[0][2 * k] = g->x[0][2 * k + 1] = FN(vzero)();
    FN(spectral_put_rows)(g, g->x[0], n);
}

/* What a group of windows comes to. */
static void FN(spectral_run_group)(FN(spectral_lanes) * g, void *const *operand, const dc_i64 *item)
{
    const dc_spectral_args *const a = g->a;
    const int inverse = a->kind == DC_SPECTRAL_IRFFT || a->kind == DC_SPECTRAL_ISTFT;

    if (a->stage == DC_SPECTRAL_ROWS) {
        FN(spectral_to_rows)(g, operand[3], item);
    } else if (a->stage == DC_SPECTRAL_SERIES) {
        FN(spectral_series_of)(g);
        FN(spectral_put)(g, g->q, 1, a->nfft, a->dst_bin);
    } else if (inverse) {
        const T scale = g->value[a->at_scale];

        FN(spectral_load_rows)(g->from, a->nfft, g->q, 1, VEC_LANES * g->row);
        for (dc_i64 i = 0; i < a->nfft; i++)
            g->q[i] = g->q[i] * scale;
        FN(spectral_put)(g, g->q, 1, a->nfft, a->dst_bin);
    } else {
        FN(spectral_group)(g);
    }
}

/* Windows from number `at` of the tile's order on, at most as many as there are lanes, before
 * `end`: in lanes, and their numbers. */
static void FN(spectral_gather)(FN(spectral_lanes) * g, void *const *operand,
                                const dc_tiling *tiling, dc_i64 at, dc_i64 end, dc_i64 *item)
{
    const dc_spectral_args *const a = g->a;
    const int fast = (int)tiling->part[SPECTRAL_SERIES_FAST];
    const dc_i64 lead = a->naxes ? a->shape[a->naxes - 1] : 1;
    /* the last axis (or all) runs fastest, then windows, then the other axes */
    const dc_i64 side = tiling->part[SPECTRAL_RUN] == a->series ? a->series : lead;
    FN(spectral_cursor) cursor;

    if (fast)
        FN(spectral_seek)
    (a, at / (side * a->frames) * side + at % side, at / side % a->frames, &cursor);
    else FN(spectral_seek)(a, at / a->frames, at % a->frames, &cursor);
    g->far = 0;
    g->count = 0;
    for (int l = 0; l < VEC_LANES && at + l < end; l++) {
        if (cursor.f < a->heads) {
            FN(spectral_place_lane)(g, operand, g->count, &cursor);
            FN(spectral_heads)(g, g->count);
        } else {
            item[g->count] = cursor.s * a->frames + cursor.f;
            FN(spectral_place_lane)(g, operand, g->count++, &cursor);
        }
        if (fast || cursor.f + 1 == a->frames)
            FN(spectral_next_series)(a, fast ? cursor.f : 0, &cursor);
        else
            cursor.f++;
    }
    for (int l = g->count; l < VEC_LANES; l++)
        item[l] = item[0];
    FN(spectral_fill_up)(g);
}

static void FN(spectral_windows_tile)(void *const *operand, const dc_spectral_args *a,
                                      const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_i64 *const part = tiling->part;
    const dc_i64 run = part[SPECTRAL_RUN], groups = part[SPECTRAL_GROUPS];
    const dc_i64 all = a->series * a->frames / run * groups;
    const dc_i64 last = (tile + 1) * part[SPECTRAL_EACH];
    const int inverse = a->kind == DC_SPECTRAL_IRFFT || a->kind == DC_SPECTRAL_ISTFT;
    FN(spectral_lanes) g = FN(spectral_lay)(a, operand, scratch);

    g.row = inverse ? a->nfft : 2 * a->bins;
    for (dc_i64 i = tile * part[SPECTRAL_EACH]; i < last && i < all; i++) {
        const dc_i64 at = i / groups * run + i % groups * VEC_LANES;
        dc_i64 item[VEC_LANES] = {0};

        FN(spectral_gather)(&g, operand, tiling, at, (i / groups + 1) * run, item);
        if (g.count)
            FN(spectral_run_group)(&g, operand, item);
    }
}

/* ---- sums of chunks ------------------------------------------------------------------------ */

static T *FN(spectral_sums)(const dc_spectral_args *a, void *const *operand)
{
    return operand[2 + a->inputs]; /* WINDOWS: inputs, tables; BINS: tables, rows */
}

/* A lane for each series of a group, a window after the other. */
static void FN(spectral_sum_series)(FN(spectral_lanes) * g, void *const *operand,
                                    const dc_i64 *series, dc_i64 chunk)
{
    const dc_spectral_args *const a = g->a;
    const dc_i64 end = (chunk + 1) * DC_SPECTRAL_CHUNK, n = a->planes * a->bins;
    T *const sums = FN(spectral_sums)(a, operand);
    T *const counts = sums + a->series * a->chunks * n;
    FN(vec) *const sum = g->q + n;
    FN(cvec) count = FN(czero)();
    FN(spectral_cursor) at[VEC_LANES];
    FN(vec) number;

    for (int l = 0; l < g->count; l++)
        FN(spectral_seek)(a, series[l], 0, &at[l]);
    for (dc_i64 k = 0; k < n; k++)
        sum[k] = FN(vzero)();
    for (dc_i64 f = chunk * DC_SPECTRAL_CHUNK; f < end && f < a->frames; f++) {
        g->far = 0;
        g->bad = FN(mnone)();
        for (int l = 0; l < g->count; l++) {
            at[l].f = f;
            FN(spectral_place_lane)(g, operand, l, &at[l]);
        }
        FN(spectral_fill_up)(g);
        FN(spectral_planes)(g, a->planes);
        FN(spectral_add)(g, sum, n);
        count = FN(cinc)(count, FN(mnot)(g->bad));
    }
    number = FN(ctov)(count);
    for (int l = 0; l < VEC_LANES; l++)
        g->to[l] = sums + (series[l < g->count ? l : 0] * a->chunks + chunk) * n;
    for (int l = 0; l < g->count; l++)
        counts[series[l] * a->chunks + chunk] = number[l];
    FN(spectral_put_rows)(g, sum, n);
}

/* A lane for each window of a chunk of one series. */
static void FN(spectral_sum_windows)(FN(spectral_lanes) * g, void *const *operand, dc_i64 series,
                                     dc_i64 chunk)
{
    const dc_spectral_args *const a = g->a;
    const dc_i64 first = chunk * DC_SPECTRAL_CHUNK, n = a->planes * a->bins;
    const dc_i64 end =
        first + DC_SPECTRAL_CHUNK < a->frames ? first + DC_SPECTRAL_CHUNK : a->frames;
    T *const sums = FN(spectral_sums)(a, operand);
    T *const to = sums + (series * a->chunks + chunk) * n;
    FN(spectral_cursor) at;
    T count = 0;

    FN(spectral_seek)(a, series, 0, &at);
    memset(to, 0, (size_t)n * sizeof *to);
    for (dc_i64 f = first; f < end; f += VEC_LANES) {
        g->far = 0;
        g->bad = FN(mnone)();
        g->count = end - f < VEC_LANES ? (int)(end - f) : VEC_LANES;
        for (int l = 0; l < g->count; l++) {
            at.f = f + l;
            FN(spectral_place_lane)(g, operand, l, &at);
        }
        FN(spectral_fill_up)(g);
        FN(spectral_planes)(g, a->planes);
        FN(spectral_add_windows)(g, to, n);
        for (int l = 0; l < g->count; l++)
            count += (T) !(a->omit && (FN(mbits)(g->bad) >> l & 1));
    }
    sums[a->series * a->chunks * n + series * a->chunks + chunk] = count;
}

static void FN(spectral_sums_tile)(void *const *operand, const dc_spectral_args *a,
                                   const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_i64 *const part = tiling->part;
    const dc_i64 chunk = tile % a->chunks, group = tile / a->chunks;
    FN(spectral_lanes) g = FN(spectral_lay)(a, operand, scratch);
    dc_i64 series[VEC_LANES] = {0}, first, end;

    g.row = 2 * a->bins;
    if (!part[SPECTRAL_SERIES_FAST]) {
        FN(spectral_sum_windows)(&g, operand, group, chunk);
        return;
    }
    first = group / part[SPECTRAL_GROUPS] * part[SPECTRAL_RUN] +
            group % part[SPECTRAL_GROUPS] * VEC_LANES;
    end = (group / part[SPECTRAL_GROUPS] + 1) * part[SPECTRAL_RUN];
    g.count = end - first < VEC_LANES ? (int)(end - first) : VEC_LANES;
    for (int l = 0; l < g.count; l++)
        series[l] = first + l;
    FN(spectral_sum_series)(&g, operand, series, chunk);
}

/* ---- stages -------------------------------------------------------------------------------- */

/* Some series of a stage that takes one after the other. */
static void FN(spectral_series_tile)(void *const *operand, const dc_spectral_args *a,
                                     const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_i64 each = tiling->part[SPECTRAL_EACH];
    const T *const value = operand[1];

    for (dc_i64 s = tile * each; s < (tile + 1) * each && s < a->series; s++) {
        dc_i64 other, to;
        FN(loose) * dst;

        (void)spectral_series_at(a, s, &other, &to);
        dst = (T *)operand[0] + to;
        if (a->stage == DC_SPECTRAL_MEANS)
            FN(spectral_means)(a, value, operand[3], s, dst);
        else if (a->stage == DC_SPECTRAL_MEDIANS)
            FN(spectral_medians)(a, value, operand[3], s, dst, scratch);
        else
            FN(spectral_peaks)(a, value, operand[3], operand[4], s, dst);
    }
}

static void FN(spectral_lags_tile)(void *const *operand, const dc_spectral_args *a, dc_i64 s,
                                   void *scratch)
{
    const T *const value = operand[a->to_scratch ? 1 : 2];
    dc_i64 other, to;
    const dc_i64 from = spectral_series_at(a, s, &other, &to);
    T *const dst = operand[a->to_scratch ? 3 : 1];

    FN(spectral_lags)(a, value, (const T *)operand[0] + from, dst + to, scratch);
}

static void FN(spectral_tile)(void *const *operand, const void *args, const dc_tiling *tiling,
                              dc_i64 tile, void *scratch)
{
    const dc_spectral_args *const a = args;
    dc_i64 other, to, cuts, from;

    switch (a->stage) {
    case DC_SPECTRAL_MEANS:
    case DC_SPECTRAL_MEDIANS:
    case DC_SPECTRAL_PEAKS:
        FN(spectral_series_tile)(operand, a, tiling, tile, scratch);
        break;
    case DC_SPECTRAL_LAGS:
        FN(spectral_lags_tile)(operand, a, tile, scratch);
        break;
    case DC_SPECTRAL_OVERLAP:
        cuts = spectral_div_up(a->n, tiling->part[SPECTRAL_EACH]);
        (void)spectral_series_at(a, tile / cuts, &other, &to);
        from = tile % cuts * tiling->part[SPECTRAL_EACH];
        FN(spectral_overlap)
        (a, operand[1], (const T *)operand[3] + tile / cuts * a->frames * a->nfft,
         (T *)operand[0] + to, from,
         from + tiling->part[SPECTRAL_EACH] < a->n ? from + tiling->part[SPECTRAL_EACH] : a->n);
        break;
    case DC_SPECTRAL_TIMES:
        cuts = spectral_div_up(a->bins, VEC_LANES);
        from = spectral_series_at(a, tile / cuts, &other, &to);
        tile = tile % cuts * VEC_LANES;
        FN(spectral_times)
        (a, operand[3], (const T *)operand[0] + from, operand[1], tile,
         a->bins - tile < VEC_LANES ? (int)(a->bins - tile) : VEC_LANES, (T *)operand[2] + to);
        break;
    default:
        if (a->to == DC_SPECTRAL_TO_SUMS && a->stage != DC_SPECTRAL_ROWS)
            FN(spectral_sums_tile)(operand, a, tiling, tile, scratch);
        else
            FN(spectral_windows_tile)(operand, a, tiling, tile, scratch);
    }
}

/* ---- rows ---------------------------------------------------------------------------------- */

#define SPECTRAL_ROW(row)                                                                          \
    static void FN(row##_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)     \
    {                                                                                              \
        FN(spectral_cut)(args, machine, tiling);                                                   \
    }                                                                                              \
    static void FN(row)(void *const *operand, const void *args, const dc_tiling *tiling,           \
                        dc_i64 tile, void *scratch)                                                \
    {                                                                                              \
        FN(spectral_tile)(operand, args, tiling, tile, scratch);                                   \
    }

SPECTRAL_ROW(spectral_rfft)
SPECTRAL_ROW(spectral_irfft)
SPECTRAL_ROW(spectral_stft)
SPECTRAL_ROW(spectral_istft)
SPECTRAL_ROW(spectral_periodogram)
SPECTRAL_ROW(spectral_spectrogram)
SPECTRAL_ROW(spectral_welch)
SPECTRAL_ROW(spectral_csd)
SPECTRAL_ROW(spectral_coherence)
SPECTRAL_ROW(spectral_bands)
SPECTRAL_ROW(spectral_rolling_bands)
SPECTRAL_ROW(spectral_features)
SPECTRAL_ROW(spectral_acf)
SPECTRAL_ROW(spectral_lombscargle)
SPECTRAL_ROW(spectral_find_period)

#undef SPECTRAL_ROW
#undef SPECTRAL_SUM
#undef SPECTRAL_FMA
#undef SPECTRAL_QUIET
#undef SPECTRAL_VALUE
#undef SPECTRAL_SPLAT
#undef SPECTRAL_F
#undef SPECTRAL_DIV
#undef SPECTRAL_ROOT
#undef SPECTRAL_LESS
#undef SPECTRAL_SAME
#undef SPECTRAL_PICK_IF
#undef SPECTRAL_SPLIT
#undef SPECTRAL_TWO_TO
#undef SPECTRAL_GLOBAL
#undef SPECTRAL_QUOTIENT
