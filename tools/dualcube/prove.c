#include "tools/dualcube/prove.h"

#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/cli.h"
#include "tools/dualcube/ui.h"

static const char *const plants[] = {"none", "bit",   "nan-payload", "minus-zero",
                                     "gap",  "input", "elsewhere"};
enum { PLANTS = sizeof plants / sizeof *plants };

int prove_plant(const char *name)
{
    for (int k = 1; k < PLANTS; ++k)
        if (!strcmp(name, plants[k]))
            return k;
    return -1;
}

const char *prove_plant_name(int plant)
{
    return plant >= 0 && plant < PLANTS ? plants[plant] : NULL;
}

typedef struct watch {
    ui_progress progress;
    const char *label;
    double seconds; /* limit, 0: none */
} watch;

static int on_progress(int64_t done, int64_t total, void *user)
{
    watch *w = user;
    double part = total > 0 ? (double)done / (double)total : 0;

    if (w->seconds > 0) {
        double time = (cli_now() - w->progress.started) / w->seconds;

        part = part > time ? part : time;
    }
    ui_progress_show(&w->progress, part, w->label);
    return cli_interrupted();
}

int prove_run(dct_parity_options *options, dct_parity_report *report, FILE *log, const char *label)
{
    watch w = {.label = label, .seconds = options->seconds};
    int code;

    options->progress = on_progress;
    options->progress_user = &w;
    ui_progress_begin(&w.progress);
    code = dct_parity_run(options, report, log);
    ui_progress_end(&w.progress);
    return cli_interrupted() ? CLI_INTERRUPTED : code;
}

/* All rows of one device and dtype. */
typedef struct line {
    const char *device, *reason;
    int32_t dtype, rows, unsupported, failed, relaxed;
    int64_t comparisons;
    double worst;
} line;

static int by_device(const void *a, const void *b)
{
    const line *x = a, *y = b;
    int order = strcmp(x->device, y->device);

    return order ? order : x->dtype - y->dtype;
}

static void add(line *l, const dct_parity_cell *c)
{
    ++l->rows;
    l->comparisons += c->comparisons;
    l->failed += c->failures > 0;
    l->relaxed |= c->relaxed;
    l->worst = c->worst_ulp > l->worst ? c->worst_ulp : l->worst;
    if (!c->comparisons && *c->reason) {
        ++l->unsupported;
        l->reason = c->reason;
    }
}

static int collect(const dct_parity_report *report, line *all)
{
    int n = 0;

    for (int32_t i = 0; i < report->ncells; ++i) {
        const dct_parity_cell *c = &report->cell[i];
        int k = 0;

        while (k < n && (strcmp(all[k].device, c->device) || all[k].dtype != c->dtype))
            ++k;
        if (k == n)
            all[n++] = (line){.device = c->device, .dtype = c->dtype};
        add(&all[k], c);
    }
    qsort(all, (size_t)n, sizeof *all, by_device);
    return n;
}

static void print_line(const line *l)
{
    char count[UI_TEXT], reached[320];
    ui_style style = UI_GOOD;

    if (l->failed) {
        snprintf(reached, sizeof reached, "FAILED in %d row%s", (int)l->failed,
                 l->failed == 1 ? "" : "s");
        style = UI_BAD;
    } else if (l->unsupported == l->rows) {
        snprintf(reached, sizeof reached, "unsupported: %.256s", l->reason);
        style = UI_DIM;
    } else if (l->worst > 0) {
        snprintf(reached, sizeof reached, "to %.3g ulp%s", l->worst,
                 l->relaxed ? " (the device lacks what EXACT needs)" : "");
        style = UI_WARN;
    } else {
        snprintf(reached, sizeof reached, "the same bits%s",
                 l->unsupported ? " where it is supported" : "");
    }
    printf("%-46.46s %-8s %5d %12s   %s%s%s\n", l->device,
           l->dtype == DC_F32 ? "float32" : "float64", (int)l->rows,
           ui_grouped(count, l->comparisons), ui_on(stdout, style), reached, ui_off(stdout));
}

void prove_print(const dct_parity_report *report)
{
    line *all = calloc((size_t)report->ncells + 1, sizeof *all);
    char a[UI_TEXT], b[UI_TEXT], c[UI_TEXT], d[UI_TEXT], e[UI_TEXT];
    int n = all ? collect(report, all) : 0;

    if (n)
        printf("%s%-46s %-8s %5s %12s   %s%s\n", ui_on(stdout, UI_DIM), "device", "dtype", "rows",
               "comparisons", "reached", ui_off(stdout));
    for (int k = 0; k < n; ++k)
        print_line(&all[k]);
    free(all);
    printf("\nseed %llu: %s cases, %s comparisons (%s on OpenCL devices, %s on several threads), "
           "%s values\n",
           (unsigned long long)report->seed, ui_grouped(a, report->cases),
           ui_grouped(b, report->comparisons), ui_grouped(c, report->on_devices),
           ui_grouped(d, report->threaded), ui_count(e, (double)report->elements));
}
