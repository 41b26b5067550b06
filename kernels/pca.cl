/* Pca on a device: one work-item for each element.  Compiled once per dtype with T (float, double)
 * and SFX (f32, f64). */
#include "kernels/shared/pca.h"

__kernel void FN(pca_scale)(__global const T *src, dc_i64 src_at, __global T *dst, dc_i64 dst_at,
                            dc_pca_args args, dc_launch part)
{
    dc_i64 rest = (dc_i64)get_global_id(0);

    if (rest >= part.p[0])
        return;
    for (int d = args.ndim - 1; d >= 0; d--) {
        const dc_i64 outer = rest / args.shape[d], digit = rest - outer * args.shape[d];

        src_at += digit * args.src_stride[d];
        dst_at += digit * args.dst_stride[d];
        rest = outer;
    }
    dst[dst_at] = FN(pca_value)(&args, src[src_at]);
}
