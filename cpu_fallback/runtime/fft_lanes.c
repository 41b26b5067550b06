/* Long transforms for one type and one instruction set, built with -DDC_ISA=<name>, -DSFX=<type>
 * and -DDC_MIRROR_<type>.  Everything pulled in is static: the table of stages is the only exported
 * symbol.  The stages are those of cpu_fallback/runtime/fft_stages.h. */
#include "cpu_fallback/runtime/fft_stages.h"

#if defined(DC_MIRROR_f32)
#define T float
#else
#define T double
#endif
#include "kernels/shared/vec.h"

/* Class NORMWISE: where a fused product has no instruction, two roundings are as good. */
#if defined(__FMA__) || !defined(__SSE2__)
#define SPECTRAL_F FN(vfma)
#else
#define SPECTRAL_F(a, b, c) ((a) * (b) + (c))
#endif
#define SPECTRAL_VALUE FN(vec)
#define SPECTRAL_SPLAT FN(vset)
#include "kernels/shared/spectral_fft.h"

#include "kernels/shared/spectral_passes.h"

#include "cpu_fallback/runtime/fft_shuffle.h"

#define TABLE(plan, name) ((const T *)(plan)->table[DC_FFT_##name])

DC_INLINE void FN(fft_exchange)(FN(vec) * x, FN(vec) * y)
{
    const FN(vec) keep = *x;

    *x = *y;
    *y = keep;
}

/* ---- ends ---------------------------------------------------------------------------------- */

/* Numbers n ... of the packed series of a half spectrum of even length; n = n1 P2 + first column of
 * `group`. */
DC_INLINE void FN(fft_take_half)(const dc_fft_row *row, dc_i64 n, dc_i64 n1, dc_i64 group,
                                 int count, FN(vec) * re, FN(vec) * im)
{
    const dc_fft_plan *const p = row->plan;
    const FN(loose) *const in = (const FN(loose) *)row->in;
    const T *const lane = TABLE(p, POST_LANE) + 2 * VEC_LANES * group;
    const T *const post = TABLE(p, POST) + 2 * n1;
    FN(vec) c = FN(vload)(lane), s = FN(vload)(lane + VEC_LANES), bre, bim;

    FN(fft_load)(in + 2 * n, count, re, im);
    FN(fft_load_back)(in + 2 * (p->points - n), count, &bre, &bim);
    if (n == 0)
        (*im)[0] = bim[0] = 0; /* what is real by symmetry: nothing of it is looked at */
    FN(spectral_twist)(&c, &s, FN(vset)(post[0]), FN(vset)(post[1]));
    FN(spectral_pack)(re, im, bre, -bim, c, s);
}

/* Numbers n ... of the whole spectrum of odd length, of which the first half is there. */
DC_INLINE void FN(fft_take_odd)(const dc_fft_row *row, dc_i64 n, int count, FN(vec) * re,
                                FN(vec) * im)
{
    const dc_fft_plan *const p = row->plan;
    const FN(loose) *const in = (const FN(loose) *)row->in;
    const dc_i64 half = p->n / 2 + 1;

    if (n + count <= half) {
        FN(fft_load)(in + 2 * n, count, re, im);
    } else if (n >= half) {
        FN(fft_load_back)(in + 2 * (p->n - n), count, re, im);
        *im = -*im;
    } else {
        *re = *im = FN(vzero)();
        for (int l = 0; l < count; l++) {
            const dc_i64 k = n + l < half ? n + l : p->n - n - l;

            (*re)[l] = in[2 * k];
            (*im)[l] = n + l < half ? in[2 * k + 1] : -in[2 * k + 1];
        }
    }
    if (n == 0)
        (*im)[0] = 0;
}

/* Numbers n ... n + count - 1 of what is transformed; 0 in other lanes and beyond `points`. */
DC_INLINE void FN(fft_take)(const dc_fft_row *row, dc_i64 n1, dc_i64 group, int count, FN(vec) * re,
                            FN(vec) * im)
{
    const dc_fft_plan *const p = row->plan;
    const FN(loose) *const in = (const FN(loose) *)row->in;
    const dc_i64 n = n1 * p->side[1].core + group * VEC_LANES;

    if (p->chirped && n + count > p->points)
        count = FN(fft_clamp)(p->points - n);
    if (count == 0) {
        *re = *im = FN(vzero)();
    } else if (p->direction == DC_FFT_C2R) {
        if (p->even)
            FN(fft_take_half)(row, n, n1, group, count, re, im);
        else
            FN(fft_take_odd)(row, n, count, re, im);
        FN(fft_exchange)(re, im);
    } else if (p->even) {
        FN(fft_load)(in + 2 * n, count, re, im);
    } else {
        *re = count == VEC_LANES ? FN(vloadu)(in + n) : FN(vload_n)(in + n, count);
        *im = FN(vzero)();
    }
    if (p->chirped && count) {
        FN(vec) c, s;

        FN(fft_load)((const FN(loose) *)TABLE(p, CHIRP) + 2 * n, count, &c, &s);
        FN(spectral_twist)(re, im, c, s);
    }
}

/* Results n ... n + count - 1. */
/* The one quiet NaN for any other. */
DC_INLINE FN(vec) FN(fft_quiet)(FN(vec) x)
{
    return FN(vsel)(FN(visnan)(x), FN(vquiet)(), x);
}

DC_INLINE void FN(fft_give)(const dc_fft_row *row, dc_i64 n, int count, FN(vec) re, FN(vec) im)
{
    const dc_fft_plan *const p = row->plan;
    FN(loose) *const out = (FN(loose) *)row->out;

    if (p->direction == DC_FFT_C2R)
        FN(fft_exchange)(&re, &im);
    if (p->even) {
        FN(fft_store)(out + 2 * n, count, re, im);
    } else if (p->direction == DC_FFT_C2R) {
        if (count == VEC_LANES)
            FN(vstoreu)(out + n, re);
        else
            FN(vstore_n)(out + n, re, count);
    } else if (n <= p->n / 2) {
        if (n + count > p->n / 2 + 1)
            count = (int)(p->n / 2 + 1 - n);
        FN(fft_store)(out + 2 * n, count, FN(fft_quiet)(re), FN(fft_quiet)(im));
    }
}

/* ---- columns ------------------------------------------------------------------------------- */

/* exp(-2 pi i n2 k1 / core) for the lanes n2 of a group. */
DC_INLINE void FN(fft_turn)(const dc_fft_plan *p, dc_i64 group, dc_i64 k1, FN(vec) * c, FN(vec) * s)
{
    const T *const lane = TABLE(p, TURN_LANE) + 2 * VEC_LANES * k1;
    const T *const turn = TABLE(p, TURN) + 2 * (group * p->side[0].core + k1);

    *c = FN(vload)(lane);
    *s = FN(vload)(lane + VEC_LANES);
    FN(spectral_twist)(c, s, FN(vset)(turn[0]), FN(vset)(turn[1]));
}

/* Group of columns from their passes to work. */
DC_INLINE void FN(fft_columns_out)(const dc_fft_row *row, dc_i64 group, int count,
                                   const FN(vec) * z)
{
    const dc_fft_plan *const p = row->plan;
    const dc_i64 P1 = p->side[0].core, P2 = p->side[1].core;

    for (dc_i64 b = 0; b < p->blocks; b++) {
        FN(vec) *const to = (FN(vec) *)row->work + 2 * (b * P2 + group * VEC_LANES);
        FN(vec) re[VEC_LANES], im[VEC_LANES];

        for (int i = 0; i < VEC_LANES; i++) {
            const dc_i64 k1 = b * VEC_LANES + i;
            FN(vec) c, s;

            if (k1 >= P1) {
                re[i] = im[i] = FN(vzero)();
                continue;
            }
            FN(fft_turn)(p, group, k1, &c, &s);
            re[i] = z[2 * p->place[0][k1]];
            im[i] = z[2 * p->place[0][k1] + 1];
            FN(spectral_twist)(&re[i], &im[i], c, s);
        }
        FN(vtranspose)(re);
        FN(vtranspose)(im);
        for (int l = 0; l < count; l++) {
            to[2 * l] = re[l];
            to[2 * l + 1] = im[l];
        }
    }
}

static void FN(fft_columns)(const dc_fft_row *row, dc_i64 from, dc_i64 to, void *column)
{
    const dc_fft_plan *const p = row->plan;
    FN(vec) *const z = column;

    for (dc_i64 group = from; group < to; group++) {
        const int count = FN(fft_clamp)(p->side[1].core - group * VEC_LANES);

        for (dc_i64 n1 = 0; n1 < p->side[0].core; n1++)
            FN(fft_take)(row, n1, group, count, &z[2 * n1], &z[2 * n1 + 1]);
        FN(spectral_forth)(&p->side[0], TABLE(p, TWIDDLE_1), z, 0, 0);
        FN(fft_columns_out)(row, group, count, z);
    }
}

/* Group of columns from work to their passes back. */
DC_INLINE void FN(fft_columns_in)(const dc_fft_row *row, dc_i64 group, int count, FN(vec) * z)
{
    const dc_fft_plan *const p = row->plan;
    const dc_i64 P1 = p->side[0].core, P2 = p->side[1].core;

    for (dc_i64 b = 0; b < p->blocks; b++) {
        const FN(vec) *const from = (const FN(vec) *)row->work + 2 * (b * P2 + group * VEC_LANES);
        FN(vec) re[VEC_LANES], im[VEC_LANES];

        for (int l = 0; l < VEC_LANES; l++) {
            re[l] = l < count ? from[2 * l] : FN(vzero)();
            im[l] = l < count ? from[2 * l + 1] : FN(vzero)();
        }
        FN(vtranspose)(re);
        FN(vtranspose)(im);
        for (int i = 0; i < VEC_LANES && b * VEC_LANES + i < P1; i++) {
            const dc_i64 k1 = b * VEC_LANES + i;
            FN(vec) c, s;

            FN(fft_turn)(p, group, k1, &c, &s);
            FN(spectral_twist)(&im[i], &re[i], c, s);
            z[2 * p->place[0][k1]] = re[i];
            z[2 * p->place[0][k1] + 1] = im[i];
        }
    }
}

static void FN(fft_back)(const dc_fft_row *row, dc_i64 from, dc_i64 to, void *column)
{
    const dc_fft_plan *const p = row->plan;
    FN(vec) *const z = column;

    for (dc_i64 group = from; group < to; group++) {
        const int columns = FN(fft_clamp)(p->side[1].core - group * VEC_LANES);

        FN(fft_columns_in)(row, group, columns, z);
        FN(spectral_fro)(&p->side[0], TABLE(p, TWIDDLE_1), z, 1);
        for (dc_i64 n1 = 0; n1 < p->side[0].core; n1++) {
            const dc_i64 n = n1 * p->side[1].core + group * VEC_LANES;
            const int count = n + columns > p->points ? FN(fft_clamp)(p->points - n) : columns;
            FN(vec) c, s;

            if (count == 0)
                break;
            FN(fft_load)((const FN(loose) *)TABLE(p, CHIRP) + 2 * n, count, &c, &s);
            FN(spectral_twist)(&z[2 * n1], &z[2 * n1 + 1], c, s);
            FN(fft_give)(row, n, count, z[2 * n1], z[2 * n1 + 1]);
        }
    }
}

/* ---- rows ---------------------------------------------------------------------------------- */

static void FN(fft_rows)(const dc_fft_row *row, dc_i64 from, dc_i64 to)
{
    const dc_fft_plan *const p = row->plan;
    const dc_i64 P1 = p->side[0].core, P2 = p->side[1].core;

    for (dc_i64 b = from; b < to; b++) {
        FN(vec) *const z = (FN(vec) *)row->work + 2 * b * P2;

        FN(spectral_forth)(&p->side[1], TABLE(p, TWIDDLE_2), z, 0, 0);
        if (p->chirped) {
            const FN(vec) *const kernel = (const FN(vec) *)p->table[DC_FFT_KERNEL] + 2 * b * P2;

            for (dc_i64 i = 0; i < P2; i++)
                FN(spectral_twist)(&z[2 * i], &z[2 * i + 1], kernel[2 * i], kernel[2 * i + 1]);
            FN(spectral_fro)(&p->side[1], TABLE(p, TWIDDLE_2), z, 1);
            continue;
        }
        for (dc_i64 k2 = 0; k2 < P2; k2++) {
            const FN(vec) *const at = z + 2 * p->place[1][k2];

            FN(fft_give)
            (row, k2 * P1 + b * VEC_LANES, FN(fft_clamp)(P1 - b * VEC_LANES), at[0], at[1]);
        }
    }
}

/* Bins of an even length from those of its pairs, in place: registers j of bins from the lower end
 * with those of the upper end.  The last register may hold the middle bin, its own partner: both
 * formulas give the same there. */
static void FN(fft_unpack)(const dc_fft_row *row, dc_i64 from, dc_i64 to)
{
    const dc_fft_plan *const p = row->plan;
    const T *const lane = TABLE(p, POST_LANE);
    const FN(vec) lane_c = FN(vload)(lane), lane_s = FN(vload)(lane + VEC_LANES);
    FN(loose) *const out = (FN(loose) *)row->out;

    for (dc_i64 j = from; j < to; j++) {
        const T *const post = TABLE(p, POST) + 2 * j;
        const dc_i64 k = j * VEC_LANES;
        const int count = FN(fft_clamp)(p->points / 2 + 1 - k);
        FN(vec) c = lane_c, s = lane_s, are, aim, bre, bim;

        if (j == 0) { /* bin 0 is its own partner, at the place of bin n / 2 */
            out[2 * p->points] = out[0];
            out[2 * p->points + 1] = out[1];
        }
        FN(fft_load)(out + 2 * k, count, &are, &aim);
        FN(fft_load_back)(out + 2 * (p->points - k), count, &bre, &bim);
        FN(spectral_twist)(&c, &s, FN(vset)(post[0]), FN(vset)(post[1]));
        FN(spectral_unpack)(&are, &aim, &bre, &bim, c, s);
        FN(fft_store)(out + 2 * k, count, FN(fft_quiet)(are), FN(fft_quiet)(aim));
        FN(fft_store_back)
        (out + 2 * (p->points - k), count, FN(fft_quiet)(bre), FN(fft_quiet)(bim));
    }
}

#define NAME_(sfx, isa) dc__fft_##sfx##_##isa
#define NAME(sfx, isa)  NAME_(sfx, isa)

extern const dc_fft_lanes NAME(SFX, DC_ISA);
const dc_fft_lanes NAME(SFX, DC_ISA) = {VEC_LANES, FN(fft_columns), FN(fft_rows), FN(fft_back),
                                        FN(fft_unpack)};
