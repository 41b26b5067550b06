#include "tests/oracle/transform_oracle.h"

#include <string.h>

static uint64_t bits_at(const dc_array *a, const int64_t *index)
{
    const size_t size = dc_dtype_bytes(a->dtype);
    int64_t at = a->offset;
    uint64_t bits = 0;

    for (int32_t d = 0; d < a->ndim; ++d)
        at += index[d] * a->stride[d];
    memcpy(&bits, (const char *)a->data + at * (int64_t)size, size);
    return bits;
}

static double number(int32_t dtype, uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    float narrow;
    double wide;

    memcpy(&narrow, &low, sizeof narrow);
    memcpy(&wide, &bits, sizeof wide);
    return dtype == DC_F32 ? (double)narrow : wide;
}

/* Rounded once to the dtype: x is exact, or a float64 operation's result. */
static uint64_t stored(int32_t dtype, double x)
{
    const float narrow = (float)x;
    uint32_t low;
    uint64_t bits;

    if (x != x)
        return dtype == DC_F32 ? 0x7fc00000u : UINT64_C(0x7ff8000000000000);
    memcpy(&low, &narrow, sizeof low);
    memcpy(&bits, &x, sizeof bits);
    return dtype == DC_F32 ? low : bits;
}

/* A product of two float32 is exact in float64, and a sum or difference of them rounded to float64
 * and then to float32 is rounded once (53 >= 2 * 24 + 2). */
static double rounded(int32_t dtype, double x)
{
    return number(dtype, stored(dtype, x));
}

static int64_t own_axis(const dc_transform_params *p)
{
    return p->axis < 0 ? p->axis + p->dst.ndim : p->axis;
}

static uint64_t stacked(const dc_transform_params *p, const int64_t *index)
{
    int64_t whole[DC_MAX_NDIM] = {0};

    for (int32_t d = 0; d < p->dst.ndim; ++d) {
        int64_t axis = d;

        if (p->axes.count)
            axis = p->axes.at[d];
        else if (p->kind == DC_TRANSFORM_BATCH && p->dst.ndim > 2 && (d == 1 || d == 2))
            axis = 3 - d;
        whole[axis] = index[d];
    }
    return bits_at(&p->samples.at[whole[0]], whole + 1);
}

static uint64_t concatenated(const dc_transform_params *p, const int64_t *index)
{
    const int64_t axis = own_axis(p);
    int64_t i[DC_MAX_NDIM], k = 0;

    memcpy(i, index, sizeof i);
    while (i[axis] >= p->samples.at[k].shape[axis])
        i[axis] -= p->samples.at[k++].shape[axis];
    return bits_at(&p->samples.at[k], i);
}

static uint64_t shifted(const dc_transform_params *p, const int64_t *index)
{
    const int64_t axis = own_axis(p), n = p->src.shape[axis];
    const int32_t dtype = p->src.dtype;
    int64_t i[DC_MAX_NDIM];

    memcpy(i, index, sizeof i);
    i[axis] -= p->periods;
    if (i[axis] < 0 || i[axis] >= n) {
        const size_t size = dc_dtype_bytes(dtype);
        const uint64_t nan = dtype == DC_F16 ? 0x7e00u : stored(dtype, (double)__builtin_nanf(""));

        if (p->kind == DC_TRANSFORM_LAG && p->has_fill)
            return size < 8 ? p->fill & ((UINT64_C(1) << 8 * size) - 1) : p->fill;
        return nan;
    }
    if (p->kind == DC_TRANSFORM_LAG)
        return bits_at(&p->src, i);
    return stored(dtype,
                  number(dtype, bits_at(&p->src, index)) - number(dtype, bits_at(&p->src, i)));
}

static uint64_t scaled(const dc_transform_params *p, const int64_t *index)
{
    const dc_array *const by[] = {&p->scale, &p->offset, &p->low, &p->high};
    const int32_t dtype = p->src.dtype;
    double x = number(dtype, bits_at(&p->src, index));

    for (int k = 0; k < 4; ++k) {
        const int64_t at = by[k]->ndim && by[k]->shape[0] > 1 ? index[own_axis(p)] : 0;
        double c;

        if (!by[k]->ndim)
            continue;
        c = number(dtype, bits_at(by[k], &at));
        if (k < 2)
            x = rounded(dtype, k == 0 ? x * c : x + c);
        else if (k == 2 ? x < c : x > c)
            x = c;
    }
    return stored(dtype, x);
}

uint64_t dct_transform_element(const dc_transform_params *p, const int64_t *index, int64_t *where)
{
    int64_t i[DC_MAX_NDIM] = {0};

    *where = 0;
    for (int32_t d = 0; d < p->dst.ndim; ++d)
        *where = *where * p->dst.shape[d] + index[d];
    memcpy(i, index, (size_t)p->dst.ndim * sizeof *i);
    switch (p->kind) {
    case DC_TRANSFORM_COPY:
        for (int32_t d = 0; d < p->dst.ndim; ++d)
            i[p->axes.count ? p->axes.at[d] : d] = index[d];
        return bits_at(&p->src, i);
    case DC_TRANSFORM_STACK:
    case DC_TRANSFORM_BATCH:
        return stacked(p, index);
    case DC_TRANSFORM_CONCATENATE:
        return concatenated(p, i);
    case DC_TRANSFORM_ROLL:
        for (int32_t d = 0; d < p->shift.count; ++d)
            for (int64_t n = p->src.shape[d], k = ((p->shift.at[d] % n) + n) % n; k > 0; --k)
                i[d] = i[d] == 0 ? n - 1 : i[d] - 1;
        return bits_at(&p->src, i);
    case DC_TRANSFORM_GATHER: {
        const int64_t axis = own_axis(p);

        i[axis] = (int64_t)bits_at(&p->index, &index[axis]);
        return bits_at(&p->src, i);
    }
    case DC_TRANSFORM_AFFINE:
        return scaled(p, i);
    default:
        return shifted(p, i);
    }
}
