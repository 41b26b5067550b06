/* Spectra on a device.  Compiled once per dtype with T (float, double) and SFX (f32, f64).
 *
 * Work-groups transform some windows side by side, in local memory (near) or, where that is too
 * small, in scratch (far). */
#define half half_ /* a type here, a name in the shared files */
#include "dualcube/kinds.h"
#include "kernels/shared/divide.h"
#include "kernels/shared/spectral.h"

#define SPECTRAL_PAIR_f32         float2
#define SPECTRAL_PAIR_f64         double2
#define SPECTRAL_BITS_OF_f32(x)   as_uint(x)
#define SPECTRAL_BITS_OF_f64(x)   as_ulong(x)
#define SPECTRAL_OF_BITS_f32(b)   as_float((dc_u32)(b))
#define SPECTRAL_OF_BITS_f64(b)   as_double((dc_u64)(b))
#define PAIR                      DC_CAT(SPECTRAL_PAIR, SFX)
#define SPECTRAL_VALUE            T
#define SPECTRAL_TRUTH            int
#define SPECTRAL_F(a, b, c)       fma(a, b, c)
#define SPECTRAL_SPLAT(x)         (x)
#define SPECTRAL_DIV(a, b)        DC_CAT(dc_div, SFX)(a, b)
#define SPECTRAL_ROOT(a)          DC_CAT(dc_sqrt, SFX)(a)
#define SPECTRAL_LESS(a, b)       ((a) < (b))
#define SPECTRAL_SAME(a, b)       ((a) == (b))
#define SPECTRAL_PICK_IF(t, a, b) ((t) ? (a) : (b))
#define SPECTRAL_SPLIT(x, e)      FN(spectral_split)(x, e)
#define SPECTRAL_TWO_TO(e)        FN(spectral_two_to)(e)

#include "kernels/shared/spectral_fft.h"

#define SPECTRAL_FRACTION SPECTRAL_PICK(23, 52)                       /* bits of it           */
#define SPECTRAL_BIAS     SPECTRAL_PICK(127, 1023)                    /* of an exponent       */
#define SPECTRAL_ROOT_2   SPECTRAL_PICK(0x3504f3u, 0x6a09e667f3bcdul) /* fraction of sqrt(2)  */

static inline T FN(spectral_two_to)(T e)
{
    return DC_CAT(SPECTRAL_OF_BITS, SFX)((dc_u64)((dc_i64)e + SPECTRAL_BIAS) << SPECTRAL_FRACTION);
}

/* The exponent goes up where the fraction is sqrt(2) or more. */
static inline T FN(spectral_split)(T x, T *e)
{
    const dc_u64 bits = DC_CAT(SPECTRAL_BITS_OF, SFX)(x), one = (dc_u64)1 << SPECTRAL_FRACTION;
    const dc_u64 fraction = bits & (one - 1);
    const dc_i64 up = fraction >= SPECTRAL_ROOT_2;

    *e = (T)((dc_i64)(bits >> SPECTRAL_FRACTION) - SPECTRAL_BIAS + up);
    return DC_CAT(SPECTRAL_OF_BITS, SFX)(fraction | (dc_u64)(SPECTRAL_BIAS - up)
                                                        << SPECTRAL_FRACTION);
}

#define SPECTRAL_GLOBAL         __global
#define SPECTRAL_QUOTIENT(a, b) DC_CAT(dc_div, SFX)(a, b)
#include "kernels/shared/spectral_period.h"
#include "kernels/shared/spectral_shape.h"

#include "kernels/shared/spectral_times.h"

/* Bits of part.p[2]; above them how many bands are summed at a time. */
enum {
    SPECTRAL_LOAD_ACROSS = 1,
    SPECTRAL_STORE_ACROSS = 2,
    SPECTRAL_SERIES_FAST = 4,
    SPECTRAL_BANDS = 8
};

static inline T FN(spectral_quiet)(T x)
{
    return x == x ? x : SPECTRAL_PICK(as_float(0x7fc00000u), as_double(0x7ff8000000000000ul));
}

static inline PAIR FN(spectral_times)(PAIR z, PAIR by)
{
    T re = z.x, im = z.y;

    FN(spectral_twist)(&re, &im, by.x, by.y);
    return (PAIR)(re, im);
}

/* Columns of the leaves of n terms, and the first term of one of them. */
static inline dc_u32 spectral_tasks(dc_i64 n)
{
    return ((dc_u32)n + DC_SPECTRAL_LEAF - 1) / DC_SPECTRAL_LEAF * DC_SPECTRAL_COLUMNS;
}

static inline dc_u32 spectral_task(dc_u32 t)
{
    return t / DC_SPECTRAL_COLUMNS * DC_SPECTRAL_LEAF + t % DC_SPECTRAL_COLUMNS;
}

/* Bins that are made together: k and points - k (even nfft), k (odd). */
static inline dc_u32 spectral_pairs(const dc_spectral_args *args)
{
    return args->half ? (dc_u32)args->points / 2 + 1 : (dc_u32)args->bins;
}

static inline T FN(spectral_sample)(const dc_spectral_args *args, __global const T *x, dc_i64 step,
                                    dc_i64 i)
{
    int mirror;
    const dc_i64 at = spectral_place(args, i, &mirror);
    const T v = at < 0 ? 0 : x[at * step];

    return mirror == 0 ? v : 2 * x[mirror == 1 ? 0 : (args->n - 1) * step] - v;
}

/* A sample (less the first one) with trend (m, s) taken off, c its place from the centre.  m is 0
 * without a trend. */
static inline T FN(spectral_weigh)(int linear, T d, T c, T m, T s, T w)
{
    const T level = d - m, slope = fma(-s, c, level);

    return (linear ? slope : level) * w;
}

static inline void FN(spectral_put)(const dc_spectral_args *args, __global T *dst, dc_u32 k, PAIR x,
                                    T scale)
{
    __global T *const to = dst + k * args->dst_bin;

    to[0] = FN(spectral_quiet)(x.x * scale);
    to[args->dst_part] = FN(spectral_quiet)(x.y * scale);
}

static inline int FN(spectral_finite)(PAIR z)
{
    return z.x - z.x == 0 && z.y - z.y == 0;
}

static inline PAIR FN(spectral_cross)(PAIR x, PAIR y)
{
    return (PAIR)(fma(x.x, y.x, x.y * y.y), fma(x.x, y.y, -(x.y * y.x)));
}

/* Bin k of a row of them. */
static inline PAIR FN(spectral_given)(const dc_spectral_args *args, __global const T *x, dc_u32 k)
{
    __global const T *const at = x + k * args->src_step;

    if (k >= args->edge || k >= args->bins)
        return (PAIR)(0, 0);
    return (PAIR)(at[0], k == 0 || (args->half && k == args->points) ? 0 : at[args->src_part]);
}

/* Number k of what is transformed to samples. */
static inline PAIR FN(spectral_packed)(const dc_spectral_args *args, __global const T *x,
                                       __global const T *post, dc_u32 k)
{
    const dc_u32 points = (dc_u32)args->points;
    PAIR a, b, turn;
    T re, im;

    if (!args->half) {
        a = FN(spectral_given)(args, x, 2 * k < points ? k : points - k);
        return (PAIR)(a.x, 2 * k < points ? a.y : -a.y);
    }
    a = FN(spectral_given)(args, x, k);
    b = FN(spectral_given)(args, x, points - k);
    turn = vload2(k, post);
    re = a.x;
    im = a.y;
    FN(spectral_pack)(&re, &im, b.x, -b.y, turn.x, turn.y);
    return (PAIR)(re, im);
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* Where a work-item stands: `across`: neighbours stand in neighbouring lines. */
typedef struct spectral_team {
    dc_u32 line, lane, lines, lanes;
} spectral_team;

static inline spectral_team spectral_team_of(const dc_launch *part, int across)
{
    const dc_u32 me = (dc_u32)get_local_id(0), size = (dc_u32)get_local_size(0);
    spectral_team t;

    t.lines = (dc_u32)part->p[0];
    t.lanes = size / t.lines;
    if (part->p[2] & across) {
        t.lane = me / t.lines;
        t.line = me - t.lane * t.lines;
    } else {
        t.line = me / t.lanes;
        t.lane = me - t.line * t.lanes;
    }
    return t;
}

/* A window, or a chunk, of a series, and where the series begins. */
typedef struct spectral_item {
    dc_i64 series, window, src, other, dst;
    int there; /* beyond the last: the last, and 0 */
} spectral_item;

static inline spectral_item spectral_item_of(const dc_spectral_args *args, const dc_launch *part,
                                             dc_i64 item, dc_i64 windows)
{
    spectral_item it;

    it.there = item < part->p[3];
    item = it.there ? item : part->p[3] - 1;
    if (part->p[2] & SPECTRAL_SERIES_FAST) {
        it.window = item / args->series;
        it.series = item - it.window * args->series;
    } else {
        it.series = item / windows;
        it.window = item - it.series * windows;
    }
    it.src = spectral_series_at(args, it.series, &it.other, &it.dst);
    return it;
}

/* Local memory: a gap behind every 128 bytes keeps strides of powers of two apart. */
#define SPACE      __local
#define NEAR(name) DC_CAT(near, FN(name))
#define PLACE(i)   ((i) + ((i) >> SPECTRAL_PICK(4, 3)))
#define FENCE      CLK_LOCAL_MEM_FENCE
#include "kernels/shared/spectral_groups.h"
#include "kernels/shared/spectral_outputs.h"
#include "kernels/shared/spectral_windows.h"
#undef SPACE
#undef NEAR
#undef PLACE
#undef FENCE

#define SPACE      __global
#define NEAR(name) DC_CAT(far, FN(name))
#define PLACE(i)   (i)
#define FENCE      CLK_GLOBAL_MEM_FENCE
#include "kernels/shared/spectral_groups.h"
#include "kernels/shared/spectral_outputs.h"
#include "kernels/shared/spectral_windows.h"

/* A group's part of the scratch. */
static inline __global T *FN(spectral_far)(__global uchar *scratch, const dc_launch *part)
{
    return (__global T *)scratch + (dc_i64)get_group_id(0) * part->p[0] * part->p[1];
}

/* ---- windows --------------------------------------------------------------------------------- */

#define WINDOWS(row, to)                                                                           \
    __kernel void FN(row)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,    \
                          __global const T *table, __global const dc_i32 *places,                  \
                          dc_spectral_args args, dc_launch part, __local T *memory)                \
    {                                                                                              \
        DC_CAT(near, FN(windows))                                                                  \
        (&args, &part, src + src_at, dst + dst_at, table, places, memory, to);                     \
    }

WINDOWS(spectral_rfft, DC_SPECTRAL_TO_BINS)
WINDOWS(spectral_stft, DC_SPECTRAL_TO_BINS)
WINDOWS(spectral_periodogram, DC_SPECTRAL_TO_POWER)
WINDOWS(spectral_spectrogram, DC_SPECTRAL_TO_POWER)
WINDOWS(spectral_bands, DC_SPECTRAL_TO_BANDS)
WINDOWS(spectral_rolling_bands, DC_SPECTRAL_TO_BANDS)
WINDOWS(spectral_features, DC_SPECTRAL_TO_FEATURES)

#define FAR_WINDOWS(name, to)                                                                      \
    __kernel void FN(name)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,   \
                           __global const T *table, __global const dc_i32 *places,                 \
                           __global uchar *scratch, dc_spectral_args args, dc_launch part)         \
    {                                                                                              \
        DC_CAT(far, FN(windows))                                                                   \
        (&args, &part, src + src_at, dst + dst_at, table, places,                                  \
         FN(spectral_far)(scratch, &part), to);                                                    \
    }
FAR_WINDOWS(spectral_far_windows, DC_SPECTRAL_TO_BINS)
FAR_WINDOWS(spectral_far_bands, DC_SPECTRAL_TO_BANDS)
FAR_WINDOWS(spectral_far_features, DC_SPECTRAL_TO_FEATURES)

/* Powers for what a later step makes of them. */
__kernel void FN(spectral_power_rows)(__global const T *src, dc_i64 src_at, __global const T *table,
                                      __global const dc_i32 *places, __global T *dst,
                                      dc_spectral_args args, dc_launch part, __local T *memory)
{
    DC_CAT(near, FN(windows))
    (&args, &part, src + src_at, dst, table, places, memory, DC_SPECTRAL_TO_POWER);
}

__kernel void FN(spectral_far_power_rows)(__global const T *src, dc_i64 src_at,
                                          __global const T *table, __global const dc_i32 *places,
                                          __global T *dst, __global uchar *scratch,
                                          dc_spectral_args args, dc_launch part)
{
    DC_CAT(far, FN(windows))
    (&args, &part, src + src_at, dst, table, places, FN(spectral_far)(scratch, &part),
     DC_SPECTRAL_TO_POWER);
}

__kernel void FN(spectral_cross_rows)(__global const T *src, dc_i64 src_at, __global const T *other,
                                      dc_i64 other_at, __global const T *table,
                                      __global const dc_i32 *places, __global T *dst,
                                      dc_spectral_args args, dc_launch part, __local T *memory)
{
    DC_CAT(near, FN(crosses))
    (&args, &part, src + src_at, other + other_at, dst, table, places, memory);
}

__kernel void FN(spectral_far_cross_rows)(__global const T *src, dc_i64 src_at,
                                          __global const T *other, dc_i64 other_at,
                                          __global const T *table, __global const dc_i32 *places,
                                          __global T *dst, __global uchar *scratch,
                                          dc_spectral_args args, dc_launch part)
{
    DC_CAT(far, FN(crosses))
    (&args, &part, src + src_at, other + other_at, dst, table, places,
     FN(spectral_far)(scratch, &part));
}

/* ---- sums of windows ------------------------------------------------------------------------- */

__kernel void FN(spectral_welch)(__global const T *src, dc_i64 src_at, __global const T *table,
                                 __global const dc_i32 *places, __global T *sums,
                                 dc_spectral_args args, dc_launch part, __local T *memory)
{
    DC_CAT(near, FN(sums))
    (&args, &part, src + src_at, src + src_at, table, places, sums, memory, 1);
}

__kernel void FN(spectral_far_welch)(__global const T *src, dc_i64 src_at, __global const T *table,
                                     __global const dc_i32 *places, __global T *sums,
                                     __global uchar *scratch, dc_spectral_args args, dc_launch part)
{
    DC_CAT(far, FN(sums))
    (&args, &part, src + src_at, src + src_at, table, places, sums,
     FN(spectral_far)(scratch, &part), 1);
}

#define SUMS_OF_TWO(row, planes)                                                                   \
    __kernel void FN(spectral_##row)(                                                              \
        __global const T *src, dc_i64 src_at, __global const T *other, dc_i64 other_at,            \
        __global const T *table, __global const dc_i32 *places, __global T *sums,                  \
        dc_spectral_args args, dc_launch part, __local T *memory)                                  \
    {                                                                                              \
        DC_CAT(near, FN(sums))                                                                     \
        (&args, &part, src + src_at, other + other_at, table, places, sums, memory, planes);       \
    }                                                                                              \
    __kernel void FN(spectral_far_##row)(                                                          \
        __global const T *src, dc_i64 src_at, __global const T *other, dc_i64 other_at,            \
        __global const T *table, __global const dc_i32 *places, __global T *sums,                  \
        __global uchar *scratch, dc_spectral_args args, dc_launch part)                            \
    {                                                                                              \
        DC_CAT(far, FN(sums))                                                                      \
        (&args, &part, src + src_at, other + other_at, table, places, sums,                        \
         FN(spectral_far)(scratch, &part), planes);                                                \
    }
SUMS_OF_TWO(csd, 2)
SUMS_OF_TWO(coherence, 4)

/* ---- back ------------------------------------------------------------------------------------ */

__kernel void FN(spectral_irfft)(__global const T *src, dc_i64 src_at, __global T *dst,
                                 dc_i64 dst_at, __global const T *table,
                                 __global const dc_i32 *places, dc_spectral_args args,
                                 dc_launch part, __local T *memory)
{
    DC_CAT(near, FN(series))(&args, &part, src + src_at, dst + dst_at, table, places, memory);
}

__kernel void FN(spectral_far_irfft)(__global const T *src, dc_i64 src_at, __global T *dst,
                                     dc_i64 dst_at, __global const T *table,
                                     __global const dc_i32 *places, __global uchar *scratch,
                                     dc_spectral_args args, dc_launch part)
{
    DC_CAT(far, FN(series))
    (&args, &part, src + src_at, dst + dst_at, table, places, FN(spectral_far)(scratch, &part));
}

__kernel void FN(spectral_istft)(__global const T *src, dc_i64 src_at, __global const T *table,
                                 __global const dc_i32 *places, __global T *dst,
                                 dc_spectral_args args, dc_launch part, __local T *memory)
{
    DC_CAT(near, FN(series))(&args, &part, src + src_at, dst, table, places, memory);
}

__kernel void FN(spectral_far_istft)(__global const T *src, dc_i64 src_at, __global const T *table,
                                     __global const dc_i32 *places, __global T *dst,
                                     __global uchar *scratch, dc_spectral_args args, dc_launch part)
{
    DC_CAT(far, FN(series))
    (&args, &part, src + src_at, dst, table, places, FN(spectral_far)(scratch, &part));
}

#include "kernels/shared/spectral_stages.h"

#include "kernels/shared/spectral_lags.h"
