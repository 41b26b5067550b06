#include <stdlib.h>
#include <string.h>

#include "bench/harness/bench.h"
#include "tools/dualcube/outfile.h"
#include "tools/dualcube/session.h"
#include "tools/dualcube/ui.h"

enum {
    OP = CLI_FIRST_ID,
    SIZE,
    WINDOW,
    DTYPE,
    DEVICE,
    ISA,
    THREADS,
    MISSING,
    ROUNDS,
    QUICK,
    OUTPUT,
    JSON
};

static const cli_option options[] = {
    {"op", 0, "LIST", "operations such as rolling_median,rolling_std (default: all)", OP},
    {"size", 0, "LIST", "rows x columns such as 10000x50 (default 10000x50,50000x100,1000000x8)",
     SIZE},
    {"window", 'w', "LIST", "rows (default 16,256,4096)", WINDOW},
    {"dtype", 0, "TYPE", "f32 or f64 (default: both)", DTYPE},
    {"device", 'd', "LIST", "cpu, opencl, opencl:N (default: all)", DEVICE},
    {"isa", 0, "LIST", "baseline, avx2, avx512 (default: all that are usable here)", ISA},
    {"threads", 't', "LIST", "CPU threads (default: 1 and all that are granted)", THREADS},
    {"missing", 0, "X", "per cent of the values that are NaN (default 0)", MISSING},
    {"rounds", 0, "N", "samples of everything; the median is told (default 5)", ROUNDS},
    {"quick", 0, NULL, "one size, two windows, three samples", QUICK},
    {"output", 'o', "FILE", "write the record, one JSON object per line", OUTPUT},
    {"json", 0, NULL, "print the record instead of the table", JSON},
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "bench [options]",
    "Measure every operation on every device, instruction set and thread count, in turns, next to\n"
    "what this machine can do at best: reading, copying, multiply-adds.  \"floor\" is the share "
    "of\n"
    "the higher of these floors that the call reaches: 100 % is as fast as copying the array.",
    "  dualcube bench --quick\n"
    "  dualcube bench --op rolling_median --window 16,256 --device cpu -o record.jsonl",
    options,
};

typedef struct request {
    dcb_options bench;
    const char *output;
    char *copies[8]; /* texts that the lists point into */
    int copied, json;
    FILE *record; /* in memory until it is whole */
    char *text;
    size_t bytes;
    ui_progress progress;
    int headed;
} request;

static int split(request *r, const cli_parser *p, char **words)
{
    char *copy = NULL;
    int n = r->copied < 8 ? cli_words(p->value, &copy, words, DCB_LIST) : -1;

    if (copy)
        r->copies[r->copied++] = copy;
    return n > 0 ? n
                 : -cli_fail(CLI_USAGE, "%s is \"%s\", expected 1 to %d words", p->name, p->value,
                             DCB_LIST);
}

static int take_size(const cli_parser *p, const char *word, dcb_size *size)
{
    int64_t shape[DC_MAX_NDIM];
    int32_t ndim;
    int code = cli_shape(p, word, &ndim, shape);

    if (code)
        return code;
    if (ndim != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > (INT64_C(1) << 40) / shape[1])
        return cli_fail(CLI_USAGE, "%s is %s, expected rows x columns, 1 ... 2^40 values", p->name,
                        word);
    *size = (dcb_size){shape[0], shape[1]};
    return 0;
}

/* One word of a list. */
static int take_word(request *r, int id, const cli_parser *list, char *word, int k)
{
    cli_parser p = {.value = word};
    dc_op_info op = {.struct_size = sizeof op};
    int64_t n = 0;
    int code = 0;

    memcpy(p.name, list->name, sizeof p.name);
    switch (id) {
    case OP:
        r->bench.op[k] = word;
        if (dc_op_find(word, &op) != DC_OK)
            code = cli_fail(CLI_USAGE, "--op: there is no operation \"%s\"; see dualcube explain",
                            word);
        return code;
    case SIZE:
        return take_size(&p, word, &r->bench.size[k]);
    case WINDOW:
        return cli_int(&p, 1, INT64_C(1) << 40, &r->bench.window[k]);
    case ISA:
        r->bench.isa[k < DC_ISA_COUNT ? k : 0] = isa_find(word);
        if (isa_find(word) < 0 || k >= DC_ISA_COUNT)
            code = cli_fail(CLI_USAGE, "--isa is \"%s\", expected baseline, avx2 or avx512", word);
        return code;
    case THREADS:
        code = cli_int(&p, 1, 1024, &n);
        r->bench.threads[k] = (int32_t)n;
        return code;
    default:
        r->bench.device[k] = word;
        if (strcmp(word, "cpu") && strncmp(word, "opencl", 6))
            code =
                cli_fail(CLI_USAGE, "--device is \"%s\", expected cpu, opencl or opencl:N", word);
        return code;
    }
}

static int take_list(request *r, int id, const cli_parser *p, int32_t *count)
{
    char *words[DCB_LIST];
    int n = split(r, p, words), code = n < 0 ? CLI_USAGE : 0;

    for (int k = 0; k < n && !code; ++k)
        code = take_word(r, id, p, words[k], k);
    *count = n > 0 ? n : 0;
    return code;
}

static int take_option(request *r, int id, const cli_parser *p)
{
    int64_t n = 0;
    int code = 0;

    switch (id) {
    case OP:
        return take_list(r, id, p, &r->bench.ops);
    case SIZE:
        return take_list(r, id, p, &r->bench.sizes);
    case WINDOW:
        return take_list(r, id, p, &r->bench.windows);
    case DEVICE:
        return take_list(r, id, p, &r->bench.devices);
    case ISA:
        return take_list(r, id, p, &r->bench.isas);
    case THREADS:
        return take_list(r, id, p, &r->bench.thread_counts);
    case DTYPE:
        r->bench.dtypes = 1;
        return cli_dtype(p, &r->bench.dtype[0]);
    case MISSING:
        return cli_double(p, 0, 100, &r->bench.missing);
    case ROUNDS:
        code = cli_int(p, 1, 31, &n);
        r->bench.rounds = (int32_t)n;
        return code;
    case QUICK:
        r->bench.quick = 1;
        return 0;
    case OUTPUT:
        r->output = p->value;
        return 0;
    case JSON:
        r->json = 1;
        return 0;
    default:
        return cli_fail(CLI_USAGE, "unexpected \"%s\"", p->value);
    }
}

static int on_progress(double fraction, const char *text, void *user)
{
    request *r = user;

    ui_progress_show(&r->progress, fraction, text);
    return cli_interrupted();
}

static void on_note(const char *text, void *user)
{
    ui_progress_clear(&((request *)user)->progress);
    fprintf(stderr, "dualcube bench: %s\n", text);
}

static int on_machine(const dcb_machine *m, void *user)
{
    request *r = user;
    char a[UI_TEXT], b[UI_TEXT], c[UI_TEXT], d[UI_TEXT];
    int32_t best = 0;

    dcb_write_machine(m, r->record);
    if (r->json)
        return 0;
    ui_progress_clear(&r->progress);
    printf("%s%s%s, dualcube %s\n", ui_on(stdout, UI_BOLD), m->topology.cpu_name, ui_off(stdout),
           dc_version());
    for (int32_t k = 0; k < m->floors; ++k) {
        const dcb_floor *f = &m->floor[k];

        for (int32_t isa = 0; isa < DC_ISA_COUNT; ++isa)
            best = f->fma[isa][0] > 0 ? isa : best;
        printf("floors, %d thread%s: read %s/s, copy %s/s, multiply-adds (%s) %sflop/s float32, "
               "%sflop/s float64\n",
               (int)f->threads, f->threads == 1 ? "" : "s", ui_bytes(a, f->read_bytes),
               ui_bytes(b, f->copy_bytes), isa_name(best), ui_count(c, f->fma[best][0]),
               ui_count(d, f->fma[best][1]));
    }
    return 0;
}

static int on_record(const dcb_record *record, void *user)
{
    request *r = user;
    char text[128], where[64], time[UI_TEXT], rate[UI_TEXT];
    const double values = (double)record->c.rows * (double)record->c.columns;

    dcb_write_record(record, r->record);
    if (r->json)
        return 0;
    ui_progress_clear(&r->progress);
    snprintf(text, sizeof text, "%s %s %lldx%lld", record->c.op.name,
             record->c.dtype == DC_F32 ? "f32" : "f64", (long long)record->c.rows,
             (long long)record->c.columns);
    if (!r->headed)
        printf("\n%s%-34s %7s  %-26s %10s %12s %8s%s\n", ui_on(stdout, UI_DIM), "operation",
               "window", "where", "time", "values/s", "floor", ui_off(stdout));
    r->headed = 1;
    if (record->threads)
        snprintf(where, sizeof where, "%s %s, %d thread%s", record->device, record->isa,
                 (int)record->threads, record->threads == 1 ? "" : "s");
    else
        snprintf(where, sizeof where, "%s, %s arrays", record->device,
                 record->resident ? "device" : "host");
    printf("%-34s %7lld  %-26s %10s %12s %6.0f %% %s\n", text, (long long)record->c.window, where,
           ui_seconds(time, record->time.median),
           ui_count(rate, record->time.median > 0 ? values / record->time.median : 0),
           record->time.median > 0 ? 100 * record->floor_seconds / record->time.median : 0,
           record->floor);
    fflush(stdout);
    return 0;
}

/* The record appears whole or not at all. */
static int save(const request *r)
{
    outfile file = {.fd = -1, .slot = -1};
    int code = 0;

    if (r->json)
        fwrite(r->text, 1, r->bytes, stdout);
    if (!r->output)
        return 0;
    code = outfile_open(&file, r->output, 0);
    if (!code)
        code = outfile_write(&file, r->text, r->bytes);
    if (!code)
        code = outfile_commit(&file);
    outfile_discard(&file);
    return code;
}

static int run(request *r)
{
    const dcb_listener listener = {on_machine, on_record, on_note, r};
    int code;

    r->record = open_memstream(&r->text, &r->bytes);
    if (!r->record)
        return cli_fail(CLI_FAILED, "out of memory");
    r->bench.progress = on_progress;
    r->bench.user = r;
    ui_progress_begin(&r->progress);
    code = dcb_run(&r->bench, &listener);
    ui_progress_end(&r->progress);
    if (fclose(r->record))
        code = cli_fail(CLI_FAILED, "out of memory");
    else if (code == DCB_STOPPED)
        code = cli_fail(CLI_INTERRUPTED, "interrupted; no record was written");
    else if (code)
        code = code == DCB_NO_DEVICE ? CLI_NO_DEVICE : CLI_FAILED;
    else
        code = save(r);
    free(r->text);
    return code;
}

int cli_bench(int argc, char **argv)
{
    static request r;
    outfile probe = {.fd = -1, .slot = -1};
    cli_parser p;
    int id, code = 0;

    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        code = take_option(&r, id, &p);
    }
    /* Not after ten minutes of measuring. */
    if (!code && r.output)
        code = outfile_open(&probe, r.output, 0);
    outfile_discard(&probe);
    cli_catch_interrupts();
    if (!code)
        code = run(&r);
    for (int k = 0; k < r.copied; ++k)
        free(r.copies[k]);
    return code;
}
