/* Sizes of the pca rows: as many components as a monitor of so many columns keeps. */
#include <string.h>

#include "bench/harness/bench.h"

enum { MOST_COLUMNS = 200, MOST_COMPONENTS = 20 };

/* In the cache of the package, wide, beyond the caches. */
static const dcb_size sizes[] = {{10000, 50}, {100000, 200}, {1000000, 50}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t no_window[] = {1, 0};

static float model32[MOST_COMPONENTS * MOST_COLUMNS], vector32[MOST_COLUMNS];
static double model64[MOST_COMPONENTS * MOST_COLUMNS], vector64[MOST_COLUMNS];

/* The memory of an array in another shape, from element `at` on. */
static dc_array as(const dc_array *memory, int64_t at, int32_t ndim, const int64_t *shape)
{
    dc_array array = memory->buffer ? dc_array_device(memory->buffer, memory->dtype, ndim, shape)
                                    : dc_array_host(memory->data, memory->dtype, ndim, shape);

    array.offset += at;
    return array;
}

static dc_array model(int32_t dtype, int32_t ndim, int64_t rows, int64_t columns)
{
    const int64_t shape[] = {rows, columns};
    const void *const at = ndim == 2 ? (dtype == DC_F32 ? (void *)model32 : (void *)model64)
                                     : (dtype == DC_F32 ? (void *)vector32 : (void *)vector64);

    return dc_array_host(at, dtype, ndim, shape + 2 - ndim);
}

static void pca_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_pca_params p = DC_PCA_PARAMS_INIT;
    const int64_t d = c->columns, n = c->rows, k = d == 200 ? 20 : n > 100000 ? 8 : 5;

    for (int i = 0; i < MOST_COLUMNS; ++i)
        vector32[i] = (float)(vector64[i] = 0.5 + (double)i / MOST_COLUMNS);
    for (int i = 0; i < MOST_COLUMNS * MOST_COMPONENTS; ++i)
        model32[i] = (float)(model64[i] = (double)(i * 37 % 101 - 50) / 500.0);
    p.kind = c->op.kind;
    p.components = model(c->dtype, 2, k, d);
    p.mean = p.scale = model(c->dtype, 1, 1, d);
    if (p.kind == DC_PCA_MONITOR) {
        p.src = *src;
        p.weights = model(c->dtype, 1, 1, k);
        p.t2 = as(dst, 0, 1, &n);
        p.spe = as(dst, n, 1, &n);
    } else {
        p.src = as(src, 0, 2, (int64_t[]){n, k});
        p.dst = *dst;
    }
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_pca = {"pca", sizes, quick_sizes, no_window, no_window, pca_params};
