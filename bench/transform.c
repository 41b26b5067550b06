/* Sizes of the transform rows; they have no window.  copy transposes, the others keep the order. */
#include <string.h>

#include "bench/harness/bench.h"

/* In the cache of one core, in the cache of the package, beyond both. */
static const dcb_size sizes[] = {{100, 500}, {1000, 500}, {4096, 4096}, {0, 0}};
static const dcb_size quick_sizes[] = {{1000, 500}, {0, 0}};
static const int64_t no_window[] = {1, 0};

enum { ROWS_MOST = 1 << 16 };

/* The upper or lower half of the rows. */
static dc_array half_of(const dc_array *array, int lower)
{
    dc_array half = *array;

    half.shape[0] = array->shape[0] / 2;
    half.offset += lower ? half.shape[0] * array->stride[0] : 0;
    return half;
}

/* An axis of one sample in front. */
static dc_array stack_of(const dc_array *array)
{
    dc_array stack = *array;

    stack.ndim = 3;
    for (int d = 2; d > 0; --d) {
        stack.shape[d] = array->shape[d - 1];
        stack.stride[d] = array->stride[d - 1];
    }
    stack.shape[0] = 1;
    return stack;
}

/* What does not lie in the arrays of the case. */
static void set_lists(dc_transform_params *p, int32_t dtype, int64_t rows)
{
    static const int64_t one[1] = {1}, shift[2] = {1, 3}, axes[3] = {0, 1, 2};
    static const float factor32 = 1.5F;
    static const double factor64 = 1.5;
    static int64_t index[ROWS_MOST];
    const int64_t count = rows < ROWS_MOST ? rows : ROWS_MOST;

    p->shift.at = shift;
    p->shift.count = 2;
    if (p->kind == DC_TRANSFORM_BATCH) {
        p->axes.at = axes;
        p->axes.count = 3;
    }
    p->scale = p->offset = dtype == DC_F32 ? dc_array_host(&factor32, dtype, 1, one)
                                           : dc_array_host(&factor64, dtype, 1, one);
    for (int64_t i = 0; i < count; ++i)
        index[i] = count - 1 - i;
    p->index = dc_array_host(index, DC_I64, 1, &count);
}

static void transform_params(const dcb_case *c, const dc_array *src, const dc_array *dst, void *out)
{
    static dc_array samples[2];
    dc_transform_params p = DC_TRANSFORM_PARAMS_INIT;

    p.kind = c->op.kind;
    p.src = *src;
    p.dst = *dst;
    set_lists(&p, c->dtype, c->rows);
    samples[0] = half_of(src, 0);
    samples[1] = half_of(src, 1);
    p.samples.at = samples;
    p.samples.count = 2;
    if (p.kind == DC_TRANSFORM_COPY) {
        p.src.stride[0] = 1;
        p.src.stride[1] = c->rows;
    } else if (p.kind == DC_TRANSFORM_GATHER) {
        p.dst.shape[0] = p.index.shape[0];
    } else if (p.kind == DC_TRANSFORM_CONCATENATE) {
        p.dst.shape[0] = c->rows / 2 * 2;
    } else if (p.kind == DC_TRANSFORM_STACK) {
        p.dst = half_of(dst, 0);
        p.dst = stack_of(&p.dst);
        p.dst.shape[0] = 2;
        p.dst.stride[0] = c->rows / 2 * c->columns;
    } else if (p.kind == DC_TRANSFORM_BATCH) {
        const dc_array upper = half_of(dst, 0), lower = half_of(dst, 1);

        p.samples.count = 1;
        p.dst = stack_of(&upper);
        p.targets = stack_of(&lower);
    }
    memcpy(out, &p, sizeof p);
}

const dcb_family dcb_transform = {"transform", sizes,     quick_sizes,
                                  no_window,   no_window, transform_params};
