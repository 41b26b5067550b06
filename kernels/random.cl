/* Random numbers on a device: one work-item for each block of values.  Compiled once per dtype with
 * T (float, double) and SFX (f32, f64). */
#include "kernels/shared/random.h"

#define VALUES DC_CAT(RANDOM_VALUES, SFX)
enum { RANDOM_VALUES_f32 = DC_RANDOM_VALUES_F32, RANDOM_VALUES_f64 = DC_RANDOM_VALUES_F64 };

/* The values of the block that the output has. */
static void FN(random_put)(__global T *dst, dc_i64 dst_at, const dc_random_args *args, dc_i64 block,
                           const T *v)
{
    for (int k = 0; k < VALUES; k++) {
        dc_i64 rest = block * VALUES + k - args->offset, at = dst_at;

        if (rest < 0 || rest >= args->count)
            continue;
        for (int d = args->ndim - 1; d >= 0; d--) {
            const dc_i64 outer = rest / args->shape[d];

            at += (rest - outer * args->shape[d]) * args->stride[d];
            rest = outer;
        }
        dst[at] = v[k];
    }
}

__kernel void FN(random_uniform)(__global T *dst, dc_i64 dst_at, dc_random_args args,
                                 dc_launch part)
{
    const dc_i64 block = args.offset / VALUES + (dc_i64)get_global_id(0);
    T v[VALUES];

    if ((dc_i64)get_global_id(0) >= part.p[0])
        return;
    FN(random_uniform_block)(&args, (dc_u64)block, v);
    FN(random_put)(dst, dst_at, &args, block, v);
}

__kernel void FN(random_normal)(__global T *dst, dc_i64 dst_at, dc_random_args args, dc_launch part)
{
    const dc_i64 block = args.offset / VALUES + (dc_i64)get_global_id(0);
    T v[VALUES];

    if ((dc_i64)get_global_id(0) >= part.p[0])
        return;
    FN(random_normal_block)(&args, (dc_u64)block, v);
    FN(random_put)(dst, dst_at, &args, block, v);
}
