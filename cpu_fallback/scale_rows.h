/* Scaling on the CPU: the rows that go value by value, over values that lie end to end. */
#ifndef DC_CPU_SCALE_ROWS_H
#define DC_CPU_SCALE_ROWS_H

#include "kernels/shared/scale_power.h"
#include "kernels/shared/scale_value.h"
#include "kernels/shared/vec.h"

/* What one call works on: x and y may be codes. */
typedef struct FN(scale_span) {
    const void *x;
    const FN(loose) * a, *b, *c;
    void *y;
    int stream; /* y is aligned to a register, and goes past the caches */
} FN(scale_span);

typedef void (*FN(scale_row))(const FN(scale_span) * s, dc_i64 n, const dc_scale_args *args);

DC_INLINE FN(vec) FN(scale_quiet_lanes)(FN(vec) y)
{
    return FN(vsel)(FN(visnan)(y), FN(vquiet)(), y);
}

/* A row whose lanes are LANES(x, a, b, c), registers first, then what is left. */
#define SCALE_LANE_ROW(name, lanes)                                                                \
    static void FN(name##_row)(const FN(scale_span) * s, dc_i64 n, const dc_scale_args *args)      \
    {                                                                                              \
        const FN(loose) *const x = s->x, *const a = s->a, *const b = s->b, *const c = s->c;        \
        FN(loose) *const y = s->y;                                                                 \
        const FN(scale_frame) f = FN(scale_frame_of)(args);                                        \
        dc_i64 i = 0;                                                                              \
                                                                                                   \
        if (s->stream)                                                                             \
            for (; i + VEC_LANES <= n; i += VEC_LANES) {                                           \
                const FN(vec) v = FN(lanes)(&f, FN(vloadu)(x + i), FN(vloadu)(a + i),              \
                                            FN(vloadu)(b + i), FN(vloadu)(c + i));                 \
                FN(vstream)((T *)(y + i), v);                                                      \
            }                                                                                      \
        for (; i + VEC_LANES <= n; i += VEC_LANES) {                                               \
            const FN(vec) v = FN(lanes)(&f, FN(vloadu)(x + i), FN(vloadu)(a + i),                  \
                                        FN(vloadu)(b + i), FN(vloadu)(c + i));                     \
            FN(vstoreu)(y + i, v);                                                                 \
        }                                                                                          \
        if (i < n) {                                                                               \
            const int rest = (int)(n - i);                                                         \
            const FN(vec) v = FN(lanes)(&f, FN(vload_n)(x + i, rest), FN(vload_n)(a + i, rest),    \
                                        FN(vload_n)(b + i, rest), FN(vload_n)(c + i, rest));       \
            FN(vstore_n)(y + i, v, rest);                                                          \
        }                                                                                          \
    }

/* What is the same for all values. */
typedef struct FN(scale_frame) {
    FN(vec) low, high;
    int outside, inf;
} FN(scale_frame);

DC_INLINE FN(scale_frame) FN(scale_frame_of)(const dc_scale_args *args)
{
    FN(scale_frame)
    f = {FN(vset)(SCALE_LOW(args)), FN(vset)(SCALE_HIGH(args)), args->outside, args->inf};
    return f;
}

DC_INLINE FN(vec) FN(scale_held_lanes)(const FN(scale_frame) * f, FN(vec) y)
{
    return FN(scale_quiet_lanes)(FN(vmin)(f->high, FN(vmax)(f->low, y)));
}

DC_INLINE FN(vec)
    FN(scale_apply_lanes)(const FN(scale_frame) * f, FN(vec) x, FN(vec) a, FN(vec) b, FN(vec) c)
{
    (void)c;
    return FN(scale_held_lanes)(f, (x - a) / b);
}

DC_INLINE FN(vec)
    FN(scale_inverse_lanes)(const FN(scale_frame) * f, FN(vec) x, FN(vec) a, FN(vec) b, FN(vec) c)
{
    const FN(vec) product = x * b;

    (void)c;
    return FN(scale_held_lanes)(f, product + a);
}

DC_INLINE FN(vec)
    FN(scale_clip_lanes)(const FN(scale_frame) * f, FN(vec) x, FN(vec) a, FN(vec) b, FN(vec) c)
{
    const FN(mask) below = FN(vlt)(x, a), above = FN(vlt)(b, x);

    (void)c;
    if (f->outside == DC_SCALE_OUTSIDE_MASK)
        return FN(vsel)(FN(mor)(FN(mor)(below, above), FN(visnan)(x)), FN(vquiet)(), x);
    return FN(scale_quiet_lanes)(FN(vsel)(below, a, FN(vsel)(above, b, x)));
}

DC_INLINE FN(vec)
    FN(scale_fill_lanes)(const FN(scale_frame) * f, FN(vec) x, FN(vec) a, FN(vec) b, FN(vec) c)
{
    const FN(mask) up = FN(veq)(x, FN(vinf)()), down = FN(veq)(x, -FN(vinf)());
    FN(vec) y = FN(vsel)(FN(visnan)(x), a, x);

    if (f->inf == DC_SCALE_INF_MISSING)
        y = FN(vsel)(FN(mor)(up, down), a, y);
    else if (f->inf == DC_SCALE_INF_CLIP)
        y = FN(vsel)(up, c, FN(vsel)(down, b, y));
    return FN(scale_quiet_lanes)(y);
}

SCALE_LANE_ROW(scale_apply, scale_apply_lanes)
SCALE_LANE_ROW(scale_inverse, scale_inverse_lanes)
SCALE_LANE_ROW(scale_clip, scale_clip_lanes)
SCALE_LANE_ROW(scale_fill, scale_fill_lanes)
#undef SCALE_LANE_ROW

static void FN(scale_power_row)(const FN(scale_span) * s, dc_i64 n, const dc_scale_args *args)
{
    const FN(loose) *const x = s->x;
    FN(loose) *const y = s->y;

    for (dc_i64 i = 0; i < n; i++)
        y[i] = FN(scale_power_value)(x[i], s->a[i], args->function, args->inverse);
}

typedef dc_u8 FN(scale_u8) __attribute__((may_alias));
typedef dc_u16 FN(scale_u16) __attribute__((aligned(1), may_alias));
typedef int8_t FN(scale_i8) __attribute__((may_alias));
typedef int16_t FN(scale_i16) __attribute__((aligned(1), may_alias));

static void FN(scale_quantize_row)(const FN(scale_span) * s, dc_i64 n, const dc_scale_args *args)
{
    const FN(loose) *const x = s->x, *const a = s->a, *const b = s->b;
    const dc_i32 least = args->least, most = args->most, format = args->format;
    FN(scale_u8) *const bytes = s->y;
    FN(scale_u16) *const words = s->y;

    if (format == DC_F16)
        for (dc_i64 i = 0; i < n; i++)
            words[i] = FN(scale_half)(x[i] / b[i]);
    else if (format == DC_I8 || format == DC_U8)
        for (dc_i64 i = 0; i < n; i++)
            bytes[i] = (dc_u8)FN(scale_code)(x[i], a[i], b[i], least, most);
    else
        for (dc_i64 i = 0; i < n; i++)
            words[i] = (dc_u16)FN(scale_code)(x[i], a[i], b[i], least, most);
}

#define SCALE_DECODE(type, value, zero)                                                            \
    do {                                                                                           \
        const FN(type) *const x = s->x;                                                            \
        for (dc_i64 i = 0; i < n; i++)                                                             \
            y[i] = FN(scale_decoded)(value(x[i]), zero, b[i]);                                     \
    } while (0)

static void FN(scale_dequantize_row)(const FN(scale_span) * s, dc_i64 n, const dc_scale_args *args)
{
    const FN(loose) *const a = s->a, *const b = s->b;
    FN(loose) *const y = s->y;

    if (args->format == DC_F16)
        SCALE_DECODE(scale_u16, FN(scale_unhalf), 0);
    else if (args->format == DC_I8)
        SCALE_DECODE(scale_i8, (T), a[i]);
    else if (args->format == DC_U8)
        SCALE_DECODE(scale_u8, (T), a[i]);
    else if (args->format == DC_I16)
        SCALE_DECODE(scale_i16, (T), a[i]);
    else
        SCALE_DECODE(scale_u16, (T), a[i]);
}
#undef SCALE_DECODE

#endif
