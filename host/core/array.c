/* Views: construction, extent, the checks every family shares. */
#include "dualcube/array.h"

#include <stdio.h>
#include <string.h>

#include "host/core/backend.h"
#include "host/core/plan.h"

static dc_array array_dense(dc_buffer *buffer, const void *data, int32_t dtype, int32_t ndim,
                            const int64_t *shape)
{
    dc_array array;
    int64_t stride = 1;

    memset(&array, 0, sizeof array);
    array.buffer = buffer;
    memcpy(&array.data, &data, sizeof array.data); /* inputs are never written through it */
    array.dtype = dtype;
    array.ndim = ndim;
    if (ndim < 0 || ndim > DC_MAX_NDIM || !shape)
        return array;
    for (int32_t d = ndim - 1; d >= 0; --d) {
        array.shape[d] = shape[d];
        array.stride[d] = stride;
        if (__builtin_mul_overflow(stride, shape[d] > 0 ? shape[d] : 1, &stride))
            array.ndim = -1; /* refused by every call */
    }
    return array;
}

dc_array dc_array_host(const void *data, int32_t dtype, int32_t ndim, const int64_t *shape)
{
    return array_dense(NULL, data, dtype, ndim, shape);
}

dc_array dc_array_device(dc_buffer *buffer, int32_t dtype, int32_t ndim, const int64_t *shape)
{
    return array_dense(buffer, NULL, dtype, ndim, shape);
}

static const struct {
    const char *name, *suffix;
    size_t bytes;
} dtypes[DC_DTYPES] = {
    [DC_F32] = {"float32", "f32", 4}, [DC_F64] = {"float64", "f64", 8},
    [DC_U8] = {"uint8", "u8", 1},     [DC_U16] = {"uint16", "u16", 2},
    [DC_U32] = {"uint32", "u32", 4},  [DC_U64] = {"uint64", "u64", 8},
    [DC_I8] = {"int8", "i8", 1},      [DC_I16] = {"int16", "i16", 2},
    [DC_I32] = {"int32", "i32", 4},   [DC_I64] = {"int64", "i64", 8},
    [DC_F16] = {"float16", "f16", 2},
};

static int dtype_known(int32_t dtype)
{
    return dtype >= DC_F32 && dtype < DC_DTYPES;
}

size_t dc_dtype_bytes(int32_t dtype)
{
    return dtype_known(dtype) ? dtypes[dtype].bytes : 0;
}

const char *dc_dtype_name(int32_t dtype)
{
    return dtype_known(dtype) ? dtypes[dtype].name : "unknown";
}

const char *dc__dtype_suffix(int32_t dtype)
{
    return dtype_known(dtype) ? dtypes[dtype].suffix : "";
}

int32_t dc__move_dtype(int32_t dtype)
{
    switch (dc_dtype_bytes(dtype)) {
    case 1:
        return DC_U8;
    case 2:
        return DC_U16;
    case 4:
        return DC_U32;
    default:
        return DC_U64;
    }
}

int64_t dc_array_elements(const dc_array *array)
{
    int64_t n = 1;

    for (int32_t d = 0; d < array->ndim && d < DC_MAX_NDIM; ++d)
        if (__builtin_mul_overflow(n, array->shape[d], &n))
            return -1;
    return n;
}

/* Extent of the view in bytes around element 0; -1 when it does not fit 63 bits. */
static int array_extent(const dc_array *array, int64_t *low, int64_t *high)
{
    const int64_t size = (int64_t)dc_dtype_bytes(array->dtype);
    int64_t first = 0, last = 0; /* elements */

    *low = *high = 0;
    for (int32_t d = 0; d < array->ndim; ++d)
        if (array->shape[d] == 0)
            return 0;
    for (int32_t d = 0; d < array->ndim; ++d) {
        int64_t span;

        if (__builtin_mul_overflow(array->shape[d] - 1, array->stride[d], &span))
            return -1;
        if (__builtin_add_overflow(span < 0 ? first : last, span, span < 0 ? &first : &last))
            return -1;
    }
    if (__builtin_mul_overflow(first, size, low) || __builtin_add_overflow(last, 1, &last) ||
        __builtin_mul_overflow(last, size, high))
        return -1;
    return 0;
}

void dc__array_extent(const dc_array *array, int64_t *low_bytes, int64_t *high_bytes)
{
    (void)array_extent(array, low_bytes, high_bytes);
}

int dc__array_is_dense(const dc_array *array)
{
    int64_t stride = 1;

    for (int32_t d = array->ndim - 1; d >= 0; --d) {
        if (array->shape[d] != 1 && array->stride[d] != stride)
            return 0;
        stride *= array->shape[d];
    }
    return 1;
}

void *dc__array_host_address(const dc_array *array)
{
    const int64_t offset = array->offset * (int64_t)dc_dtype_bytes(array->dtype);
    void *base =
        array->buffer ? array->buffer->backend->memory_host(array->buffer->memory) : array->data;

    return base ? (char *)base + offset : NULL;
}

static dc_status check_buffer(const dc_op *op, const dc_array *array, const char *name, int64_t low,
                              int64_t high)
{
    const int64_t size = (int64_t)dc_dtype_bytes(array->dtype);
    int64_t start, first, end;

    if (!array->buffer || low == high)
        return DC_OK;
    DC_REQUIRE(!__builtin_mul_overflow(array->offset, size, &start) &&
                   !__builtin_add_overflow(start, low, &first) &&
                   !__builtin_add_overflow(start, high, &end),
               DC_E_ARGUMENT, "%s: %s.offset is %lld, it reaches beyond 2^63 bytes", op->name, name,
               (long long)array->offset);
    DC_REQUIRE(first >= 0 && (uint64_t)end <= array->buffer->bytes, DC_E_ARGUMENT,
               "%s: %s reaches bytes %lld ... %lld of a buffer of %zu bytes", op->name, name,
               (long long)first, (long long)end, array->buffer->bytes);
    return DC_OK;
}

/* "dtype 9 (int32), expected float32 or float64", and the cast where arithmetic is wanted. */
static dc_status dtype_refused(const dc_op *op, const dc_array *array, const char *name,
                               int32_t mask)
{
    const int32_t last = mask & (mask - 1) ? 31 - __builtin_clz((unsigned int)mask) : -1;
    char list[160] = "";
    size_t n = 0;

    for (int32_t d = DC_F32; d < DC_DTYPES; ++d)
        if (mask & (1 << d))
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%s (%d)",
                                  n == 0      ? ""
                                  : d == last ? " or "
                                              : ", ",
                                  dtypes[d].name, (int)d);
    return dc__fail(DC_E_ARGUMENT, "%s: %s has dtype %d (%s), expected %s%s", op->name, name,
                    (int)array->dtype, dc_dtype_name(array->dtype), list,
                    mask == DC_MASK_REAL ? "; cast it to float64" : "");
}

dc_status dc__array_check(const dc_op *op, const dc_array *array, const char *name)
{
    return dc__array_check_dtype(op, array, name, op->dtypes);
}

dc_status dc__array_check_dtype(const dc_op *op, const dc_array *array, const char *name,
                                int32_t mask)
{
    int64_t low, high, n = 1;

    DC_REQUIRE(array->ndim >= 1 && array->ndim <= DC_MAX_NDIM, DC_E_ARGUMENT,
               "%s: %s has %d axes, 1 to %d are possible", op->name, name, (int)array->ndim,
               DC_MAX_NDIM);
    if (!dtype_known(array->dtype) || !(mask & (1 << array->dtype)))
        return dtype_refused(op, array, name, mask);
    for (int32_t d = 0; d < array->ndim; ++d)
        DC_REQUIRE(array->shape[d] >= 0, DC_E_ARGUMENT, "%s: %s.shape[%d] is %lld, negative",
                   op->name, name, (int)d, (long long)array->shape[d]);
    for (int32_t d = 0; d < array->ndim; ++d)
        DC_REQUIRE(!__builtin_mul_overflow(n, array->shape[d] ? array->shape[d] : 1, &n),
                   DC_E_ARGUMENT, "%s: the elements of %s are more than 2^63 - 1", op->name, name);
    DC_REQUIRE(array_extent(array, &low, &high) == 0, DC_E_ARGUMENT,
               "%s: the strides of %s reach beyond 2^63 bytes", op->name, name);
    DC_REQUIRE(array->buffer || array->data || low == high, DC_E_ARGUMENT, "%s: %s.data is NULL",
               op->name, name);
    return check_buffer(op, array, name, low, high);
}

/* Two elements of an output share memory unless, sorted by |stride|, every stride steps over the
 * extent of the axes below it. */
static int self_overlaps(const dc_array *array)
{
    int64_t stride[DC_MAX_NDIM], shape[DC_MAX_NDIM], reach = 0;
    int32_t n = 0;

    for (int32_t d = 0; d < array->ndim; ++d) {
        if (array->shape[d] == 0)
            return 0;
        if (array->shape[d] == 1)
            continue;
        int64_t step = array->stride[d] < 0 ? -array->stride[d] : array->stride[d];
        int32_t i = n++;
        for (; i > 0 && stride[i - 1] > step; --i) {
            stride[i] = stride[i - 1];
            shape[i] = shape[i - 1];
        }
        stride[i] = step;
        shape[i] = array->shape[d];
    }
    for (int32_t i = 0; i < n; ++i) {
        if (stride[i] <= reach)
            return 1;
        reach += stride[i] * (shape[i] - 1);
    }
    return 0;
}

dc_status dc__array_check_output(const dc_op *op, const dc_array *array, const char *name)
{
    return dc__array_check_output_dtype(op, array, name, op->dtypes);
}

dc_status dc__array_check_output_dtype(const dc_op *op, const dc_array *array, const char *name,
                                       int32_t mask)
{
    DC_TRY(dc__array_check_dtype(op, array, name, mask));
    DC_REQUIRE(!self_overlaps(array), DC_E_ARGUMENT,
               "%s: elements of %s share memory; an output needs distinct elements", op->name,
               name);
    return DC_OK;
}

/* Bytes that the axes below `period` reach, first ... end - 1 from the origin of the array; 0 where
 * an axis above it does not repeat after whole periods. */
static int array_inner(const dc_array *array, int64_t period, int64_t *first, int64_t *end)
{
    const int64_t size = (int64_t)dc_dtype_bytes(array->dtype);

    *first = 0;
    *end = size;
    for (int32_t d = 0; d < array->ndim; ++d) {
        const int64_t step = array->stride[d] * size, reach = step * (array->shape[d] - 1);
        if (array->shape[d] == 1)
            continue;
        if (step >= period || -step >= period) {
            if (step % period != 0)
                return 0;
        } else if (reach < 0) {
            *first += reach;
        } else {
            *end += reach;
        }
    }
    return 1;
}

/* Whether the two lie between each other, as two columns of one matrix do: both repeat after
 * `period` bytes, and within a period one ends before the other begins.  `apart`: from a's origin
 * to b's. */
static int arrays_interleave(const dc_array *a, const dc_array *b, int64_t period, int64_t apart)
{
    int64_t a_first, a_end, b_first, b_end;

    if (period <= 0 || !array_inner(a, period, &a_first, &a_end) ||
        !array_inner(b, period, &b_first, &b_end))
        return 0;
    const int64_t gap = ((apart + b_first - a_first) % period + period) % period;
    return gap >= a_end - a_first && gap + (b_end - b_first) <= period;
}

dc_status dc__array_no_overlap(const dc_op *op, const dc_array *a, const char *a_name,
                               const dc_array *b, const char *b_name)
{
    int64_t a_low, a_high, b_low, b_high;
    uintptr_t a_base = (uintptr_t)a->data, b_base = (uintptr_t)b->data;
    int apart = 0;

    if (a->buffer != b->buffer)
        return DC_OK;
    if (a->buffer)
        a_base = b_base = 0;
    dc__array_extent(a, &a_low, &a_high);
    dc__array_extent(b, &b_low, &b_high);
    if (a_low == a_high || b_low == b_high)
        return DC_OK;
    a_base += (uintptr_t)(a->offset * (int64_t)dc_dtype_bytes(a->dtype));
    b_base += (uintptr_t)(b->offset * (int64_t)dc_dtype_bytes(b->dtype));
    apart = (intptr_t)(a_base + (uintptr_t)a_low - b_base - (uintptr_t)b_high) >= 0 ||
            (intptr_t)(b_base + (uintptr_t)b_low - a_base - (uintptr_t)a_high) >= 0;
    for (int32_t d = 0; !apart && d < a->ndim; ++d) {
        const int64_t step = a->stride[d] * (int64_t)dc_dtype_bytes(a->dtype);
        apart = a->shape[d] > 1 && arrays_interleave(a, b, step < 0 ? -step : step,
                                                     (int64_t)(intptr_t)(b_base - a_base));
    }
    DC_REQUIRE(apart, DC_E_ARGUMENT, "%s: %s overlaps %s in memory", op->name, a_name, b_name);
    return DC_OK;
}
