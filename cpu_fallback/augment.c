/* Physics augmentation: the CPU mirror.  Compiled for each type (T, SFX).
 *
 * A tile is one map of latitude and longitude at all geological times.  Some rows of it at a time
 * are read, disturbed and blended in a buffer, where noise can be made for many neighbours at once;
 * each row then goes where flip and rolls put it. */
#include <string.h>

#include "kernels/shared/augment.h"
#include "kernels/shared/mirror.h"
#include "kernels/shared/random_lanes.h"

#if DC_BITS_OF(SFX) == 32
#define AUGMENT_PICK(f32, f64) f32
#else
#define AUGMENT_PICK(f32, f64) f64
#endif

#ifndef DC_CPU_AUGMENT_C
#define DC_CPU_AUGMENT_C
enum { AUGMENT_VALUES = 4096 }; /* of a buffer, about: all geological times of some rows */
enum { AUGMENT_ROWS, AUGMENT_PITCH, AUGMENT_STREAM }; /* tiling->part */
#endif

/* A tile being worked on. */
typedef struct FN(augment_map) {
    const dc_augment_args *args;
    const FN(loose) * src; /* the map at geological time 0 */
    FN(loose) * dst;
    dc_i64 place; /* of its first element in the sequence of the noise */
    dc_i64 rows, pitch;
    int class, stream;
    T *value, *noise; /* pitch values for each geological time; pitch values */
    T *row;           /* a result, as it will lie */
} FN(augment_map);

static void FN(augment_apply_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_augment_args *const a = args;
    const dc_i64 together = a->smooth ? a->shape[3] : 1;
    dc_i64 rows = AUGMENT_VALUES / (a->shape[6] * together), count = 1;

    memset(tiling, 0, sizeof *tiling);
    rows = rows < 1 ? 1 : rows > a->shape[5] ? a->shape[5] : rows;
    tiling->part[AUGMENT_ROWS] = rows;
    tiling->part[AUGMENT_PITCH] = (rows * a->shape[6] + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
    tiling->tiles = a->shape[0] * a->shape[1] * a->shape[2] * a->shape[4];
    tiling->scratch_bytes =
        ((together + 1) * tiling->part[AUGMENT_PITCH] + a->shape[6]) * (dc_i64)sizeof(T);
    for (int d = 0; d < DC_AUGMENT_AXES; d++)
        count *= a->shape[d];
    tiling->part[AUGMENT_STREAM] = count * (dc_i64)sizeof(T) > machine->l3_bytes / 4;
    tiling->work = count * AUGMENT_PICK(1, 3) + 1; /* nanoseconds, with noise */
}

/* Rows first ... first + rows - 1 of the map at time g, as they lie in the source. */
static void FN(augment_read)(const FN(augment_map) * m, dc_i64 g, dc_i64 first, dc_i64 rows, T *to)
{
    const dc_augment_args *const a = m->args;
    const dc_i64 n = a->shape[6], step = a->src_stride[6];

    for (dc_i64 r = 0; r < rows; r++, to += n) {
        const FN(loose) *const from =
            m->src + g * a->src_stride[3] + (first + r) * a->src_stride[5];

        if (step == 1)
            memcpy(to, (const void *)from, (size_t)n * sizeof(T));
        else
            for (dc_i64 i = 0; i < n; i++)
                to[i] = from[i * step];
    }
}

/* Noise and clamp, where the variable's class has them. */
static void FN(augment_disturb)(const FN(augment_map) * m, dc_i64 g, dc_i64 first, dc_i64 count,
                                T *x)
{
    const dc_augment_args *const a = m->args;
    dc_random_args random = a->random;
    const FN(vec) zero = FN(vzero)(), one = FN(vset)(1);
    int noisy;

    if (m->class < 0)
        return;
    random.scale32 = a->std32[m->class];
    random.scale64 = a->std64[m->class];
    noisy = AUGMENT_PICK(random.scale32, random.scale64) != 0;
    if (noisy) {
        const random_frame frame = random_frame_of(&random);
        const dc_i64 map = a->shape[4] * a->shape[5] * a->shape[6];

        FN(random_fill)
        (FN(random_normal_group), &frame, &random, m->place + g * map + first * a->shape[6], count,
         m->noise);
    }
    for (dc_i64 i = 0; i < count; i += VEC_LANES) {
        FN(vec) y = FN(vload)(x + i);

        if (noisy)
            y = y + FN(vload)(m->noise + i);
        if (m->class == DC_AUGMENT_HUMIDITY) {
            y = FN(vsel)(FN(vlt)(y, zero), zero, y);
            y = FN(vsel)(FN(vlt)(one, y), one, y);
        }
        FN(vstore)(x + i, y);
    }
}

/* Blend every value with the mean along the geological axis. */
static void FN(augment_blend)(const FN(augment_map) * m, dc_i64 count)
{
    const dc_augment_args *const a = m->args;
    const FN(vec) keep = FN(vset)(AUGMENT_PICK(a->keep32, a->keep64));
    const FN(vec) blend = FN(vset)(AUGMENT_PICK(a->blend32, a->blend64));
    const FN(vec) periods = FN(vset)((T)a->shape[3]);

    for (dc_i64 i = 0; i < count; i += VEC_LANES) {
        FN(vec) column[DC_AUGMENT_COLUMNS] = {{0}}, mean;

        for (dc_i64 g = 0; g < a->shape[3]; g++)
            column[g % DC_AUGMENT_COLUMNS] += FN(vload)(m->value + g * m->pitch + i);
        for (int apart = DC_AUGMENT_COLUMNS / 2; apart > 0; apart /= 2)
            for (int c = 0; c < apart; c++)
                column[c] = column[c] + column[c + apart];
        mean = blend * (column[0] / periods);
        for (dc_i64 g = 0; g < a->shape[3]; g++) {
            T *const at = m->value + g * m->pitch + i;

            FN(vstore)(at, FN(vload)(at) * keep + mean);
        }
    }
}

/* The scaled values, none but the one quiet NaN. */
static void FN(augment_scale)(const FN(augment_map) * m, T *x, dc_i64 count)
{
    const FN(vec) scale = FN(vset)(AUGMENT_PICK(m->args->scale32, m->args->scale64));

    for (dc_i64 i = 0; i < count; i += VEC_LANES) {
        const FN(vec) y = FN(vload)(x + i) * scale;

        FN(vstore)(x + i, FN(vsel)(FN(visnan)(y), FN(vquiet)(), y));
    }
}

static void FN(augment_put)(const FN(augment_map) * m, FN(loose) * to, const T *from, dc_i64 n)
{
    dc_i64 i = 0;

    if (m->stream && (uintptr_t)to % DC_VECTOR_BYTES == 0)
        for (; i + VEC_LANES <= n; i += VEC_LANES)
            FN(vstream)((T *)(void *)(to + i), FN(vloadu)(from + i));
    memcpy((void *)(to + i), from + i, (size_t)(n - i) * sizeof(T));
}

/* Rows of the map at time g to their places. */
static void FN(augment_write)(const FN(augment_map) * m, dc_i64 g, dc_i64 first, dc_i64 rows,
                              const T *from)
{
    const dc_augment_args *const a = m->args;
    const dc_i64 n = a->shape[6], shift = a->lon_shift, step = a->dst_stride[6];

    for (dc_i64 r = 0; r < rows; r++, from += n) {
        const dc_i64 la = a->flip ? a->shape[5] - 1 - (first + r) : first + r;
        FN(loose) *const to = m->dst + g * a->dst_stride[3] + la * a->dst_stride[5];
        const T *row = from;

        if (shift != 0) {
            memcpy(m->row, from + n - shift, (size_t)shift * sizeof(T));
            memcpy(m->row + shift, from, (size_t)(n - shift) * sizeof(T));
            row = m->row;
        }
        if (step == 1)
            FN(augment_put)(m, to, row, n);
        else
            for (dc_i64 i = 0; i < n; i++)
                to[i * step] = row[i];
    }
}

static void FN(augment_rows)(const FN(augment_map) * m, dc_i64 first, dc_i64 rows)
{
    const dc_augment_args *const a = m->args;
    const dc_i64 count = rows * a->shape[6], whole = (count + VEC_LANES - 1) / VEC_LANES;

    for (dc_i64 g = 0; g < a->shape[3]; g++) {
        T *const x = m->value + (a->smooth ? g * m->pitch : 0);

        memset(x + (whole - 1) * VEC_LANES, 0, DC_VECTOR_BYTES); /* beyond the last value */
        FN(augment_read)(m, g, first, rows, x);
        if (a->apply)
            FN(augment_disturb)(m, g, first, count, x);
        if (a->apply && !a->smooth)
            FN(augment_scale)(m, x, count);
        if (!a->smooth)
            FN(augment_write)(m, g, first, rows, x);
    }
    if (!a->smooth)
        return;
    FN(augment_blend)(m, count);
    for (dc_i64 g = 0; g < a->shape[3]; g++) {
        FN(augment_scale)(m, m->value + g * m->pitch, count);
        FN(augment_write)(m, g, first, rows, m->value + g * m->pitch);
    }
}

static void FN(augment_apply)(void *const *operand, const void *args, const dc_tiling *tiling,
                              dc_i64 tile, void *scratch)
{
    const dc_augment_args a = *(const dc_augment_args *)args; /* no store can change it */
    const dc_i64 l = tile % a.shape[4], t = tile / a.shape[4] % a.shape[2];
    const dc_i64 v = tile / a.shape[4] / a.shape[2] % a.shape[1];
    const dc_i64 b = tile / a.shape[4] / a.shape[2] / a.shape[1];
    const dc_i64 from = a.apply ? augment_rolled(t, a.time_shift, a.shape[2]) : t;
    const dc_i64 pitch = tiling->part[AUGMENT_PITCH];
    FN(augment_map) m = {.args = &a, .rows = tiling->part[AUGMENT_ROWS], .pitch = pitch};

    m.class = augment_class(&a, v);
    m.stream = (int)tiling->part[AUGMENT_STREAM];
    m.src = (const T *)operand[0] + b * a.src_stride[0] + v * a.src_stride[1] +
            from * a.src_stride[2] + l * a.src_stride[4];
    m.dst = (T *)operand[1] + b * a.dst_stride[0] + v * a.dst_stride[1] + t * a.dst_stride[2] +
            l * a.dst_stride[4];
    m.place = (((b * a.shape[1] + v) * a.shape[2] + from) * a.shape[3] * a.shape[4] + l) *
                  a.shape[5] * a.shape[6] +
              a.random.offset;
    m.value = scratch;
    m.noise = m.value + (a.smooth ? a.shape[3] : 1) * pitch;
    m.row = m.noise + pitch;
    for (dc_i64 first = 0; first < a.shape[5]; first += m.rows)
        FN(augment_rows)(&m, first, m.rows < a.shape[5] - first ? m.rows : a.shape[5] - first);
    if (m.stream)
        dc_vec_fence();
}

#undef AUGMENT_PICK
