/* k-means: the CPU mirror.  Included by runtime/isa.c, once per dtype (T, SFX).
 *
 * Lanes of a register are rows.  Scores and distances are made for KM_ROWS rows and up to six
 * centres at a time: 24 sums in the registers of AVX-512, 12 in those of AVX2. */
#include <math.h>
#include <string.h>

#include "kernels/shared/kmeans.h"
#include "kernels/shared/mirror.h"
#include "kernels/shared/vec.h"
#include "kernels/shared/vec_long.h"

#ifdef DC_VECTOR_AVX512
#define KM_VECTORS 4
#else
#define KM_VECTORS 2
#endif
#define KM_ROWS  (KM_VECTORS * VEC_LANES)
#define KM_BLOCK DC_KMEANS_BLOCK

typedef FN(loose) FN(km_in);

DC_INLINE dc_i64 FN(km_rows)(const dc_kmeans_args *a, dc_i64 block)
{
    const dc_i64 left = a->n - block * KM_BLOCK;

    return left < KM_BLOCK ? left : KM_BLOCK;
}

/* Blocks of a tile so that some eight tiles come to a thread and no tile is tiny; `ns` is the cost
 * of a block. */
DC_INLINE void FN(km_cut)(const dc_kmeans_args *a, const dc_machine *machine, dc_tiling *tiling,
                          double ns, double least_ns)
{
    const dc_i64 blocks = a->blocks, pieces = (dc_i64)machine->threads * 8;
    dc_i64 size = (blocks + pieces - 1) / pieces;

    if ((double)size * ns < least_ns)
        size = (dc_i64)(least_ns / ns) + 1;
    tiling->part[0] = size;
    tiling->tiles = (blocks + size - 1) / size;
    tiling->work = (dc_i64)((double)blocks * ns) + 1;
}

DC_INLINE dc_i64 FN(km_end)(const dc_kmeans_args *a, const dc_tiling *tiling, dc_i64 tile)
{
    const dc_i64 end = (tile + 1) * tiling->part[0];

    return end < a->blocks ? end : a->blocks;
}

/* Nanoseconds of the products of a block with k centres on one core. */
DC_INLINE double FN(km_block_ns)(const dc_kmeans_args *a)
{
    return 64.0 * (double)a->d * (double)(a->k + 4) * (double)sizeof(T) / 4 /
           (double)DC_VECTOR_BYTES;
}

#include "cpu_fallback/kmeans_pack.h"

#include "cpu_fallback/kmeans_assign.h"

#include "cpu_fallback/kmeans_distance.h"

#include "cpu_fallback/kmeans_silhouette.h"
