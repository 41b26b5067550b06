#include "tools/dualcube/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_file(char *error, const char *path, const char *what)
{
    int n = snprintf(error, NPY_TEXT / 2, "%s: ", path);
    size_t at = n < 0 ? 0 : n < NPY_TEXT / 2 ? (size_t)n : NPY_TEXT / 2 - 1;

    snprintf(error + at, NPY_TEXT - at, "%s", what);
    return -1;
}

static int map_file(const char *path, int fd, npy_file *file, char *error)
{
    struct stat st;
    char text[NPY_TEXT];

    if (fstat(fd, &st))
        return fail_file(error, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail_file(error, path, "not a regular file");
    if (st.st_size < 10) {
        snprintf(text, sizeof text, "the file has %" PRId64 " bytes; a .npy header has at least 10",
                 (int64_t)st.st_size);
        return fail_file(error, path, text);
    }
    file->device = (uint64_t)st.st_dev;
    file->inode = (uint64_t)st.st_ino;
    file->map_bytes = (size_t)st.st_size;
    file->map = mmap(NULL, file->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file->map == MAP_FAILED)
        return fail_file(error, path, strerror(errno));
    if (npy_parse(file->map, file->map_bytes, file->map_bytes, &file->header, text)) {
        npy_close(file);
        return fail_file(error, path, text);
    }
    return 0;
}

int npy_open(const char *path, npy_file *file, char *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), status;

    memset(file, 0, sizeof *file);
    if (fd < 0)
        return fail_file(error, path, strerror(errno));
    status = map_file(path, fd, file, error);
    close(fd);
    return status;
}

void npy_close(npy_file *file)
{
    if (file->map && file->map != MAP_FAILED)
        munmap(file->map, file->map_bytes);
    file->map = NULL;
}

/* Lengths and strides (elements) of the axes, `axis` first. */
static void order_axes(const npy_header *h, int32_t axis, int64_t *shape, int64_t *stride)
{
    int64_t natural[DC_MAX_NDIM] = {0}, step = 1;
    int32_t n = 1;

    for (int32_t k = 0; k < h->ndim; ++k) {
        const int32_t at = h->fortran_order ? k : h->ndim - 1 - k;

        natural[at] = step;
        step *= h->shape[at];
    }
    shape[0] = h->shape[axis];
    stride[0] = natural[axis];
    for (int32_t k = 0; k < h->ndim; ++k)
        if (k != axis) {
            shape[n] = h->shape[k];
            stride[n++] = natural[k];
        }
}

dc_array npy_view(const npy_file *file, int32_t axis)
{
    const npy_header *h = &file->header;
    char *data = (char *)file->map + h->data_offset;
    int32_t dtype = h->type == NPY_F32 ? DC_F32 : DC_F64;
    int64_t shape[DC_MAX_NDIM] = {h->shape[0], npy_columns(h, 0)}, stride[DC_MAX_NDIM];
    dc_array array;

    if (axis == 0 && (!h->fortran_order || h->ndim < 2))
        return dc_array_host(data, dtype, 2, shape);
    order_axes(h, axis, shape, stride);
    array = dc_array_host(data, dtype, h->ndim, shape);
    memcpy(array.stride, stride, (size_t)h->ndim * sizeof *stride);
    return array;
}

int32_t npy_dtype(npy_type type)
{
    static const int32_t dtypes[NPY_TYPE_COUNT] = {
        [NPY_F32] = DC_F32, [NPY_F64] = DC_F64, [NPY_BOOL] = DC_U8, [NPY_I8] = DC_I8,
        [NPY_U8] = DC_U8,   [NPY_I16] = DC_I16, [NPY_U16] = DC_U16, [NPY_I32] = DC_I32,
        [NPY_U32] = DC_U32, [NPY_I64] = DC_I64, [NPY_U64] = DC_U64};

    return dtypes[type];
}

dc_array npy_array(const npy_file *file)
{
    const npy_header *h = &file->header;
    dc_array array = dc_array_host((const char *)file->map + h->data_offset, npy_dtype(h->type),
                                   h->ndim, h->shape);
    int64_t step = 1;

    for (int32_t d = 0; h->fortran_order && d < h->ndim; ++d) {
        array.stride[d] = step;
        step *= h->shape[d] > 0 ? h->shape[d] : 1;
    }
    return array;
}

/* Element `i` of any type as a double, at any alignment. */
static double element(npy_type type, const char *data, int64_t i)
{
    union {
        float f32;
        double f64;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
    } v;

    memcpy(&v, data + (size_t)i * npy_type_bytes(type), npy_type_bytes(type));
    switch (type) {
    case NPY_F32:
        return v.f32;
    case NPY_F64:
        return v.f64;
    case NPY_BOOL:
        return data[i] != 0;
    case NPY_I8:
        return (signed char)data[i];
    case NPY_U8:
        return (unsigned char)data[i];
    case NPY_I16:
        return v.i16;
    case NPY_U16:
        return v.u16;
    case NPY_I32:
        return v.i32;
    case NPY_U32:
        return v.u32;
    case NPY_I64:
        return (double)v.i64;
    default:
        return (double)v.u64;
    }
}

void npy_convert(npy_type type, const dc_array *part, double *out)
{
    int64_t index[DC_MAX_NDIM] = {0}, at = part->offset;
    const int32_t last = part->ndim - 1;

    for (int64_t left = dc_array_elements(part); left > 0; left -= part->shape[last]) {
        for (int64_t i = 0; i < part->shape[last]; ++i)
            *out++ = element(type, part->data, at + i * part->stride[last]);
        for (int32_t d = last - 1; d >= 0; --d) {
            at += part->stride[d];
            if (++index[d] < part->shape[d])
                break;
            at -= part->stride[d] * part->shape[d];
            index[d] = 0;
        }
    }
}

/* Elements from element 0 to column `c` of row 0: C order over the axes after the first. */
static int64_t column_at(int32_t ndim, const int64_t *shape, const int64_t *stride, int64_t c)
{
    int64_t at = 0;

    for (int32_t k = ndim - 1; k >= 1; --k) {
        at += c % shape[k] * stride[k];
        c /= shape[k];
    }
    return at;
}

void npy_convert_rows(const npy_file *file, int32_t axis, int64_t first, int64_t last,
                      int32_t dtype, void *out)
{
    enum { ROWS = 64 }; /* a column of a block stays in the cache whatever the order of the axes */
    const npy_header *h = &file->header;
    const char *data = (const char *)file->map + h->data_offset;
    const int64_t columns = npy_columns(h, axis);
    int64_t shape[DC_MAX_NDIM], stride[DC_MAX_NDIM];

    order_axes(h, axis, shape, stride);
    for (int64_t begin = first; begin < last; begin += ROWS) {
        const int64_t end = begin + ROWS < last ? begin + ROWS : last;

        for (int64_t c = 0; c < columns; ++c) {
            const int64_t base = column_at(h->ndim, shape, stride, c);

            for (int64_t r = begin; r < end; ++r) {
                const double value = element(h->type, data, base + r * stride[0]);
                const int64_t to = (r - first) * columns + c;

                if (dtype == DC_F32)
                    ((float *)out)[to] = (float)value;
                else
                    ((double *)out)[to] = value;
            }
        }
    }
}

size_t npy_header_write(npy_type type, int32_t ndim, const int64_t *shape, void *out, size_t room)
{
    char text[256];
    unsigned char *p = out;
    size_t n, total;

    n = (size_t)snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                         npy_type_descr(type));
    for (int32_t k = 0; k < ndim; ++k)
        n += (size_t)snprintf(text + n, sizeof text - n, k ? ", %" PRId64 : "%" PRId64, shape[k]);
    n += (size_t)snprintf(text + n, sizeof text - n, ndim == 1 ? ",), }" : "), }");
    total = (10 + n + 1 + 63) / 64 * 64;
    if (total > room)
        return 0;
    memcpy(p, "\x93NUMPY\x01\x00", 8);
    p[8] = (unsigned char)((total - 10) & 255);
    p[9] = (unsigned char)((total - 10) >> 8);
    memcpy(p + 10, text, n);
    memset(p + 10 + n, ' ', total - 10 - n - 1);
    p[total - 1] = '\n';
    return total;
}
