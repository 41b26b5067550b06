/* dc_array: a by-value view of memory, DLPack-shaped.  It never owns. */
#ifndef DUALCUBE_ARRAY_H
#define DUALCUBE_ARRAY_H

#include "dualcube/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A strided view.  Element (i0, i1, ...) lies at element `offset + sum(i[k] * stride[k])` from the
 * start of `buffer`, or from `data` when `buffer` is NULL.
 *
 * Inputs may be strided (negative and zero strides), read-only, misaligned to any byte and empty;
 * outputs may be strided but no two of their elements may share memory, and an output may not
 * overlap an input: one ends before the other begins, or they lie between each other as columns of
 * one matrix do.
 */
typedef struct dc_array {
    dc_buffer *buffer;           /* device memory, or NULL: host memory at `data`            */
    void *data;                  /* host address; read-only memory is fine for inputs        */
    int64_t offset;              /* elements                                                 */
    int64_t shape[DC_MAX_NDIM];  /* elements per axis, >= 0                                  */
    int64_t stride[DC_MAX_NDIM]; /* elements; 0 broadcasts (inputs only), may be negative    */
    int32_t ndim;                /* 1 ... DC_MAX_NDIM                                        */
    int32_t dtype;               /* DC_F32, ...; which ones, each operation says             */
} dc_array;

/** Lists that a params struct points to; read during the call only. */
typedef struct dc_arrays {
    const dc_array *at;
    int64_t count;
} dc_arrays;
typedef struct dc_doubles {
    const double *at;
    int64_t count;
} dc_doubles;
typedef struct dc_int64s {
    const int64_t *at;
    int64_t count;
} dc_int64s;

/** View of `ndim` axes over dense row-major host memory.  `shape` has `ndim` entries; an `ndim`
 * outside 0 ... DC_MAX_NDIM gives an array that every call refuses.  @threads any  @since 0.1 */
DC_API dc_array dc_array_host(const void *data, int32_t dtype, int32_t ndim, const int64_t *shape);

/** View of `ndim` axes over a dense row-major buffer.  @threads any  @since 0.1 */
DC_API dc_array dc_array_device(dc_buffer *buffer, int32_t dtype, int32_t ndim,
                                const int64_t *shape);

/** Bytes of one element, 0 for an unknown dtype.  @threads any  @since 0.1 */
DC_API size_t dc_dtype_bytes(int32_t dtype);

/** "float32", "uint8", ...; "unknown" for an unknown dtype.  @threads any  @since 0.1 */
DC_API const char *dc_dtype_name(int32_t dtype);

/** Number of elements, the product of the shape.  @threads any  @since 0.1 */
DC_API int64_t dc_array_elements(const dc_array *array);

#ifdef __cplusplus
}
#endif
#endif
