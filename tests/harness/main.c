/* The parity engine as a test: the options of `dualcube parity`, and the counts that must be met.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/parity_case.h"

typedef struct demands {
    int64_t comparisons; /* fewer is a failure                                       */
    int32_t threaded;    /* calls on several threads must have been among them       */
    int32_t opencl;      /* so must calls on an OpenCL device                         */
    int32_t cells;       /* the last line counts operation x dtype x device           */
    const char *csv, *markdown, *json;
} demands;

static const struct option known[] = {{"seed", 1, NULL, 's'},
                                      {"case", 1, NULL, 'c'},
                                      {"cases", 1, NULL, 'n'},
                                      {"seconds", 1, NULL, 't'},
                                      {"op", 1, NULL, 'o'},
                                      {"family", 1, NULL, 'f'},
                                      {"device", 1, NULL, 'd'},
                                      {"dtype", 1, NULL, 'y'},
                                      {"isa", 1, NULL, 'i'},
                                      {"plant", 1, NULL, 'p'},
                                      {"small", 0, NULL, 'S'},
                                      {"verbose", 0, NULL, 'v'},
                                      {"min-comparisons", 1, NULL, 'm'},
                                      {"need-threads", 0, NULL, 'T'},
                                      {"need-opencl", 0, NULL, 'O'},
                                      {"csv", 1, NULL, 'C'},
                                      {"markdown", 1, NULL, 'M'},
                                      {"json", 1, NULL, 'J'},
                                      {"cells", 0, NULL, 'L'},
                                      {"max-failures", 1, NULL, 'F'},
                                      {"tiny", 0, NULL, 'Y'},
                                      {NULL, 0, NULL, 0}};

static int64_t number(const char *text)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 0);
    if (errno || end == text || *end) {
        fprintf(stderr, "parity: '%s' is not a whole number\n", text);
        exit(2);
    }
    return value;
}

static int32_t dtype_of(const char *name)
{
    for (int32_t dtype = DC_F32; dtype < DC_DTYPES; dtype++)
        if (strcmp(name, dc_dtype_name(dtype)) == 0)
            return dtype;
    fprintf(stderr, "parity: '%s' is not a dtype\n", name);
    exit(2);
}

/* What is demanded of the run, and where its table goes; 0: another option. */
static int take_demand(int letter, const char *value, demands *d)
{
    switch (letter) {
    case 'L':
        d->cells = 1;
        break;
    case 'm':
        d->comparisons = number(value);
        break;
    case 'T':
        d->threaded = 1;
        break;
    case 'O':
        d->opencl = 1;
        break;
    case 'C':
        d->csv = value;
        break;
    case 'M':
        d->markdown = value;
        break;
    case 'J':
        d->json = value;
        break;
    default:
        return 0;
    }
    return 1;
}

static void take(int letter, const char *value, dct_parity_options *o)
{
    switch (letter) {
    case 's':
        o->seed = strtoull(value, NULL, 0);
        break;
    case 'c':
        o->first_case = number(value);
        o->cases = 1;
        o->verbose = 1;
        break;
    case 'n':
        o->cases = number(value);
        break;
    case 't':
        o->seconds = strtod(value, NULL);
        break;
    case 'o':
        o->op = value;
        break;
    case 'f':
        o->family = value;
        break;
    case 'd':
        o->device = value;
        break;
    case 'y':
        o->dtype = dtype_of(value);
        break;
    case 'i':
        o->isa = (int32_t)number(value);
        break;
    case 'p':
        o->plant = (int32_t)number(value);
        break;
    case 'S':
    case 'Y':
        o->small = letter == 'Y' ? 2 : 1;
        break;
    case 'F':
        o->max_failures = (int32_t)number(value);
        break;
    case 'v':
        o->verbose = 1;
        break;
    default:
        exit(2);
    }
}

static int save(const char *path, int (*writer)(const dct_parity_report *, FILE *),
                const dct_parity_report *report)
{
    if (!path)
        return 0;
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "parity: cannot write %s: %s\n", path, strerror(errno));
        return 1;
    }
    const int failed = writer(report, file) != 0;
    return fclose(file) != 0 || failed;
}

/* Every row x dtype of the registry must have been compared at least once. */
static int covered(const dct_parity_options *o, const dct_parity_report *report, int strict)
{
    int missing = 0;
    for (int32_t i = 0; i < dc_op_count() && !o->op && !o->family && o->cases > 1; i++) {
        dc_op_info op = {.struct_size = sizeof op};
        if (dc_op_get(i, &op) != DC_OK)
            return 1;
        int32_t dtype[DCT_MAX_DTYPES];
        const int32_t dtypes = dct_dtypes(&op, dtype);
        for (int32_t d = 0; d < dtypes; d++) {
            int64_t seen = 0;
            for (int32_t k = 0; k < report->ncells; k++)
                if (report->cell[k].dtype == dtype[d] && strcmp(report->cell[k].op, op.name) == 0)
                    seen += report->cell[k].comparisons;
            if (seen == 0 && (!o->dtype || o->dtype == dtype[d])) {
                printf("FAILED: %s %s was never compared\n", op.name, dc_dtype_name(dtype[d]));
                missing++;
            }
        }
    }
    /* A row that a CPU declines, or that never ran where it could, is a row lost. */
    for (int32_t k = 0; k < report->ncells; k++) {
        const dct_parity_cell *cell = &report->cell[k];
        if (cell->comparisons == 0 && (strict || strncmp(cell->device, "cpu", 3) == 0)) {
            printf("FAILED: %s %s never ran on %s: %s\n", cell->op, dc_dtype_name(cell->dtype),
                   cell->device, cell->reason);
            missing++;
        }
    }
    return missing;
}

static void summary(const dct_parity_report *report, int cells, int missing)
{
    int64_t passed = report->comparisons - report->failures, failed = report->failures;
    if (cells) {
        passed = failed = 0;
        for (int32_t i = 0; i < report->ncells; i++) {
            passed += report->cell[i].comparisons > 0 && report->cell[i].failures == 0;
            failed += report->cell[i].failures > 0;
        }
    }
    printf("%lld passed, %lld failed\n", (long long)passed, (long long)(failed + missing));
}

int main(int argc, char **argv)
{
    dct_parity_options options = DCT_PARITY_OPTIONS_INIT;
    dct_parity_report report;
    demands d = {0};
    options.catch_faults = 1;
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;)
        if (!take_demand(letter, optarg, &d))
            take(letter, optarg, &options);
    int status = dct_parity_run(&options, &report, stdout);
    status |= save(d.csv, dct_parity_write_csv, &report);
    status |= save(d.markdown, dct_parity_write_markdown, &report);
    status |= save(d.json, dct_parity_write_json, &report);
    int missing = covered(&options, &report, d.opencl);
    if (report.comparisons < d.comparisons)
        missing += printf("FAILED: %lld comparisons, %lld are required\n",
                          (long long)report.comparisons, (long long)d.comparisons) > 0;
    if (d.threaded && report.threaded == 0)
        missing += printf("FAILED: no call ran on several threads\n") > 0;
    if (d.opencl && report.on_devices == 0)
        missing += printf("FAILED: no call ran on an OpenCL device\n") > 0;
    printf("parity: seed %llu, %lld cases, %lld comparisons (%lld on OpenCL, %lld on several "
           "threads), %lld elements, %.1f s\n",
           (unsigned long long)report.seed, (long long)report.cases, (long long)report.comparisons,
           (long long)report.on_devices, (long long)report.threaded, (long long)report.elements,
           report.seconds);
    summary(&report, d.cells, missing);
    dct_parity_report_free(&report);
    return status ? status : missing > 0;
}
