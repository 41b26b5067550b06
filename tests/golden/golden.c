/* Golden hashes: SHA-256 of the results of every row and dtype on fixed-seed cases, baseline, one
 * thread.  A change that moves the kernels and their mirrors together is seen here.
 *
 *     golden <hashes.csv>            check
 *     golden --write <hashes.csv>    write anew; CHANGELOG.md then needs a line on changed results
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/golden/sha256.h"
#include "tests/harness/parity_case.h"
#include "tests/harness/parity_memory.h"

enum { SEED = 20260101, CASES = 160, REGION_BYTES = 4 << 20, ROWS_MOST = 512 };

typedef struct golden_row {
    char op[48], dtype[16], hex[65];
} golden_row;

typedef struct memory {
    dct_region in[DCT_MAX_ARRAYS], out[DCT_MAX_ARRAYS];
    unsigned char *dense;
} memory;

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "golden: %s: %s\n", what, why);
    return -1;
}

static int lay_out(memory *m, dct_case *c)
{
    for (int32_t i = 0; i < c->nin; i++) {
        dc_array *array = dct_case_in(c, c->params.bytes, i);
        if ((!m->in[i].map && dct_region_new(&m->in[i], REGION_BYTES) != 0) ||
            dct_region_place(&m->in[i], array, c->at_end, c->misaligned) != 0)
            return fail(c->op.name, "no memory for an input");
        dct_fill(c, array, m->in[i].element0);
    }
    for (int32_t i = 0; i < c->nout; i++)
        if ((!m->out[i].map && dct_region_new(&m->out[i], REGION_BYTES) != 0) ||
            dct_region_place(&m->out[i], dct_case_out(c, c->params.bytes, i), c->at_end, 0) != 0)
            return fail(c->op.name, "no memory for an output");
    return 0;
}

static int hash_case(dc_queue *queue, memory *m, dct_case *c, dct_sha256 *sha)
{
    if (lay_out(m, c) != 0)
        return -1;
    if (dct_case_call(c, queue, c->params.bytes, NULL) != DC_OK)
        return fail(c->text, dc_last_error());
    for (int32_t i = 0; i < c->nout; i++) {
        const dc_array *out = dct_case_out(c, c->params.bytes, i);
        const size_t bytes = (size_t)dc_array_elements(out) * dc_dtype_bytes(out->dtype);
        if (bytes > REGION_BYTES)
            return fail(c->text, "the output is too large");
        dct_region_gather(&m->out[i], out, m->dense, 0);
        dct_sha256_add(sha, out->shape, sizeof out->shape);
        dct_sha256_add(sha, m->dense, bytes);
    }
    return 0;
}

static int hash_row(dc_queue *queue, memory *m, const dc_op_info *op, int32_t dtype,
                    golden_row *row)
{
    static dct_case c;
    const dct_family *family;
    dct_sha256 sha;
    dct_sha256_begin(&sha);
    for (int64_t number = 0; number < CASES; number++) {
        dct_case_draw_op(&c, &family, op, dtype, SEED, number, 1);
        if (hash_case(queue, m, &c, &sha) != 0)
            return -1;
    }
    snprintf(row->op, sizeof row->op, "%s", op->name);
    snprintf(row->dtype, sizeof row->dtype, "%s", dc_dtype_name(dtype));
    dct_sha256_end(&sha, row->hex);
    return 0;
}

/* Number of rows computed, -1 on failure. */
static int compute(dc_queue *queue, golden_row *row)
{
    static memory m;
    int n = 0, status = 0;
    m.dense = malloc(REGION_BYTES);
    if (!m.dense)
        return fail("results", "no memory");
    for (int32_t i = 0; i < dc_op_count() && status == 0; i++) {
        dc_op_info op = {.struct_size = sizeof op};
        int32_t dtype[DCT_MAX_DTYPES];
        if (dc_op_get(i, &op) != DC_OK || n + DCT_MAX_DTYPES > ROWS_MOST)
            status = fail("registry", "a row cannot be read, or there are too many");
        for (int32_t d = 0; d < dct_dtypes(&op, dtype) && status == 0; d++)
            status = hash_row(queue, &m, &op, dtype[d], &row[n++]);
    }
    for (int32_t i = 0; i < DCT_MAX_ARRAYS; i++) {
        dct_region_free(&m.in[i]);
        dct_region_free(&m.out[i]);
    }
    free(m.dense);
    return status ? -1 : n;
}

/* Rows of the file, -1 when it cannot be read. */
static int read_rows(const char *path, golden_row *row)
{
    char line[256];
    int n = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return fail(path, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "operation,", 10) == 0 || *line == '#')
            continue;
        if (n == ROWS_MOST ||
            sscanf(line, "%47[^,],%15[^,],%64[0-9a-f]", row[n].op, row[n].dtype, row[n].hex) != 3 ||
            strlen(row[n].hex) != 64) {
            fclose(file);
            return fail(path, line);
        }
        n++;
    }
    fclose(file);
    return n;
}

static int write_rows(const char *path, const golden_row *row, int n)
{
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%.4000s.tmp", path);
    FILE *file = fopen(temporary, "w");
    if (!file)
        return fail(temporary, strerror(errno));
    fprintf(file, "operation,dtype,sha256 of %d cases of seed %d\n", CASES, SEED);
    for (int i = 0; i < n; i++)
        fprintf(file, "%s,%s,%s\n", row[i].op, row[i].dtype, row[i].hex);
    if (fclose(file) != 0 || rename(temporary, path) != 0)
        return fail(path, strerror(errno));
    return 0;
}

static const golden_row *look_up(const golden_row *row, int n, const golden_row *like)
{
    for (int i = 0; i < n; i++)
        if (strcmp(row[i].op, like->op) == 0 && strcmp(row[i].dtype, like->dtype) == 0)
            return &row[i];
    return NULL;
}

static int check(const char *path, const golden_row *now, int n)
{
    static golden_row then[ROWS_MOST];
    int failed = 0, known = read_rows(path, then);
    if (known < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        const golden_row *row = look_up(then, known, &now[i]);
        if (row && strcmp(row->hex, now[i].hex) == 0)
            continue;
        printf("FAILED: %s %s: %s\n", now[i].op, now[i].dtype,
               row ? "its results have changed" : "it has no golden hash");
        failed++;
    }
    for (int i = 0; i < known; i++)
        if (!look_up(now, n, &then[i]))
            failed +=
                printf("FAILED: %s %s: it has a hash but is gone\n", then[i].op, then[i].dtype) > 0;
    printf("%d passed, %d failed\n", n - failed > 0 ? n - failed : 0, failed);
    return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
    static golden_row row[ROWS_MOST];
    const int writing = argc == 3 && strcmp(argv[1], "--write") == 0;
    if (argc != 2 && !writing)
        return fail("usage", "golden [--write] hashes.csv"), 2;
    dc_context *context;
    dc_device *cpu;
    dc_queue *queue;
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;
    params.policy = DC_POLICY_CPU;
    params.isa = DC_ISA_BASELINE;
    params.threads = 1;
    if (dc_context_new(NULL, &context) != DC_OK || dc_device_at(context, 0, &cpu) != DC_OK ||
        dc_queue_new(context, cpu, &params, &queue) != DC_OK)
        return fail("context", dc_last_error()), 1;
    const int n = compute(queue, row);
    int status = n < 0 ? -1 : 0;
    if (status == 0)
        status = writing ? write_rows(argv[2], row, n) : check(argv[1], row, n);
    dc_queue_free(queue);
    dc_context_free(context);
    return status ? 1 : 0;
}
