#include "host/core/axes.h"

#include <string.h>

int32_t dc__axes_view(dc_axes *axes, const dc_array *array)
{
    const int32_t view = axes->views++;

    if (view == 0) {
        axes->ndim = array->ndim;
        memcpy(axes->shape, array->shape, sizeof axes->shape);
    }
    memcpy(axes->stride[view], array->stride, sizeof axes->stride[view]);
    axes->first[view] = 0;
    return view;
}

static void axis_copy(dc_axes *axes, int32_t to, int32_t from)
{
    axes->shape[to] = axes->shape[from];
    axes->turn[to] = axes->turn[from];
    for (int32_t v = 0; v < axes->views; ++v)
        axes->stride[v][to] = axes->stride[v][from];
}

void dc__axes_squeeze(dc_axes *axes)
{
    int32_t kept = 0;

    for (int32_t d = 0; d < axes->ndim; ++d)
        if (axes->shape[d] != 1)
            axis_copy(axes, kept++, d);
    axes->ndim = kept;
}

void dc__axes_ascend(dc_axes *axes, int32_t view)
{
    for (int32_t d = 0; d < axes->ndim; ++d) {
        if (axes->stride[view][d] >= 0)
            continue;
        for (int32_t v = 0; v < axes->views; ++v) {
            axes->first[v] += axes->stride[v][d] * (axes->shape[d] - 1);
            axes->stride[v][d] = -axes->stride[v][d];
        }
        if (axes->turn[d])
            axes->turn[d] = axes->shape[d] - axes->turn[d];
    }
}

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

void dc__axes_sort(dc_axes *axes, int32_t view)
{
    dc_axes old = *axes;

    for (int32_t d = 0; d < old.ndim; ++d) {
        int32_t place = 0;

        for (int32_t k = 0; k < old.ndim; ++k) {
            const int64_t a = magnitude(old.stride[view][k]), b = magnitude(old.stride[view][d]);

            place += a > b || (a == b && k < d);
        }
        axes->shape[place] = old.shape[d];
        axes->turn[place] = old.turn[d];
        for (int32_t v = 0; v < old.views; ++v)
            axes->stride[v][place] = old.stride[v][d];
    }
}

/* Whether axis d goes on where the last kept axis k ends, so that both are one. */
static int axes_join(const dc_axes *axes, int32_t k, int32_t d)
{
    for (int32_t v = 0; v < axes->views; ++v)
        if (axes->stride[v][k] != axes->stride[v][d] * axes->shape[d])
            return 0;
    return axes->turn[d] == 0;
}

void dc__axes_merge(dc_axes *axes)
{
    int32_t kept = 0;

    dc__axes_squeeze(axes);
    for (int32_t d = 0; d < axes->ndim; ++d) {
        if (kept > 0 && axes_join(axes, kept - 1, d)) {
            const int64_t outer = axes->shape[kept - 1], turn = axes->turn[kept - 1];

            axis_copy(axes, kept - 1, d);
            axes->turn[kept - 1] = turn * axes->shape[d];
            axes->shape[kept - 1] = outer * axes->shape[d];
        } else {
            axis_copy(axes, kept++, d);
        }
    }
    if (kept == 0) {
        axes->shape[0] = 1;
        axes->turn[0] = 0;
        for (int32_t v = 0; v < axes->views; ++v)
            axes->stride[v][0] = 1;
        kept = 1;
    }
    axes->ndim = kept;
}
