/* The loader of reduction states against bytes that lie: saved states, mutated, most of them with a
 * checksum and a length made right again, from a fixed seed.  What is accepted must save to the
 * same bytes and give results; every refusal must carry a sentence; the sanitizers see the rest,
 * since the bytes lie in a block of exactly their size.
 *
 *     fuzz_reduce_state [cases] [seed]     DUALCUBE_PLANT=1: no mutated state may be accepted
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"
#include "tests/harness/random.h"

enum { ROOM = 1 << 16, CASES = 60000, HEADER = 24, ROWS = 300, COLUMNS = 2 };

typedef struct tally {
    int64_t accepted, refused, wrong;
} tally;

static void wrong(tally *t, int64_t number, const char *what)
{
    t->wrong++;
    printf("FAILED: case %" PRId64 ": %s\n", number, what);
}

/* A state of some kind with some rows; its bytes. */
static size_t draw_bytes(dct_rng *rng, unsigned char *bytes)
{
    static const double edges[] = {-1.0, 0.0, 2.0};
    static double data[ROWS * COLUMNS];
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
    dc_reduce_state *state = NULL;
    size_t size = 0;
    int64_t first = dct_below(rng, 1000);
    const int32_t dtype = dct_chance(rng, 50) ? DC_F64 : DC_F32;

    do
        p.kind = (int32_t)dct_below(rng, DC_REDUCE_EXTENT + 1);
    while (p.kind == DC_REDUCE_MEDIAN || p.kind == DC_REDUCE_QUANTILE);
    for (int i = 0; i < ROWS * COLUMNS; ++i)
        data[i] = dct_bell(rng);
    p.src = dc_array_host(data, dtype, 2, (int64_t[]){ROWS, COLUMNS});
    p.k = dct_range(rng, 1, 4);
    p.high = 1;
    p.edges = (dc_doubles){edges, dct_chance(rng, 50) ? 3 : 0};
    if (dc_reduce_state_new(&p, &state) != DC_OK)
        exit(4);
    for (int i = 0; i < 3; ++i) {
        dc_array part = p.src;

        part.shape[0] = dct_below(rng, ROWS);
        if (dc_reduce_state_update(state, &part, first) != DC_OK)
            exit(4);
        first += part.shape[0] + dct_below(rng, 300);
    }
    if (dc_reduce_state_save(state, bytes, ROOM, &size) != DC_OK)
        exit(4);
    dc_reduce_state_free(state);
    return size;
}

static uint32_t crc32_of(const unsigned char *data, size_t bytes)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes; ++i) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void mend(unsigned char *bytes, size_t size)
{
    const uint64_t length = size;
    uint32_t crc;

    if (size < HEADER)
        return;
    crc = crc32_of(bytes + HEADER, size - HEADER);
    memcpy(bytes + 12, &crc, sizeof crc); /* little-endian machines run this */
    memcpy(bytes + 16, &length, sizeof length);
}

static size_t mutate(dct_rng *rng, unsigned char *bytes, size_t size)
{
    static const uint64_t words[] = {0,      1, 2, 255, UINT64_MAX, INT64_MAX, (uint64_t)1 << 62,
                                     1 << 20};
    const size_t at = (size_t)dct_below(rng, (int64_t)size);
    const uint64_t word = words[dct_below(rng, 8)];

    switch (dct_below(rng, 5)) {
    case 0:
        bytes[at] ^= (unsigned char)(1 << dct_below(rng, 8));
        return size;
    case 1: /* among the parameters and counts */
        memcpy(bytes + HEADER + 4 * dct_below(rng, 40), &word, 4);
        return size;
    case 2:
        if (size >= at + 8)
            memcpy(bytes + at, &word, 8);
        return size;
    case 3:
        return at;
    default:
        if (size + 16 < ROOM)
            memset(bytes + size, 0, 16);
        return size + 16 < ROOM ? size + 16 : size;
    }
}

/* An accepted state works, and saves to the bytes that it came from. */
static void use(tally *t, int64_t number, dc_reduce_state *state, const unsigned char *bytes,
                size_t size)
{
    unsigned char *again = malloc(size);
    size_t length = 0;

    if (!again)
        exit(4);
    if (dc_reduce_state_save(state, again, size, &length) != DC_OK || length != size ||
        memcmp(again, bytes, size) != 0)
        wrong(t, number, "accepted, and saves to other bytes");
    if (dc_reduce_state_rows(state) < 0)
        wrong(t, number, "accepted with fewer than no rows");
    free(again);
}

static void run_case(uint64_t seed, int64_t number, int planted, tally *t)
{
    static unsigned char bytes[ROOM];
    dct_rng rng = dct_stream(seed, (uint64_t)number);
    dc_reduce_state *state = NULL;
    size_t size = draw_bytes(&rng, bytes);
    const int64_t mutations = number % 8 == 0 && !planted ? 0 : 1 + dct_below(&rng, 3);
    unsigned char *exact;
    dc_status status;

    for (int64_t i = 0; i < mutations && size > HEADER + 200; ++i)
        size = mutate(&rng, bytes, size);
    if (mutations && dct_chance(&rng, 90))
        mend(bytes, size);
    exact = malloc(size + !size);
    if (!exact)
        exit(4);
    memcpy(exact, bytes, size);
    status = dc_reduce_state_load(exact, size, &state);
    if (status == DC_OK)
        use(t, number, state, exact, size);
    else if (state || !*dc_last_error())
        wrong(t, number, "a refusal without a sentence");
    else if (mutations == 0)
        wrong(t, number, dc_last_error());
    if (planted && status == DC_OK)
        wrong(t, number, "a mutated state was accepted");
    t->accepted += status == DC_OK;
    t->refused += status != DC_OK;
    dc_reduce_state_free(state);
    free(exact);
}

int main(int argc, char **argv)
{
    const int64_t cases = argc > 1 ? strtoll(argv[1], NULL, 10) : CASES;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const int planted = getenv("DUALCUBE_PLANT") != NULL;
    tally t = {0, 0, 0};

    for (int64_t number = 0; number < cases && t.wrong < 10; ++number)
        run_case(seed, number, planted, &t);
    printf("%" PRId64 " accepted, %" PRId64 " refused, %" PRId64 " wrong\n", t.accepted, t.refused,
           t.wrong);
    return t.wrong != 0 || t.accepted == 0 || t.refused == 0;
}
