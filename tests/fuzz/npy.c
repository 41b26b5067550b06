/* The .npy reader of the command against headers that lie: valid headers, mutated with the grammar
 * in mind, from a fixed seed.  Every accepted header must be true to the file's length, every
 * refusal must carry a sentence; the sanitizers see the rest, since the bytes lie in a block of
 * exactly their size.
 *
 *     fuzz_npy [cases] [seed]     DUALCUBE_PLANT=1: check a reader that believes the shape
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/random.h"
#include "tools/dualcube/npy.h"

enum { ROOM = 4096, CASES = 200000 };

static const char *const tokens[] = {
    "'descr': ",
    "'fortran_order': ",
    "'shape': ",
    "'<f8'",
    "'<f4'",
    "'>f8'",
    "'|O'",
    "'<U7'",
    "[('a','<f8')]",
    "True",
    "False",
    "None",
    "(",
    ")",
    "(3,)",
    "(2, 3)",
    "()",
    "(0, 5)",
    ",",
    ":",
    "{",
    "}",
    "'",
    "\"",
    "\\",
    "-1",
    "007",
    "1e9",
    "9223372036854775807",
    "99999999999999999999",
    "4294967296",
    "0x10",
    "1L",
    "\n",
    "\t",
    " ",
    "\x93NUMPY",
    "'a': 1, ",
    "'shape'",
    "(1,1,1,1,1,1,1,1,1)",
};

typedef struct input {
    unsigned char bytes[ROOM];
    size_t length, claimed; /* claimed: the file's length; what is missing is not there */
} input;

static void draw_valid(dct_rng *rng, input *in)
{
    int64_t shape[DC_MAX_NDIM], elements = 1;
    const npy_type type = (npy_type)dct_below(rng, NPY_TYPE_COUNT);
    const int32_t ndim = 1 + (int32_t)dct_below(rng, DC_MAX_NDIM);

    for (int32_t k = 0; k < ndim; ++k) {
        shape[k] = dct_below(rng, 20) == 0 ? 0 : 1 + dct_below(rng, 3);
        elements *= shape[k];
    }
    while (elements > 128) /* the data fits in the room, too */
        for (int32_t k = 0; k < ndim && elements > 128; ++k) {
            elements = elements / shape[k];
            shape[k] = 1;
        }
    in->length = npy_header_write(type, ndim, shape, in->bytes, ROOM);
    if (dct_below(rng, 4) == 0) { /* the order of the axes turned: as legal */
        char *order = memmem(in->bytes, in->length, "False", 5);

        if (order)
            memcpy(order, "True ", 5);
    }
    if (dct_below(rng, 3) == 0) { /* version 2: four bytes of length */
        const size_t n = in->length - 10;

        memmove(in->bytes + 12, in->bytes + 10, n);
        in->bytes[6] = (unsigned char)(2 + dct_below(rng, 2));
        in->bytes[10] = in->bytes[11] = 0;
        in->length += 2;
    }
    memset(in->bytes + in->length, 7, (size_t)elements * npy_type_bytes(type));
    in->length += (size_t)elements * npy_type_bytes(type);
    in->claimed = in->length;
}

/* Replace `cut` bytes at `at` by `n` others. */
static void splice(input *in, size_t at, size_t cut, const void *with, size_t n)
{
    cut = cut < in->length - at ? cut : in->length - at;
    if (in->length - cut + n > ROOM)
        return;
    memmove(in->bytes + at + n, in->bytes + at + cut, in->length - at - cut);
    memcpy(in->bytes + at, with, n);
    in->length += n - cut;
    in->claimed = in->length;
}

static void mutate(dct_rng *rng, input *in)
{
    const size_t at = (size_t)dct_below(rng, (int64_t)in->length);
    const char *token = tokens[dct_below(rng, sizeof tokens / sizeof *tokens)];
    unsigned char copy[64];
    size_t n;

    switch (dct_below(rng, 8)) {
    case 0:
        in->bytes[at] ^= (unsigned char)(1 << dct_below(rng, 8));
        return;
    case 1:
        in->bytes[at] = (unsigned char)dct_next(rng);
        return;
    case 2:
        splice(in, at, (size_t)dct_below(rng, 12), token, strlen(token));
        return;
    case 3:
        splice(in, at, 1 + (size_t)dct_below(rng, 40), "", 0);
        return;
    case 4: /* a slice again, elsewhere */
        n = (size_t)dct_below(rng, 64);
        n = n < in->length - at ? n : in->length - at;
        memcpy(copy, in->bytes + at, n);
        splice(in, (size_t)dct_below(rng, (int64_t)in->length), 0, copy, n);
        return;
    case 5: /* the length of the header lies */
        n = 8 + (size_t)dct_below(rng, 4);
        if (n < in->length)
            in->bytes[n] = (unsigned char)dct_next(rng);
        return;
    case 6: /* the file ends early */
        in->length = in->claimed = at;
        return;
    default: /* the file is longer than what is in memory */
        in->claimed = in->length + (size_t)dct_below(rng, 1 << 20);
    }
}

/* What a careless reader would do: take the shape for true. */
static int believe(const void *head, size_t bytes, uint64_t claimed, npy_header *h, char *error)
{
    const int status = npy_parse(head, bytes, claimed, h, error);

    if (!status || !strstr(error, "follow the header"))
        return status;
    h->elements = 1;
    for (int32_t k = 0; k < h->ndim; ++k)
        h->elements *= h->shape[k];
    h->data_bytes = (size_t)h->elements * npy_type_bytes(h->type);
    h->data_offset = bytes;
    return 0;
}

/* "" or what is wrong with an accepted header. */
static const char *untrue(const npy_header *h, uint64_t claimed)
{
    int64_t elements = 1;

    if ((int)h->type < 0 || h->type >= NPY_TYPE_COUNT)
        return "an unknown type";
    if (h->ndim < 1 || h->ndim > DC_MAX_NDIM)
        return "a number of axes outside 1 ... 8";
    if (h->fortran_order != 0 && h->fortran_order != 1)
        return "an order that is neither";
    for (int32_t k = 0; k < h->ndim; ++k)
        if (h->shape[k] < 0 || __builtin_mul_overflow(elements, h->shape[k], &elements))
            return "a shape that overflows";
    if (elements != h->elements)
        return "elements that are not the product of the shape";
    if (h->data_bytes != (uint64_t)elements * npy_type_bytes(h->type))
        return "bytes that are not those of the elements";
    if (h->data_offset > claimed || h->data_bytes != claimed - h->data_offset)
        return "data that are not the rest of the file";
    return "";
}

typedef struct tally {
    int64_t accepted, refused, wrong;
} tally;

static void wrong(tally *t, uint64_t seed, int64_t number, const char *what)
{
    if (++t->wrong <= 10)
        printf("FAILED: case %" PRId64 " of seed %" PRIu64 ": %s\n", number, seed, what);
}

static void run_case(uint64_t seed, int64_t number, int planted, tally *t)
{
    dct_rng rng = dct_stream(seed, (uint64_t)number);
    input in;
    npy_header header;
    char error[NPY_TEXT];
    unsigned char *exact;
    int64_t mutations = number % 8 == 0 ? 0 : 1 + dct_below(&rng, 4);
    int status;

    draw_valid(&rng, &in);
    for (int64_t k = 0; k < mutations && in.length > 0; ++k)
        mutate(&rng, &in);
    exact = malloc(in.length ? in.length : 1);
    if (!exact)
        exit(4);
    memcpy(exact, in.bytes, in.length);
    memset(error, 1, sizeof error);
    status = (planted ? believe : npy_parse)(exact, in.length, in.claimed, &header, error);
    if (!status && *untrue(&header, in.claimed))
        wrong(t, seed, number, untrue(&header, in.claimed));
    else if (status && (!memchr(error, 0, sizeof error) || !*error))
        wrong(t, seed, number, "a refusal without a sentence");
    else if (status && !mutations)
        wrong(t, seed, number, error);
    ++*(status ? &t->refused : &t->accepted);
    free(exact);
}

/* Through a file, to the last element. */
static void run_file(uint64_t seed, int64_t number, const char *path, tally *t)
{
    dct_rng rng = dct_stream(seed + 1, (uint64_t)number);
    input in;
    npy_file file;
    char error[NPY_TEXT];
    FILE *f = fopen(path, "wb");

    draw_valid(&rng, &in);
    if (number % 2 && in.length > 0)
        mutate(&rng, &in);
    if (!f || fwrite(in.bytes, 1, in.length, f) != in.length || fclose(f))
        exit(4);
    if (npy_open(path, &file, error)) {
        if (!strstr(error, path))
            wrong(t, seed, number, "a refusal that does not name the file");
        ++t->refused;
        return;
    }
    for (int32_t axis = 0; axis < file.header.ndim; ++axis) {
        double *out = malloc((size_t)file.header.elements * sizeof *out + 1);

        if (!out)
            exit(4);
        npy_convert_rows(&file, axis, 0, file.header.shape[axis], DC_F64, out);
        free(out);
    }
    npy_close(&file);
    ++t->accepted;
}

int main(int argc, char **argv)
{
    const int64_t cases = argc > 1 ? strtoll(argv[1], NULL, 10) : CASES;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const int planted = getenv("DUALCUBE_PLANT") != NULL;
    const char *directory = getenv("TMPDIR");
    char path[512];
    tally t = {0, 0, 0};

    snprintf(path, sizeof path, "%.400s/fuzz_npy.%ld.npy", directory ? directory : "/tmp",
             (long)getpid());
    for (int64_t k = 0; k < cases; ++k)
        run_case(seed, k, planted, &t);
    for (int64_t k = 0; k < cases / 200; ++k)
        run_file(seed, k, path, &t);
    unlink(path);
    /* A reader that refuses or accepts everything would pass what is above. */
    if (t.accepted < cases / 10 || t.refused < cases / 4)
        wrong(&t, seed, -1, "too few accepted or refused");
    printf("fuzz_npy: seed %" PRIu64 ", %" PRId64 " accepted, %" PRId64 " refused, %" PRId64
           " wrong\n",
           seed, t.accepted, t.refused, t.wrong);
    return t.wrong ? 1 : 0;
}
