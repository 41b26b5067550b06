#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/outfile.h"
#include "tools/dualcube/prove.h"
#include "tools/dualcube/session.h"
#include "tools/dualcube/ui.h"

enum {
    SEED = CLI_FIRST_ID,
    CASE,
    CASES,
    SECONDS,
    OP,
    DEVICE,
    DTYPE,
    ISA,
    THREADS,
    SMALL,
    VERBOSE,
    PLANT,
    CSV,
    MARKDOWN,
    JSON
};

static const cli_option options[] = {
    {"seed", 0, "N", "another set of random cases for every seed (default 1)", SEED},
    {"cases", 'n', "N", "cases to run, each on every device (default 2000)", CASES},
    {"case", 0, "N", "run this one case and describe it: a failure prints its number", CASE},
    {"seconds", 0, "X", "stop after so long", SECONDS},
    {"op", 0, "NAME", "one operation, such as rolling_median (default: all)", OP},
    {"device", 'd', "NAME", "cpu, opencl or opencl:N (default: all)", DEVICE},
    {"dtype", 0, "TYPE", "f32 or f64 (default: both)", DTYPE},
    {"isa", 0, "NAME", "baseline, avx2 or avx512 (default: all that are usable here)", ISA},
    {"threads", 't', "N", "largest number of CPU threads (default 7)", THREADS},
    {"small", 0, NULL, "small arrays only", SMALL},
    {"verbose", 'v', NULL, "one line per case", VERBOSE},
    {"plant", 0, "DEFECT",
     "plant a defect, which must be found: bit, nan-payload, minus-zero, gap, input, elsewhere",
     PLANT},
    {"csv", 0, "FILE", "write every row, dtype and device as CSV", CSV},
    {"markdown", 0, "FILE", "the same as a table for people", MARKDOWN},
    {"json", 0, NULL, "print JSON; findings go to standard error", JSON},
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "parity [options]",
    "Prove on this machine that every device, instruction set, thread count and chunking gives "
    "the\n"
    "bits of the baseline CPU build: random shapes, strides, alignments, missing values, "
    "parameters.\n"
    "Exit code 1: a difference was found; the line that reruns it is printed.",
    "  dualcube parity --cases 20000 --markdown PARITY.md\n"
    "  dualcube parity --seed 1 --case 1234",
    options,
};

typedef struct request {
    dct_parity_options parity;
    const char *csv, *markdown;
    int json;
} request;

static int take_words(request *r, int id, const cli_parser *p)
{
    dc_op_info op = {.struct_size = sizeof op};
    int known;

    switch (id) {
    case OP:
        r->parity.op = p->value;
        if (dc_op_find(p->value, &op) != DC_OK)
            return cli_fail(CLI_USAGE, "--op: there is no operation \"%s\"; see dualcube explain",
                            p->value);
        return 0;
    case ISA:
        r->parity.isa = isa_find(p->value);
        return r->parity.isa >= 0
                   ? 0
                   : cli_fail(CLI_USAGE, "--isa is \"%s\", expected baseline, avx2 or avx512",
                              p->value);
    case PLANT:
        known = prove_plant(p->value);
        r->parity.plant = known;
        return known >= 0 ? 0
                          : cli_fail(CLI_USAGE,
                                     "--plant is \"%s\", expected bit, nan-payload, minus-zero, "
                                     "gap, input or elsewhere",
                                     p->value);
    case DEVICE:
        r->parity.device = p->value;
        if (strcmp(p->value, "cpu") && strncmp(p->value, "opencl", 6))
            return cli_fail(CLI_USAGE, "--device is \"%s\", expected cpu, opencl or opencl:N",
                            p->value);
        return 0;
    default:
        return cli_dtype(p, &r->parity.dtype);
    }
}

static int take_option(request *r, int id, const cli_parser *p)
{
    int64_t n = 0;
    int code = 0;

    if (id == SEED)
        code = cli_int(p, 0, INT64_MAX, &n), r->parity.seed = (uint64_t)n;
    else if (id == CASE) {
        code = cli_int(p, 0, INT64_MAX / 2, &r->parity.first_case);
        r->parity.cases = r->parity.verbose = 1;
    } else if (id == CASES)
        code = cli_int(p, 1, INT64_MAX / 2, &r->parity.cases);
    else if (id == SECONDS)
        code = cli_double(p, 0.1, 1e6, &r->parity.seconds);
    else if (id == THREADS)
        code = cli_int(p, 1, 1024, &n), r->parity.max_threads = (int32_t)n;
    else if (id == SMALL)
        r->parity.small = 1;
    else if (id == VERBOSE)
        r->parity.verbose = 1;
    else if (id == CSV)
        r->csv = p->value;
    else if (id == MARKDOWN)
        r->markdown = p->value;
    else if (id == JSON)
        r->json = 1;
    else if (id == CLI_OPERAND)
        code = cli_fail(CLI_USAGE, "unexpected \"%s\"", p->value);
    else
        code = take_words(r, id, p);
    return code;
}

/* Text of a report by one of the engine's writers into a file that appears whole or not at all. */
static int save(const char *path, int (*writer)(const dct_parity_report *, FILE *),
                const dct_parity_report *report)
{
    outfile file = {.fd = -1, .slot = -1};
    char *text = NULL;
    size_t bytes = 0;
    FILE *memory;
    int code = 0, failed;

    if (!path)
        return 0;
    memory = open_memstream(&text, &bytes);
    failed = !memory || writer(report, memory);
    if (memory && fclose(memory))
        failed = 1;
    if (failed)
        code = cli_fail(CLI_FAILED, "%s was not written: out of memory", path);
    if (!code)
        code = outfile_open(&file, path, 0);
    if (!code)
        code = outfile_write(&file, text, bytes);
    if (!code)
        code = outfile_commit(&file);
    outfile_discard(&file);
    free(text);
    return code;
}

static int tell(const request *r, const dct_parity_report *report)
{
    char time[UI_TEXT], count[UI_TEXT];
    int code = save(r->csv, dct_parity_write_csv, report);

    if (!code)
        code = save(r->markdown, dct_parity_write_markdown, report);
    if (r->json)
        return dct_parity_write_json(report, stdout) ? cli_fail(CLI_FAILED, "out of memory") : code;
    prove_print(report);
    if (report->failures)
        printf("%s%s of them differ%s (%s)\n", ui_on(stdout, UI_BAD),
               ui_grouped(count, report->failures), ui_off(stdout),
               ui_seconds(time, report->seconds));
    else
        printf("%severy one as promised%s (%s)\n", ui_on(stdout, UI_GOOD), ui_off(stdout),
               ui_seconds(time, report->seconds));
    return code;
}

int cli_parity(int argc, char **argv)
{
    request r = {.parity = DCT_PARITY_OPTIONS_INIT};
    dct_parity_report report;
    cli_parser p;
    int id, code = 0, told = 0;

    r.parity.cases = 2000;
    r.parity.catch_faults = 1;
    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        code = take_option(&r, id, &p);
    }
    if (code)
        return code;
    cli_catch_interrupts();
    code = prove_run(&r.parity, &report, r.json ? stderr : stdout, "parity");
    if (code == CLI_FINE && !report.comparisons)
        code = cli_fail(CLI_USAGE, "nothing was compared: no case fits the options");
    if (code == CLI_FINE || code == CLI_FINDING || code == CLI_INTERRUPTED)
        told = tell(&r, &report);
    dct_parity_report_free(&report);
    if (code == CLI_INTERRUPTED)
        return cli_fail(code, "interrupted");
    return code == CLI_FINE ? told : code;
}
