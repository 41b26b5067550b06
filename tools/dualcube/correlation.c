/* dualcube correlation: the matrix of the columns of a .npy file. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/dualcube/npy.h"
#include "tools/dualcube/outfile.h"
#include "tools/dualcube/session.h"

enum { OUTPUT = CLI_FIRST_ID, METHOD, MIN_PERIODS, DDOF, INF };

static const cli_option options[] = {
    {"output", 'o', "PATH", "the .npy file to write (required)", OUTPUT},
    {"method", 'm', "WORD", "pearson (default), spearman or covariance", METHOD},
    {"min-periods", 0, "N", "rows with both values that a result needs, else NaN (default 1)",
     MIN_PERIODS},
    {"ddof", 0, "N", "covariance: the divisor is the number of rows less N (default 1)", DDOF},
    {"inf", 0, "WORD", "missing (default), or value: all results of its column are NaN", INF},
    SESSION_OPTIONS,
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "correlation INPUT.npy -o OUTPUT.npy [options]",
    "Correlation or covariance of every pair of columns of a .npy file of two axes: rows, "
    "columns.\n"
    "NaN is missing: a pair is computed from the rows where both columns have a value.  float32 "
    "and\n"
    "float64 are computed as they are, integers become float64.",
    "  dualcube correlation table.npy -o corr.npy --method spearman --min-periods 30",
    options,
};

typedef struct job {
    const char *input, *output;
    dc_correlation_params p;
    session_options where;
    npy_file file;
    void *values, *result; /* values: converted, NULL: as they lie in the file */
    int64_t columns;
} job;

static int choose(const cli_parser *p, const char *const *words, int count, int32_t *out)
{
    for (int k = 0; k < count; ++k)
        if (!strcmp(p->value, words[k])) {
            *out = k;
            return 0;
        }
    return cli_fail(CLI_USAGE, "%s is \"%s\", expected one of: %s %s %s", p->name, p->value,
                    words[0], words[1], count > 2 ? words[2] : "");
}

static int take(job *j, int id, const cli_parser *p)
{
    /* in the order of their codes */
    static const char *const methods[] = {"covariance", "pearson", "spearman"};
    static const char *const infs[] = {"missing", "value"};

    switch (id) {
    case OUTPUT:
        j->output = p->value;
        return 0;
    case METHOD:
        return choose(p, methods, 3, &j->p.kind);
    case INF:
        return choose(p, infs, 2, &j->p.inf);
    case MIN_PERIODS:
        return cli_int(p, 0, INT64_MAX, &j->p.min_periods);
    case DDOF:
        return cli_int(p, 0, INT64_MAX, &j->p.ddof);
    case CLI_OPERAND:
        if (j->input)
            return cli_fail(CLI_USAGE, "one input at a time: \"%s\" and \"%s\"", j->input,
                            p->value);
        j->input = p->value;
        return 0;
    default:
        return session_take(&j->where, id, p);
    }
}

/* The file as a table of float32 or float64. */
static int open_input(job *j)
{
    const npy_header *const h = &j->file.header;
    char error[NPY_TEXT];
    struct stat there;

    if (npy_open(j->input, &j->file, error))
        return cli_fail(CLI_FAILED, "%s", error);
    if (h->ndim != 2)
        return cli_fail(CLI_USAGE, "%s has %" PRId32 " axes, must have 2: rows, columns", j->input,
                        h->ndim);
    if (h->elements == 0)
        return cli_fail(CLI_USAGE, "%s has no elements", j->input);
    if (stat(j->output, &there) == 0 && (uint64_t)there.st_dev == j->file.device &&
        (uint64_t)there.st_ino == j->file.inode)
        return cli_fail(CLI_USAGE, "the output %s is the input itself", j->output);
    j->columns = h->shape[1];
    j->p.src = npy_array(&j->file);
    if (h->type == NPY_F32 || h->type == NPY_F64)
        return 0;
    j->values = malloc((size_t)h->elements * sizeof(double));
    if (!j->values)
        return cli_fail(CLI_FAILED, "no memory for %" PRId64 " values", h->elements);
    npy_convert(h->type, &j->p.src, j->values);
    j->p.src = dc_array_host(j->values, DC_F64, 2, h->shape);
    return 0;
}

static int compute(job *j)
{
    const int64_t square[2] = {j->columns, j->columns};
    session s = {NULL, NULL, NULL};
    dc_status status;
    int code;

    if (j->columns > 1 << 20)
        return cli_fail(CLI_USAGE, "%s has %" PRId64 " columns, at most 2^20 are possible",
                        j->input, j->columns);
    j->result = malloc((size_t)(j->columns * j->columns) * dc_dtype_bytes(j->p.src.dtype));
    if (!j->result)
        return cli_fail(CLI_FAILED, "no memory for %" PRId64 " columns", j->columns);
    j->p.dst = dc_array_host(j->result, j->p.src.dtype, 2, square);
    code = session_open(&s, &j->where);
    if (code)
        return code;
    status = dc_correlation(s.queue, &j->p, NULL);
    session_close(&s);
    return status == DC_OK ? 0 : cli_fail_status(status);
}

static int write_result(const job *j)
{
    const int64_t square[2] = {j->columns, j->columns};
    const size_t bytes = (size_t)(j->columns * j->columns) * dc_dtype_bytes(j->p.src.dtype);
    char header[1024];
    const size_t head = npy_header_write(j->p.src.dtype == DC_F32 ? NPY_F32 : NPY_F64, 2, square,
                                         header, sizeof header);
    outfile file;
    int code = outfile_open(&file, j->output, head + bytes);

    if (code)
        return code;
    code = outfile_write(&file, header, head);
    if (!code)
        code = outfile_write(&file, j->result, bytes);
    if (!code)
        code = outfile_commit(&file);
    outfile_discard(&file);
    return code;
}

static double result_at(const job *j, int64_t at)
{
    return j->p.src.dtype == DC_F32 ? (double)((const float *)j->result)[at]
                                    : ((const double *)j->result)[at];
}

/* How many results there are, and the strongest between two columns. */
static void tell(const job *j)
{
    int64_t missing = 0, first = -1, second = -1;
    double most = -1;

    for (int64_t a = 0; a < j->columns; ++a)
        for (int64_t b = a + 1; b < j->columns; ++b) {
            const double x = result_at(j, a * j->columns + b);

            missing += isnan(x) != 0;
            if (fabs(x) > most) {
                most = fabs(x);
                first = a;
                second = b;
            }
        }
    printf("%s: %" PRId64 " x %" PRId64 ", %" PRId64 " pairs without a result\n", j->output,
           j->columns, j->columns, missing);
    if (first >= 0)
        printf("largest: %.6g, columns %" PRId64 " and %" PRId64 "\n",
               result_at(j, first * j->columns + second), first, second);
}

int cli_correlation(int argc, char **argv)
{
    job j = {.p = DC_CORRELATION_PARAMS_INIT, .where = SESSION_OPTIONS_INIT};
    cli_parser p;
    int id, code = 0;

    j.p.kind = DC_CORRELATION_PEARSON;
    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        code = take(&j, id, &p);
    }
    if (!code && !j.input)
        code = cli_fail(CLI_USAGE, "the input is missing");
    if (!code && !j.output)
        code = cli_fail(CLI_USAGE, "--output is missing");
    if (code)
        return code;
    cli_catch_interrupts();
    code = open_input(&j);
    if (!code)
        code = compute(&j);
    if (!code && cli_interrupted())
        code = CLI_INTERRUPTED;
    if (!code)
        code = write_result(&j);
    if (!code)
        tell(&j);
    free(j.values);
    free(j.result);
    npy_close(&j.file);
    return cli_finish(code);
}
