/* Scaling on a device.  Compiled once per dtype with T (float, double) and SFX (f32, f64).
 *
 * One work-item for each value put out; filling along an axis: one for each block of rows of a
 * series, which looks for the valid values before (and after) its block itself; counts: one for
 * each count. */
#include "kernels/shared/scale.h"
#include "kernels/shared/scale_power.h"
#include "kernels/shared/scale_value.h"

/* Element of operand k that belongs to output element i. */
static dc_i64 scale_place(const dc_scale_args *args, int k, dc_i64 i)
{
    dc_i64 at = 0;

    for (int d = args->ndim - 1; d >= 0; d--) {
        const dc_i64 outer = i / args->shape[d];

        at += (i - outer * args->shape[d]) * args->stride[k][d];
        i = outer;
    }
    return at;
}

#define SCALE_NUMBER(p, k)                                                                         \
    (args.absent & 1 << (k) ? SCALE_VALUE(&args, k) : (p)[p##_at + scale_place(&args, k, i)])

#define SCALE_OPERANDS_OF(x_type, y_type)                                                          \
    __global const x_type *x, dc_i64 x_at, __global const T *a, dc_i64 a_at, __global const T *b,  \
        dc_i64 b_at, __global const T *c, dc_i64 c_at, __global y_type *y, dc_i64 y_at,            \
        dc_scale_args args, dc_launch part

/* Each kernel's first lines: its element, and out with what there is too much of. */
#define SCALE_BEGIN                                                                                \
    const dc_i64 i = (dc_i64)get_global_id(0);                                                     \
    if (i >= part.p[0])                                                                            \
        return;

__kernel void FN(scale_apply)(SCALE_OPERANDS_OF(T, T))
{
    SCALE_BEGIN
    y[y_at + scale_place(&args, DC_SCALE_Y, i)] = FN(scale_apply_value)(
        x[x_at + scale_place(&args, DC_SCALE_X, i)], SCALE_NUMBER(a, DC_SCALE_A),
        SCALE_NUMBER(b, DC_SCALE_B), SCALE_LOW(&args), SCALE_HIGH(&args));
}

__kernel void FN(scale_inverse)(SCALE_OPERANDS_OF(T, T))
{
    SCALE_BEGIN
    y[y_at + scale_place(&args, DC_SCALE_Y, i)] = FN(scale_inverse_value)(
        x[x_at + scale_place(&args, DC_SCALE_X, i)], SCALE_NUMBER(a, DC_SCALE_A),
        SCALE_NUMBER(b, DC_SCALE_B), SCALE_LOW(&args), SCALE_HIGH(&args));
}

__kernel void FN(scale_clip)(SCALE_OPERANDS_OF(T, T))
{
    SCALE_BEGIN
    y[y_at + scale_place(&args, DC_SCALE_Y, i)] = FN(scale_clip_value)(
        x[x_at + scale_place(&args, DC_SCALE_X, i)], SCALE_NUMBER(a, DC_SCALE_A),
        SCALE_NUMBER(b, DC_SCALE_B), args.outside);
}

__kernel void FN(scale_fill)(SCALE_OPERANDS_OF(T, T))
{
    SCALE_BEGIN
    y[y_at + scale_place(&args, DC_SCALE_Y, i)] = FN(scale_fill_value)(
        x[x_at + scale_place(&args, DC_SCALE_X, i)], SCALE_NUMBER(a, DC_SCALE_A),
        SCALE_NUMBER(b, DC_SCALE_B), SCALE_NUMBER(c, DC_SCALE_C), args.inf);
}

__kernel void FN(scale_power)(SCALE_OPERANDS_OF(T, T))
{
    SCALE_BEGIN
    y[y_at + scale_place(&args, DC_SCALE_Y, i)] =
        FN(scale_power_value)(x[x_at + scale_place(&args, DC_SCALE_X, i)],
                              SCALE_NUMBER(a, DC_SCALE_A), args.function, args.inverse);
}

__kernel void FN(scale_quantize)(SCALE_OPERANDS_OF(T, uchar))
{
    SCALE_BEGIN
    const T value = x[x_at + scale_place(&args, DC_SCALE_X, i)];
    const T zero = SCALE_NUMBER(a, DC_SCALE_A), step = SCALE_NUMBER(b, DC_SCALE_B);
    const dc_i64 at = y_at + scale_place(&args, DC_SCALE_Y, i);

    if (args.format == DC_F16) {
        ((__global ushort *)y)[at] = FN(scale_half)(FN(dc_div)(value, step));
        return;
    }
    const int code = FN(scale_code)(value, zero, step, args.least, args.most);
    if (args.format == DC_I8 || args.format == DC_U8)
        y[at] = (uchar)code;
    else
        ((__global ushort *)y)[at] = (ushort)code;
}

__kernel void FN(scale_dequantize)(SCALE_OPERANDS_OF(uchar, T))
{
    SCALE_BEGIN
    const dc_i64 at = x_at + scale_place(&args, DC_SCALE_X, i);
    const T step = SCALE_NUMBER(b, DC_SCALE_B);
    T zero = SCALE_NUMBER(a, DC_SCALE_A), q;

    if (args.format == DC_F16) {
        q = FN(scale_unhalf)(((__global const ushort *)x)[at]);
        zero = 0;
    } else if (args.format == DC_I8) {
        q = (T)((__global const char *)x)[at];
    } else if (args.format == DC_U8) {
        q = (T)x[at];
    } else if (args.format == DC_I16) {
        q = (T)((__global const short *)x)[at];
    } else {
        q = (T)((__global const ushort *)x)[at];
    }
    y[y_at + scale_place(&args, DC_SCALE_Y, i)] = FN(scale_decoded)(q, zero, step);
}

__kernel void FN(scale_count)(SCALE_OPERANDS_OF(T, long))
{
    SCALE_BEGIN
    dc_i64 at[DC_SCALE_OPERANDS], digit[DC_SCALE_MAX_AXES], count = 0;
    const int first = args.ndim, end = args.ndim + args.reduced;

    at[DC_SCALE_X] = x_at + scale_place(&args, DC_SCALE_X, i);
    at[DC_SCALE_A] = a_at + scale_place(&args, DC_SCALE_A, i);
    at[DC_SCALE_B] = b_at + scale_place(&args, DC_SCALE_B, i);
    for (int d = first; d < end; d++)
        digit[d] = 0;
    for (dc_i64 n = 0; n < args.values; n++) {
        count += FN(scale_counted)(
            x[at[DC_SCALE_X]],
            args.absent & 1 << DC_SCALE_A ? SCALE_VALUE(&args, DC_SCALE_A) : a[at[DC_SCALE_A]],
            args.absent & 1 << DC_SCALE_B ? SCALE_VALUE(&args, DC_SCALE_B) : b[at[DC_SCALE_B]],
            args.count_what, args.format, args.least, args.most);
        for (int d = end - 1; d >= first; d--) {
            const int carry = ++digit[d] == args.shape[d];

            for (int k = DC_SCALE_X; k <= DC_SCALE_B; k++)
                at[k] += carry ? (1 - args.shape[d]) * args.stride[k][d] : args.stride[k][d];
            if (!carry)
                break;
            digit[d] = 0;
        }
    }
    y[y_at + scale_place(&args, DC_SCALE_Y, i)] = count;
}

/* ---- filling along an axis --------------------------------------------------------------------
 */

/* The rows of a block of a series. */
typedef struct scale_block {
    dc_i64 x, y, from, end; /* elements of row 0; rows */
} scale_block;

static scale_block scale_block_of(const dc_scale_args *args, dc_i64 i, dc_i64 x_at, dc_i64 y_at)
{
    const dc_i64 series = i / args->blocks;
    scale_block b;

    b.from = (i - series * args->blocks) * args->block;
    b.end = b.from + args->block < args->rows ? b.from + args->block : args->rows;
    b.x = x_at + args->first[DC_SCALE_X] + scale_place(args, DC_SCALE_X, series);
    b.y = y_at + args->first[DC_SCALE_Y] + scale_place(args, DC_SCALE_Y, series);
    return b;
}

/* Nearest row with a valid value at or before `row` (step -1), at or after it (1), looking at
 * `most` rows at the most; -1: none. */
static dc_i64 FN(scale_nearest)(__global const T *x, const dc_scale_args *args, dc_i64 row,
                                int step, dc_i64 most)
{
    for (dc_i64 n = 0; n < most && row >= 0 && row < args->rows; n++, row += step)
        if (!FN(scale_is_missing)(x[row * args->row_stride[DC_SCALE_X]], args->inf))
            return row;
    return -1;
}

static void FN(scale_carry)(__global const T *x, __global T *y, const dc_scale_args *args,
                            const scale_block *b)
{
    const dc_i64 x_step = args->row_stride[DC_SCALE_X], y_step = args->row_stride[DC_SCALE_Y];
    dc_i64 last = FN(scale_nearest)(x, args, b->from - 1, -1, args->limit);
    T value = last >= 0 ? x[last * x_step] : 0;

    for (dc_i64 r = b->from; r < b->end; r++) {
        const T here = x[r * x_step];

        if (!FN(scale_is_missing)(here, args->inf)) {
            last = r;
            value = here;
        }
        y[r * y_step] = last >= 0 && r - last <= args->limit ? value : SCALE_NAN;
    }
}

__kernel void FN(scale_forward)(SCALE_OPERANDS_OF(T, T))
{
    SCALE_BEGIN
    const scale_block block = scale_block_of(&args, i, x_at, y_at);

    FN(scale_carry)(x + block.x, y + block.y, &args, &block);
}

__kernel void FN(scale_backward)(SCALE_OPERANDS_OF(T, T))
{
    SCALE_BEGIN
    const scale_block block = scale_block_of(&args, i, x_at, y_at);

    FN(scale_carry)(x + block.x, y + block.y, &args, &block);
}

__kernel void FN(scale_linear)(SCALE_OPERANDS_OF(T, T))
{
    SCALE_BEGIN
    const scale_block block = scale_block_of(&args, i, x_at, y_at);
    const dc_i64 x_step = args.row_stride[DC_SCALE_X], y_step = args.row_stride[DC_SCALE_Y];
    dc_i64 before = FN(scale_nearest)(x + block.x, &args, block.from - 1, -1, args.rows);
    dc_i64 after = -1; /* the valid row after the missing ones, once it has been looked for */
    int looked = 0;

    x += block.x;
    y += block.y;
    for (dc_i64 r = block.from; r < block.end; r++) {
        T value = x[r * x_step];

        if (!FN(scale_is_missing)(value, args.inf)) {
            before = r;
            looked = 0;
            y[r * y_step] = value;
            continue;
        }
        if (!looked)
            after = FN(scale_nearest)(x, &args, r, 1, args.rows);
        looked = 1;
        if ((before < 0 || r - before > args.limit) && (after < 0 || after - r > args.limit))
            value = SCALE_NAN;
        else if (before >= 0 && after >= 0)
            value = FN(scale_between)(x[before * x_step], x[after * x_step], r - before,
                                      after - before);
        else
            value = args.ends ? x[(before >= 0 ? before : after) * x_step] : SCALE_NAN;
        y[r * y_step] = value;
    }
}
