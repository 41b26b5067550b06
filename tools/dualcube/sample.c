#include "tools/dualcube/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/cli.h"
#include "tools/dualcube/npy.h"
#include "tools/dualcube/outfile.h"

enum {
    DAY = 288,   /* rows of five minutes */
    WEEK = 2016, /* seven days */
    UNIT = 4096, /* values are whole multiples of 1/UNIT below 2^24: exact as float32, too */
    BLOCK = 256  /* rows written at a time */
};

enum { FAULT_NONE, FAULT_GAP, FAULT_STUCK, FAULT_SPIKE, FAULT_SHIFT, FAULT_DRIFT };

/* What makes a column: all drawn from (seed, column). */
typedef struct column {
    int64_t level, daily, weekly, slope, noise; /* in units; slope per 1024 rows */
    int64_t phase;
    int32_t fault;
    int64_t first, length, size; /* of the fault */
} column;

/* splitmix64 of a counter: element i is a function of (seed, i) alone. */
static uint64_t random_at(uint64_t seed, uint64_t i)
{
    uint64_t z = seed * UINT64_C(0xd1342543de82ef95) + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int64_t between(uint64_t random, int64_t low, int64_t high)
{
    return low + (int64_t)(random % (uint64_t)(high - low + 1));
}

/* Sum of four uniforms: nearly normal, in units of about 1/1000 of a standard deviation. */
static int64_t noise_at(uint64_t random)
{
    int64_t sum = (int64_t)(random & 0xffff) + (int64_t)(random >> 16 & 0xffff) +
                  (int64_t)(random >> 32 & 0xffff) + (int64_t)(random >> 48);

    return (sum - 2 * 65535) / 38; /* the sum's deviation is 37,837 */
}

/* A sine drawn with parabolas: -1024 ... 1024 over `period` rows. */
static int64_t wave(int64_t row, int64_t period)
{
    int64_t half = period / 2, x = row % period, y = x % half;

    y = 4096 * y * (half - y) / (half * half);
    return x < half ? y : -y;
}

static void draw_columns(const sample_options *o, column *c)
{
    for (int64_t j = 0; j < o->columns; ++j, ++c) {
        uint64_t key = random_at(o->seed, UINT64_C(1) << 62 | (uint64_t)j), r[10];

        for (uint64_t k = 0; k < 10; ++k)
            r[k] = random_at(key, k);
        c->level = between(r[0], 10 * UNIT, 80 * UNIT);
        c->daily = between(r[1], UNIT / 2, 6 * UNIT);
        c->weekly = between(r[2], 0, 2 * UNIT);
        c->slope = between(r[3], -UNIT / 4, UNIT / 4);
        c->noise = between(r[4], UNIT / 16, UNIT / 2);
        c->phase = between(r[5], 0, DAY - 1);
        c->fault = (int32_t)(j % 6); /* every kind is there from six columns on */
        c->length = 1 + between(r[6], o->rows / 64, o->rows / 16);
        c->first = o->rows / 4 + between(r[7], 0, o->rows / 2);
        c->size = between(r[8], 4 * UNIT, 12 * UNIT) * (r[9] & 1 ? 1 : -1);
    }
}

/* One value in units; *missing is set where the sensor said nothing. */
static int64_t value_at(const sample_options *o, const column *c, int64_t i, int64_t j,
                        int *missing)
{
    const int inside = i >= c->first && i < c->first + c->length;
    int64_t row = c->fault == FAULT_STUCK && inside ? c->first : i;
    uint64_t r = random_at(random_at(o->seed, (uint64_t)j), (uint64_t)row);
    int64_t v = c->level + c->daily * wave(row + c->phase, DAY) / 1024 +
                c->weekly * wave(row, WEEK) / 1024 + c->slope * row / 1024 +
                c->noise * noise_at(r) / 1000;

    *missing = r % 251 == 0 && !(c->fault == FAULT_STUCK && inside); /* single dropouts */
    if (c->fault == FAULT_GAP && inside)
        *missing = 1;
    if (c->fault == FAULT_SPIKE && inside && r % 97 == 0)
        v += 4 * c->size;
    if (c->fault == FAULT_SHIFT && i >= c->first)
        v += c->size;
    if (c->fault == FAULT_DRIFT && inside)
        v += c->size * (i - c->first) / c->length;
    return v;
}

static int write_rows(const sample_options *o, const column *c, outfile *file, char *block)
{
    const size_t size = o->dtype == DC_F32 ? 4 : 8;
    const uint64_t nan64 = UINT64_C(0x7ff8000000000000);
    const uint32_t nan32 = UINT32_C(0x7fc00000);

    for (int64_t first = 0; first < o->rows; first += BLOCK) {
        int64_t last = first + BLOCK < o->rows ? first + BLOCK : o->rows;
        char *at = block;
        int code;

        for (int64_t i = first; i < last; ++i)
            for (int64_t j = 0; j < o->columns; ++j, at += size) {
                int missing;
                int64_t units = value_at(o, &c[j], i, j, &missing);
                double wide = (double)units / UNIT;
                float narrow = (float)wide;

                if (o->dtype == DC_F32)
                    memcpy(at, missing ? (const void *)&nan32 : &narrow, size);
                else
                    memcpy(at, missing ? (const void *)&nan64 : &wide, size);
            }
        if (cli_interrupted())
            return CLI_INTERRUPTED;
        code = outfile_write(file, block, (size_t)(at - block));
        if (code)
            return code;
    }
    return 0;
}

int sample_write(const sample_options *o, const char *path)
{
    const int64_t shape[2] = {o->rows, o->columns};
    const size_t size = o->dtype == DC_F32 ? 4 : 8;
    column *columns = calloc((size_t)o->columns, sizeof *columns);
    char *block = malloc(BLOCK * (size_t)o->columns * size), header[256];
    size_t head =
        npy_header_write(o->dtype == DC_F32 ? NPY_F32 : NPY_F64, 2, shape, header, sizeof header);
    outfile file = {.fd = -1, .slot = -1};
    int code;

    if (!columns || !block)
        code = cli_fail(CLI_FAILED, "out of memory for %lld columns", (long long)o->columns);
    else
        code = outfile_open(&file, path, head + (uint64_t)o->rows * (uint64_t)o->columns * size);
    if (!code) {
        draw_columns(o, columns);
        code = outfile_write(&file, header, head);
    }
    if (!code)
        code = write_rows(o, columns, &file, block);
    if (!code)
        code = outfile_commit(&file);
    outfile_discard(&file);
    free(columns);
    free(block);
    return code;
}

enum { ROWS = CLI_FIRST_ID, COLUMNS, SEED, DTYPE, OUTPUT };

static const cli_option options[] = {
    {"output", 'o', "FILE", "where to write (default sample.npy)", OUTPUT},
    {"rows", 0, "N", "rows of five minutes (default 20000)", ROWS},
    {"columns", 0, "N", "sensors (default 16)", COLUMNS},
    {"seed", 0, "N", "another cube for every seed (default 1)", SEED},
    {"dtype", 0, "TYPE", "f32 or f64 (default f64); the values are the same", DTYPE},
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "sample [-o FILE.npy] [options]",
    "Write the built-in sample cube: sensor-like columns with a daily and a weekly season, "
    "trends,\n"
    "noise, dropouts (NaN) and planted faults.  The bytes are the same on every machine.",
    "  dualcube sample -o cube.npy --rows 100000 --columns 32\n  dualcube features cube.npy",
    options,
};

int cli_sample(int argc, char **argv)
{
    sample_options o = SAMPLE_OPTIONS_INIT;
    const char *path = "sample.npy";
    cli_parser p;
    int64_t seed = 1;
    int id, code = 0;

    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        if (id == ROWS)
            code = cli_int(&p, 1, INT64_C(1) << 32, &o.rows);
        else if (id == COLUMNS)
            code = cli_int(&p, 1, 1 << 16, &o.columns);
        else if (id == SEED)
            code = cli_int(&p, 0, INT64_MAX, &seed);
        else if (id == DTYPE)
            code = cli_dtype(&p, &o.dtype);
        else if (id == OUTPUT)
            path = p.value;
        else
            code = cli_fail(CLI_USAGE, "unexpected \"%s\"; the file is given with -o", p.value);
    }
    if (code)
        return code;
    o.seed = (uint64_t)seed;
    cli_catch_interrupts();
    code = sample_write(&o, path);
    if (!code)
        printf("%s: %lld rows x %lld columns, %s\n", path, (long long)o.rows, (long long)o.columns,
               o.dtype == DC_F32 ? "float32" : "float64");
    return code;
}
