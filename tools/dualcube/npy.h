/* .npy files: a strict reader that trusts nothing it reads, and a header writer. */
#ifndef DC_TOOLS_NPY_H
#define DC_TOOLS_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "dualcube/array.h"

enum { NPY_TEXT = 512 }; /* room an error sentence needs */

/* Element types as they lie in the file, all little-endian. */
typedef enum npy_type {
    NPY_F32,
    NPY_F64,
    NPY_BOOL,
    NPY_I8,
    NPY_U8,
    NPY_I16,
    NPY_U16,
    NPY_I32,
    NPY_U32,
    NPY_I64,
    NPY_U64,
    NPY_TYPE_COUNT
} npy_type;

typedef struct npy_header {
    npy_type type;
    int32_t fortran_order;
    int32_t ndim; /* 1 ... DC_MAX_NDIM */
    int64_t shape[DC_MAX_NDIM];
    int64_t elements;
    size_t data_offset; /* bytes from the start of the file */
    size_t data_bytes;  /* exactly the file's rest */
} npy_header;

/* A file mapped read-only. */
typedef struct npy_file {
    npy_header header;
    void *map;
    size_t map_bytes;
    uint64_t device, inode; /* to notice an output that is the input */
} npy_file;

/* "<f8" and bytes of one element. */
const char *npy_type_descr(npy_type type);
size_t npy_type_bytes(npy_type type);

/*
 * Parse the header of a file of `file_bytes`, whose first `bytes` are at `head` (all of them, or at
 * least the header).  Returns 0, or -1 with one sentence in `error` (NPY_TEXT bytes) that names
 * the field, its value and the limit.  Reads nothing outside `head` and allocates nothing.
 */
int npy_parse(const void *head, size_t bytes, uint64_t file_bytes, npy_header *header, char *error);

/* Map a file.  0, or -1 with one sentence naming the file. */
int npy_open(const char *path, npy_file *file, char *error);
void npy_close(npy_file *file);

/*
 * The elements as an array of float32 or float64 whose axis 0 is the file's `axis`, the other axes
 * following in their order; DC_F32 and DC_F64 files only.  C-ordered files with `axis` 0 become two
 * axes (rows, columns); others keep their axes, whose strides do not collapse.
 */
dc_array npy_view(const npy_file *file, int32_t axis);

/* The library's dtype of the same bits; booleans are bytes. */
int32_t npy_dtype(npy_type type);
/* The elements as they are, of any type, with the file's axes in their order. */
dc_array npy_array(const npy_file *file);

/* Copy the elements of a part of npy_array(), of any type, as dense float64. */
void npy_convert(npy_type type, const dc_array *part, double *out);

/* Copy elements of rows [first, last) along `axis` as dense (rows, columns) of `dtype` (DC_F32 or
 * DC_F64), from any type. */
void npy_convert_rows(const npy_file *file, int32_t axis, int64_t first, int64_t last,
                      int32_t dtype, void *out);

/* Product of the axes but `axis`. */
int64_t npy_columns(const npy_header *header, int32_t axis);

/* Write a version 1.0 header for a C-ordered array; returns its bytes (a multiple of 64), 0 when
 * `room` is too small. */
size_t npy_header_write(npy_type type, int32_t ndim, const int64_t *shape, void *out, size_t room);

#endif
