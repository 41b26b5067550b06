/* The reader of model files against bytes that lie: valid models, mutated with the format in mind
 * and given a right length and checksum, from a fixed seed.  What is accepted must be saved as the
 * same bytes again, every refusal must carry a sentence; the sanitizers see the rest, since the
 * bytes lie in a block of exactly their size.
 *
 *     fuzz_model [cases] [seed]     DUALCUBE_PLANT=1: check a reader that overlooks what changed
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/random.h"

enum { ROOM = 4096, CASES = 100000 };

typedef struct input {
    unsigned char bytes[ROOM];
    size_t length;
} input;

typedef struct tally {
    int64_t accepted, refused, wrong;
} tally;

static void wrong(tally *t, uint64_t seed, int64_t number, const char *what)
{
    ++t->wrong;
    printf("FAILED: case %" PRId64 " of seed %" PRIu64 ": %s\n", number, seed, what);
}

static uint32_t crc32c(const unsigned char *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < n; ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void must(dc_status status)
{
    if (status != DC_OK) {
        printf("fuzz_model: %s\n", dc_last_error());
        exit(4);
    }
}

static void draw_valid(dct_rng *rng, input *in)
{
    static const double values[24] = {1, 2, 3};
    const int64_t entries = dct_below(rng, 5);
    dc_model *model;
    char name[16];

    must(dc_model_new(dct_chance(rng, 50) ? "scaler" : "a.model-of_some_kind", &model));
    for (int64_t i = 0; i < entries; ++i) {
        const int64_t shape[3] = {dct_below(rng, 4), dct_range(rng, 1, 3), 2};
        const dc_array array = dc_array_host(values, (int32_t)dct_range(rng, DC_F32, DC_F16),
                                             (int32_t)dct_range(rng, 1, 3), shape);

        snprintf(name, sizeof name, "name%d", (int)i);
        if (dct_chance(rng, 50))
            must(dc_model_set_array(model, name, &array));
        else if (dct_chance(rng, 50))
            must(dc_model_set_number(model, name, dct_unit(rng)));
        else
            must(dc_model_set_text(model, name, dct_chance(rng, 50) ? "text" : ""));
    }
    must(dc_model_save_bytes(model, in->bytes, ROOM, &in->length));
    dc_model_free(model);
}

/* A number of the file becomes another that matters. */
static void change_number(dct_rng *rng, input *in, size_t at)
{
    static const uint64_t edge[] = {0,
                                    1,
                                    2,
                                    3,
                                    8,
                                    9,
                                    63,
                                    64,
                                    255,
                                    4096,
                                    4097,
                                    INT32_MAX,
                                    UINT32_MAX,
                                    INT64_MAX,
                                    UINT64_MAX,
                                    UINT64_C(1) << 61,
                                    UINT64_C(1) << 63};
    const uint64_t n = edge[dct_below(rng, sizeof edge / sizeof *edge)];
    const size_t size = dct_chance(rng, 50) ? 4 : 8;

    at -= at % size;
    if (at + size <= in->length)
        memcpy(in->bytes + at, &n, size);
}

static void mutate(dct_rng *rng, input *in)
{
    const size_t at = (size_t)dct_below(rng, (int64_t)in->length);
    const size_t n = (size_t)dct_range(rng, 1, 24);

    switch (dct_below(rng, 5)) {
    case 0:
        in->bytes[at] ^= (unsigned char)(1 << dct_below(rng, 8));
        return;
    case 1:
        in->length = at + 1;
        return;
    case 2: /* a part of it twice */
        if (in->length + n > ROOM || at + n > in->length)
            return;
        memmove(in->bytes + at + n, in->bytes + at, in->length - at);
        in->length += n;
        return;
    case 3:
        if (at + n > in->length)
            return;
        memmove(in->bytes + at, in->bytes + at + n, in->length - at - n);
        in->length -= n;
        return;
    default:
        change_number(rng, in, at);
    }
}

/* Length and checksum as they should be, so that the reader looks further. */
static void make_right(input *in)
{
    const uint64_t total = in->length;
    uint32_t crc;

    if (in->length < 32)
        return;
    memcpy(in->bytes + 16, &total, sizeof total);
    crc = crc32c(in->bytes + 16, in->length - 16);
    memcpy(in->bytes + 12, &crc, sizeof crc);
}

static void run_case(uint64_t seed, int64_t number, int planted, tally *t)
{
    dct_rng rng = dct_stream(seed, (uint64_t)number);
    const int64_t mutations = number % 8 == 0 ? 0 : 1 + dct_below(&rng, 3);
    static unsigned char again[2 * ROOM];
    dc_model *model = NULL;
    input in, original;
    size_t size = 0;
    unsigned char *exact;

    draw_valid(&rng, &in);
    original = in;
    for (int64_t k = 0; k < mutations && in.length > 1; ++k)
        mutate(&rng, &in);
    if (mutations && !dct_chance(&rng, 10))
        make_right(&in);
    exact = malloc(in.length ? in.length : 1);
    if (!exact)
        exit(4);
    memcpy(exact, in.bytes, in.length);
    if (dc_model_load_bytes(exact, in.length, &model) == DC_OK) {
        const input *const like = planted ? &original : &in;

        if (dc_model_save_bytes(model, again, sizeof again, &size) != DC_OK ||
            size != like->length || memcmp(again, like->bytes, size) != 0)
            wrong(t, seed, number, "what was accepted is saved as something else");
        ++t->accepted;
    } else {
        if (model || !*dc_last_error())
            wrong(t, seed, number, "a refusal without a sentence");
        if (!mutations)
            wrong(t, seed, number, dc_last_error());
        ++t->refused;
    }
    dc_model_free(model);
    free(exact);
}

int main(int argc, char **argv)
{
    const int64_t cases = argc > 1 ? strtoll(argv[1], NULL, 10) : CASES;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const int planted = getenv("DUALCUBE_PLANT") != NULL;
    tally t = {0, 0, 0};

    for (int64_t k = 0; k < cases; ++k)
        run_case(seed, k, planted, &t);
    /* A reader that refuses or accepts everything would pass what is above. */
    if (t.accepted < cases / 10 || t.refused < cases / 4)
        wrong(&t, seed, -1, "too few accepted or refused");
    printf("fuzz_model: seed %" PRIu64 ", %" PRId64 " accepted, %" PRId64 " refused, %" PRId64
           " wrong\n",
           seed, t.accepted, t.refused, t.wrong);
    return t.wrong ? 1 : 0;
}
