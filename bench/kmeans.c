/* Sizes of the kmeans rows: `rows` of `columns` values, 64 clusters; they have no window.  The rows
 * are the first of every block's worth, silhouettes have at most 10,000 of them. */
#include <string.h>

#include "bench/harness/bench.h"

enum { CLUSTERS = 64, COLUMNS_MOST = 4096 };

static const dcb_size sizes[] = {{10000, 50}, {200000, 64}, {1000000, 16}, {0, 0}};
static const dcb_size quick_sizes[] = {{10000, 50}, {0, 0}};
static const int64_t no_window[] = {1, 0};

static int64_t exponents[COLUMNS_MOST]; /* quanta of 1: the values are random */
static int64_t first[5];

/* The memory of an array as another, `at` elements of its own from the start. */
static dc_array as(const dc_array *memory, int32_t dtype, int32_t ndim, const int64_t *shape,
                   int64_t at)
{
    dc_array a = memory->buffer ? dc_array_device(memory->buffer, dtype, ndim, shape)
                                : dc_array_host(memory->data, dtype, ndim, shape);

    a.offset = at;
    return a;
}

static void kmeans_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    dc_kmeans_params p = DC_KMEANS_PARAMS_INIT;
    const int32_t t = src->dtype;
    const int64_t d = c->columns < COLUMNS_MOST ? c->columns : COLUMNS_MOST;
    const int64_t most = c->op.kind == DC_KMEANS_SILHOUETTE && c->rows > 10000 ? 10000 : c->rows;
    const int64_t blocks = most / 64 > 0 ? most / 64 : 1, n = blocks * 64,
                  limbs = t == DC_F32 ? 1 : 2;
    const int64_t room = c->rows * c->columns / n; /* values of the result to a row */
    const int64_t k = room < CLUSTERS ? (room > 1 ? room / 2 : 1) : CLUSTERS;
    const int64_t few = k < n / 2 ? k : 1, behind = n + 64; /* int64: far behind n labels */

    p.kind = c->op.kind;
    p.src = as(src, t, 3, (int64_t[]){blocks, d, 64}, 0);
    p.centers = as(src, t, 2, (int64_t[]){few, d}, 0);
    p.labels = as(src, DC_I32, 1, &n, 0);
    p.exponents = (dc_int64s){exponents, d};
    p.closest = as(src, t, 1, &n, 0);
    p.dst = as(dst, t, 1, &n, 0);
    p.sums = as(dst, DC_I64, 2, (int64_t[]){few, 2}, behind);
    if (p.kind == DC_KMEANS_PACK || p.kind == DC_KMEANS_SUMS || p.kind == DC_KMEANS_PREDICT ||
        p.kind == DC_KMEANS_TRANSFORM || p.kind == DC_KMEANS_SILHOUETTE)
        p.sums.ndim = 0;
    if (p.kind == DC_KMEANS_PACK) {
        p.src = as(src, t, 2, (int64_t[]){n, d}, 0);
        p.centers = as(src, t, 1, &d, 0);
        p.dst = as(dst, t, 3, (int64_t[]){blocks, d, 64}, 0);
    } else if (p.kind == DC_KMEANS_SUMS) {
        p.dst = as(dst, DC_I64, 2, (int64_t[]){limbs, d}, 0);
    } else if (p.kind == DC_KMEANS_ASSIGN || p.kind == DC_KMEANS_PREDICT) {
        const int64_t state[] = {few + 1, 2 + limbs * d};
        p.dst = as(dst, DC_I32, 1, &n, 0);
        p.state = as(src, DC_I64, 2, state, 0);
        p.sums = as(dst, DC_I64, 2, state, behind);
    } else if (p.kind == DC_KMEANS_NEAR) {
        const int64_t some = few < 6 ? few : 6;
        p.centers.shape[0] = some;
        p.dst = as(dst, t, 2, (int64_t[]){some, n}, 0);
        p.sums = as(dst, DC_I64, 2, (int64_t[]){some, blocks}, some * n + 64);
    } else if (p.kind == DC_KMEANS_TRANSFORM) {
        p.dst = as(dst, t, 2, (int64_t[]){n, few}, 0);
    } else if (p.kind == DC_KMEANS_SILHOUETTE) {
        const int64_t five = 5;
        for (int64_t i = 0; i < 5; ++i)
            first[i] = i * n / 4;
        p.state = dc_array_host(first, DC_I64, 1, &five);
    }
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_kmeans = {"kmeans", sizes, quick_sizes, no_window, no_window, kmeans_params};
