/* Physics augmentation on a device: one work-item for the results along the geological axis.
 * Compiled once per dtype with T (float, double) and SFX (f32, f64). */
#include "kernels/shared/augment.h"

#define VALUES DC_CAT(AUGMENT_VALUES, SFX)
enum { AUGMENT_VALUES_f32 = DC_RANDOM_VALUES_F32, AUGMENT_VALUES_f64 = DC_RANDOM_VALUES_F64 };
#define STD_f32(a, c)     (a)->std32[c]
#define STD_f64(a, c)     (a)->std64[c]
#define PICK_f32(a, name) (a)->name##32
#define PICK_f64(a, name) (a)->name##64
#define SCALAR(a, name)   DC_CAT(PICK, SFX)(a, name)

static void set_std_f32(dc_random_args *random, float std)
{
    random->scale32 = std;
}

static float quiet_f32(float y)
{
    return y == y ? y : as_float(0x7fc00000u);
}

#ifdef DC_FP64
static void set_std_f64(dc_random_args *random, double std)
{
    random->scale64 = std;
}

static double quiet_f64(double y)
{
    return y == y ? y : as_double(0x7ff8000000000000ul);
}
#endif

/* x with noise and clamped; i: its place in the sequence. */
static T FN(disturbed)(const dc_augment_args *args, int class, T x, dc_i64 i)
{
    if (class < 0)
        return x;
    if (DC_CAT(STD, SFX)(args, class) != 0) {
        dc_random_args random = args->random;
        T z[VALUES];

        FN(set_std)(&random, DC_CAT(STD, SFX)(args, class));
        FN(random_normal_block)(&random, (dc_u64)(i / VALUES), z);
        x = x + z[i % VALUES];
    }
    if (class == DC_AUGMENT_HUMIDITY) {
        x = x < 0 ? 0 : x;
        x = x > 1 ? 1 : x;
    }
    return x;
}

/* A line along the geological axis. */
typedef struct line {
    dc_i64 from, to, place; /* of period 0; place: in the sequence of the noise */
    dc_i64 place_step;      /* of the next period */
    int class;
} line;

static line line_of(const dc_augment_args *args, dc_i64 index)
{
    /* batch, variable, time, level, latitude, longitude */
    dc_i64 out[DC_AUGMENT_AXES], in[DC_AUGMENT_AXES];
    line l = {0, 0, 0, 0, 0};

    out[3] = 0;
    for (int d = DC_AUGMENT_AXES - 1; d >= 0; d--)
        if (d != 3) {
            out[d] = index % args->shape[d];
            index /= args->shape[d];
        }
    for (int d = 0; d < DC_AUGMENT_AXES; d++)
        in[d] = out[d];
    if (args->apply) {
        in[2] = augment_rolled(out[2], args->time_shift, args->shape[2]);
        in[5] = args->flip ? args->shape[5] - 1 - out[5] : out[5];
        in[6] = augment_rolled(out[6], args->lon_shift, args->shape[6]);
        l.class = augment_class(args, out[1]);
    }
    for (int d = 0; d < DC_AUGMENT_AXES; d++) {
        l.from += in[d] * args->src_stride[d];
        l.to += out[d] * args->dst_stride[d];
        l.place = l.place * args->shape[d] + in[d];
    }
    l.place += args->random.offset;
    l.place_step = args->shape[4] * args->shape[5] * args->shape[6];
    return l;
}

static T FN(value)(const dc_augment_args *args, const line *l, __global const T *src, dc_i64 g)
{
    return FN(disturbed)(args, l->class, src[l->from + g * args->src_stride[3]],
                         l->place + g * l->place_step);
}

static T FN(mean)(const dc_augment_args *args, const line *l, __global const T *src)
{
    T column[DC_AUGMENT_COLUMNS];

    for (int c = 0; c < DC_AUGMENT_COLUMNS; c++)
        column[c] = 0;
    for (dc_i64 g = 0; g < args->shape[3]; g++)
        column[g % DC_AUGMENT_COLUMNS] += FN(value)(args, l, src, g);
    for (int apart = DC_AUGMENT_COLUMNS / 2; apart > 0; apart /= 2)
        for (int c = 0; c < apart; c++)
            column[c] = column[c] + column[c + apart];
    return DC_CAT(dc_div, SFX)(column[0], (T)args->shape[3]);
}

__kernel void FN(augment_apply)(__global const T *src, dc_i64 src_at, __global T *dst,
                                dc_i64 dst_at, dc_augment_args args, dc_launch part)
{
    if ((dc_i64)get_global_id(0) >= part.p[0])
        return;
    const line l = line_of(&args, (dc_i64)get_global_id(0));
    T blended = 0;

    src += src_at;
    dst += dst_at + l.to;
    if (!args.apply) {
        for (dc_i64 g = 0; g < args.shape[3]; g++)
            dst[g * args.dst_stride[3]] = src[l.from + g * args.src_stride[3]];
        return;
    }
    if (args.smooth)
        blended = SCALAR(&args, blend) * FN(mean)(&args, &l, src);
    for (dc_i64 g = 0; g < args.shape[3]; g++) {
        T x = FN(value)(&args, &l, src, g);

        if (args.smooth)
            x = x * SCALAR(&args, keep) + blended;
        dst[g * args.dst_stride[3]] = FN(quiet)(x * SCALAR(&args, scale));
    }
}
