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
    SPECTRAL_EACH,        /* groups, series of a tile                                           */
    SPECTRAL_PACK         /* windows of a block whose series are laid out anew; 0: they are not */
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

/* Windows that overlap by half and more, of series whose samples are no neighbours: blocks of
 * windows of VEC_LANES series, laid out as rows, so that lanes are windows. */
static int FN(spectral_cut_packs)(const dc_spectral_args *a, dc_tiling *tiling)
{
    dc_i64 *const part = tiling->part;
    const dc_i64 lead = a->naxes ? a->shape[a->naxes - 1] : 1;
    dc_i64 span;

    if (a->stage != DC_SPECTRAL_WINDOWS || a->inputs != 1 || a->src_step == 1 || a->pad ||
        2 * a->hop > a->length || a->frames < 4 * VEC_LANES)
        return 0;
    part[SPECTRAL_PACK] = spectral_div_up(a->length / a->hop, VEC_LANES) * VEC_LANES;
    if (part[SPECTRAL_PACK] < 16 * VEC_LANES)
        part[SPECTRAL_PACK] = 16 * VEC_LANES;
    span = (part[SPECTRAL_PACK] - 1) * a->hop + a->length;
    part[SPECTRAL_RUN] = span + 2 * VEC_LANES;
    part[SPECTRAL_GROUPS] = spectral_div_up(lead, VEC_LANES);
    part[SPECTRAL_EACH] = spectral_div_up(a->frames, part[SPECTRAL_PACK]);
    tiling->tiles = a->series / lead * part[SPECTRAL_GROUPS] * part[SPECTRAL_EACH];
    tiling->scratch_bytes += VEC_LANES * part[SPECTRAL_RUN] * (dc_i64)sizeof(T);
    return 1;
}

static void FN(spectral_cut_windows)(const dc_spectral_args *a, dc_tiling *tiling)
{
    dc_i64 *const part = tiling->part;
    const dc_i64 lead = a->naxes ? a->shape[a->naxes - 1] : 1;
    const int rows = a->stage == DC_SPECTRAL_BINS; /* dense rows, window after window */
    const int beside = a->naxes && a->src_stride[a->naxes - 1] == 1 && lead > 1;
    const dc_i64 items = a->series * a->frames;

    if (FN(spectral_cut_packs)(a, tiling))
        return;
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
    case DC_SPECTRAL_RATIOS:
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

#include "cpu_fallback/spectral_tiles.h"

#include "cpu_fallback/spectral_packs.h"

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
        else if (a->stage == DC_SPECTRAL_RATIOS)
            FN(spectral_ratios)(a, (const T *)operand[3] + s * a->nfft, dst);
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
    case DC_SPECTRAL_RATIOS:
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
        if (tiling->part[SPECTRAL_PACK])
            FN(spectral_packs_tile)(operand, a, tiling, tile, scratch);
        else if (a->to == DC_SPECTRAL_TO_SUMS && a->stage != DC_SPECTRAL_ROWS)
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
