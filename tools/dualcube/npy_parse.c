/* The header of a .npy file: magic, version, length, and a Python dictionary literal. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/dualcube/npy.h"

enum { KEY_DESCR = 1, KEY_ORDER = 2, KEY_SHAPE = 4, KEY_ALL = 7, QUOTED = 32 };

/* The dictionary's text and where the parser stands in it. */
typedef struct scanner {
    const char *at, *end;
    char *error;
} scanner;

static const struct {
    const char *descr;
    size_t bytes;
} types[NPY_TYPE_COUNT] = {
    [NPY_F32] = {"<f4", 4}, [NPY_F64] = {"<f8", 8}, [NPY_BOOL] = {"|b1", 1}, [NPY_I8] = {"|i1", 1},
    [NPY_U8] = {"|u1", 1},  [NPY_I16] = {"<i2", 2}, [NPY_U16] = {"<u2", 2},  [NPY_I32] = {"<i4", 4},
    [NPY_U32] = {"<u4", 4}, [NPY_I64] = {"<i8", 8}, [NPY_U64] = {"<u8", 8},
};

/* Types that are refused, with what to do about it. */
static const struct {
    const char *descr, *what, *cast;
} refused[] = {
    {"<f2", "float16", "x.astype(numpy.float32)"},
    {"<f16", "long double", "x.astype(numpy.float64)"},
    {"<c8", "complex64", "numpy.abs(x)"},
    {"<c16", "complex128", "numpy.abs(x)"},
    {"|O", "Python objects", "x.astype(numpy.float64)"},
    {">f4", "big-endian float32", "x.astype(numpy.float32)"},
    {">f8", "big-endian float64", "x.astype(numpy.float64)"},
};

const char *npy_type_descr(npy_type type)
{
    return types[type].descr;
}

size_t npy_type_bytes(npy_type type)
{
    return types[type].bytes;
}

int64_t npy_columns(const npy_header *header, int32_t axis)
{
    int64_t columns = 1;

    for (int32_t k = 0; k < header->ndim; ++k)
        columns *= k == axis ? 1 : header->shape[k];
    return columns;
}

__attribute__((format(printf, 2, 3))) static int fail(char *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error, NPY_TEXT, format, arguments);
    va_end(arguments);
    return -1;
}

static void skip_space(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t'))
        ++s->at;
}

/* Take `c` after blanks; 1 when it was there. */
static int take(scanner *s, char c)
{
    skip_space(s);
    if (s->at >= s->end || *s->at != c)
        return 0;
    ++s->at;
    return 1;
}

static int expect(scanner *s, char c, const char *where)
{
    if (take(s, c))
        return 0;
    return fail(s->error, "header: expected '%c' %s", c, where);
}

/* A quoted string of printable ASCII, at most QUOTED - 1 long and without escapes. */
static int quoted(scanner *s, char *out, const char *where)
{
    char quote;
    size_t n = 0;

    skip_space(s);
    if (s->at >= s->end || (*s->at != '\'' && *s->at != '"'))
        return fail(s->error, "header: expected a quoted string %s", where);
    quote = *s->at++;
    while (s->at < s->end && *s->at != quote) {
        if (*s->at < ' ' || *s->at > '~' || *s->at == '\\' || n + 1 >= QUOTED)
            return fail(s->error, "header: the string %s is not plain text below %d characters",
                        where, (int)QUOTED);
        out[n++] = *s->at++;
    }
    if (s->at >= s->end)
        return fail(s->error, "header: the string %s does not end", where);
    ++s->at;
    out[n] = 0;
    return 0;
}

static int parse_descr(scanner *s, npy_header *header)
{
    char descr[QUOTED];

    skip_space(s);
    if (s->at < s->end && *s->at == '[')
        return fail(s->error, "descr: structured records are not numbers; save one field, "
                              "for example numpy.save(path, x['field'])");
    if (quoted(s, descr, "after 'descr'"))
        return -1;
    for (int k = 0; k < NPY_TYPE_COUNT; ++k)
        if (!strcmp(descr, types[k].descr)) {
            header->type = (npy_type)k;
            return 0;
        }
    for (size_t k = 0; k < sizeof refused / sizeof *refused; ++k)
        if (!strcmp(descr, refused[k].descr))
            return fail(s->error, "descr: '%s' (%s) is not computed with; convert with %s", descr,
                        refused[k].what, refused[k].cast);
    return fail(s->error,
                "descr: '%s' is none of float32, float64, bool, int8 ... uint64 "
                "little-endian; convert with x.astype(numpy.float64)",
                descr);
}

static int parse_order(scanner *s, npy_header *header)
{
    static const char *const words[] = {"False", "True"};

    skip_space(s);
    for (int k = 0; k < 2; ++k) {
        size_t n = strlen(words[k]);

        if ((size_t)(s->end - s->at) >= n && !memcmp(s->at, words[k], n)) {
            s->at += n;
            header->fortran_order = k;
            return 0;
        }
    }
    return fail(s->error, "fortran_order: neither True nor False");
}

/* A decimal integer >= 0 without sign or leading zeros. */
static int parse_length(scanner *s, int32_t axis, int64_t *out)
{
    int64_t value = 0;
    const char *first;

    skip_space(s);
    first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *s->at - '0', &value))
            return fail(s->error, "shape: axis %d is longer than %" PRId64, (int)axis, INT64_MAX);
        ++s->at;
    }
    if (s->at == first || (*first == '0' && s->at - first > 1))
        return fail(s->error, "shape: axis %d is not a whole number", (int)axis);
    *out = value;
    return 0;
}

static int parse_shape(scanner *s, npy_header *header)
{
    int comma = 1;

    if (expect(s, '(', "after 'shape'"))
        return -1;
    header->ndim = 0;
    while (!take(s, ')')) {
        if (!comma)
            return fail(s->error, "shape: expected ',' or ')' after axis %d",
                        (int)header->ndim - 1);
        if (header->ndim == DC_MAX_NDIM)
            return fail(s->error, "shape: more than %d axes; reshape to at most that many",
                        DC_MAX_NDIM);
        if (parse_length(s, header->ndim, &header->shape[header->ndim]))
            return -1;
        ++header->ndim;
        comma = take(s, ',');
    }
    if (header->ndim == 0)
        return fail(s->error, "shape: () has no axes; axis 0 must be the time");
    if (header->ndim == 1 && !comma)
        return fail(s->error, "shape: one axis is written (n,)");
    return 0;
}

static int parse_entry(scanner *s, npy_header *header, int *seen)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    static int (*const parsers[])(scanner *, npy_header *) = {parse_descr, parse_order,
                                                              parse_shape};
    char key[QUOTED];

    if (quoted(s, key, "as a key") || expect(s, ':', "after a key"))
        return -1;
    for (int k = 0; k < 3; ++k)
        if (!strcmp(key, keys[k])) {
            if (*seen & 1 << k)
                return fail(s->error, "header: '%s' is there twice", key);
            *seen |= 1 << k;
            return parsers[k](s, header);
        }
    return fail(s->error, "header: unknown key '%s'", key);
}

static int parse_dictionary(scanner *s, npy_header *header)
{
    int seen = 0, comma = 1;

    if (expect(s, '{', "at its start"))
        return -1;
    while (!take(s, '}')) {
        if (!comma)
            return fail(s->error, "header: expected ',' or '}'");
        if (parse_entry(s, header, &seen))
            return -1;
        comma = take(s, ',');
    }
    skip_space(s);
    if (s->at != s->end)
        return fail(s->error, "header: text after '}'");
    if (seen != KEY_ALL)
        return fail(s->error, "header: no '%s'",
                    !(seen & KEY_DESCR)   ? "descr"
                    : !(seen & KEY_ORDER) ? "fortran_order"
                                          : "shape");
    return 0;
}

/* Elements and bytes of the shape, against the rest of the file. */
static int check_size(npy_header *header, uint64_t rest, char *error)
{
    int64_t elements = 1, bytes;
    int overflow = 0, empty = 0;

    for (int32_t k = 0; k < header->ndim; ++k) {
        empty |= header->shape[k] == 0;
        overflow |=
            header->shape[k] > 0 && __builtin_mul_overflow(elements, header->shape[k], &elements);
    }
    overflow |= __builtin_mul_overflow(elements, (int64_t)npy_type_bytes(header->type), &bytes);
    if (overflow)
        return fail(error, "shape: the product of the axes overflows 64 bits");
    if (empty)
        elements = bytes = 0;
    if ((uint64_t)bytes != rest)
        return fail(error,
                    "shape: %" PRId64 " elements of %zu bytes need %" PRId64 " bytes, but %" PRIu64
                    " follow the header",
                    elements, npy_type_bytes(header->type), bytes, rest);
    header->elements = elements;
    header->data_bytes = (size_t)bytes;
    return 0;
}

int npy_parse(const void *head, size_t bytes, uint64_t file_bytes, npy_header *header, char *error)
{
    const unsigned char *p = head;
    size_t prefix, length;
    scanner s;

    if (file_bytes < 10 || bytes < 10)
        return fail(error, "the file has %" PRIu64 " bytes; a .npy header has at least 10",
                    file_bytes);
    if (memcmp(p, "\x93NUMPY", 6))
        return fail(error, "magic: the file does not begin with \\x93NUMPY; it is not a .npy file");
    if (p[6] < 1 || p[6] > 3 || p[7] != 0)
        return fail(error, "version: %d.%d is none of 1.0, 2.0, 3.0", (int)p[6], (int)p[7]);
    prefix = p[6] == 1 ? 10 : 12;
    if (file_bytes < prefix || bytes < prefix)
        return fail(error, "header length: the file ends inside it, after %" PRIu64 " bytes",
                    file_bytes);
    length = (size_t)p[8] | (size_t)p[9] << 8;
    if (p[6] > 1)
        length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (length > file_bytes - prefix || length > bytes - prefix)
        return fail(error, "header length: %zu bytes, but %" PRIu64 " follow", length,
                    file_bytes - prefix);
    memset(header, 0, sizeof *header);
    s = (scanner){(const char *)p + prefix, (const char *)p + prefix + length, error};
    if (parse_dictionary(&s, header))
        return -1;
    header->data_offset = prefix + length;
    return check_size(header, file_bytes - header->data_offset, error);
}
