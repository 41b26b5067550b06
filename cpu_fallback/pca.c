/* Pca: the CPU mirror.  Included by runtime/isa.c, once per dtype (T, SFX).
 *
 * A tile is a range of elements in row-major order, walked in runs along the last axis. */
#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/pca.h"

static void FN(pca_scale_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    const dc_pca_args *const a = args;

    (void)machine;
    memset(tiling, 0, sizeof *tiling);
    /* Input and output of a tile together fit a second-level cache. */
    tiling->part[0] = 1 << 15;
    tiling->tiles = (a->count + tiling->part[0] - 1) / tiling->part[0];
    /* One thread moves some 16 bytes in a nanosecond. */
    tiling->work = a->count * 2 * (dc_i64)sizeof(T) / 16 + 1;
}

/* Steps in bytes; inputs may be misaligned. */
static inline void FN(pca_scale_run)(const char *src, dc_i64 src_step, char *dst, dc_i64 dst_step,
                                     dc_i64 count, const dc_pca_args *args)
{
    for (dc_i64 i = 0; i < count; i++) {
        T x, y;

        memcpy(&x, src + i * src_step, sizeof x);
        y = FN(pca_value)(args, x);
        memcpy(dst + i * dst_step, &y, sizeof y);
    }
}

static void FN(pca_scale_line)(const char *src, dc_i64 src_step, char *dst, dc_i64 dst_step,
                               dc_i64 count, const dc_pca_args *args)
{
    const dc_pca_args local = *args; /* a store to dst cannot change it */
    const dc_i64 size = (dc_i64)sizeof(T);

    /* A constant step of one element is what compilers make vectors of. */
    if (src_step == size && dst_step == size) {
        FN(pca_scale_run)(src, (dc_i64)sizeof(T), dst, (dc_i64)sizeof(T), count, &local);
        return;
    }
    FN(pca_scale_run)(src, src_step, dst, dst_step, count, &local);
}

static void FN(pca_scale)(void *const *operand, const void *args, const dc_tiling *tiling,
                          dc_i64 tile, void *scratch)
{
    const dc_pca_args *const a = args;
    const dc_i64 size = (dc_i64)sizeof(T), last = a->ndim - 1, inner = a->shape[last];
    const dc_i64 src_step = a->src_stride[last] * size, dst_step = a->dst_stride[last] * size;
    dc_i64 at = tile * tiling->part[0], end = at + tiling->part[0];

    (void)scratch;
    end = end < a->count ? end : a->count;
    while (at < end) {
        dc_i64 rest = at / inner, from, to, count;
        const dc_i64 first = at - rest * inner;

        from = first * src_step;
        to = first * dst_step;
        for (dc_i64 d = last - 1; d >= 0; d--) {
            const dc_i64 outer = rest / a->shape[d], digit = rest - outer * a->shape[d];

            from += digit * a->src_stride[d] * size;
            to += digit * a->dst_stride[d] * size;
            rest = outer;
        }
        count = inner - first < end - at ? inner - first : end - at;
        FN(pca_scale_line)
        ((const char *)operand[0] + from, src_step, (char *)operand[1] + to, dst_step, count, a);
        at += count;
    }
}
