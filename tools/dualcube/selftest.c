#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dualcube/prove.h"
#include "tools/dualcube/session.h"
#include "tools/dualcube/ui.h"

enum { CASES = CLI_FIRST_ID, PLANT };

static const cli_option options[] = {
    {"cases", 'n', "N", "parity cases (default 400)", CASES},
    {"plant", 0, "DEFECT",
     "plant a defect, so that the test must fail: bit, nan-payload, minus-zero, gap, input, "
     "elsewhere",
     PLANT},
    {NULL, 0, NULL, NULL, 0},
};

static const cli_usage usage = {
    "selftest [options]",
    "A minute's check of this installation: the self-check of every device, a short parity run, "
    "and\n"
    "the proof that parity can fail - every kind of planted defect must be found.  Exit code 1: a\n"
    "check failed.",
    "  dualcube selftest && echo fit",
    options,
};

typedef struct tally {
    int passed, failed;
} tally;

__attribute__((format(printf, 3, 4))) static void say(tally *t, int good, const char *format, ...)
{
    va_list arguments;

    printf("%s%-6s%s ", ui_on(stdout, good ? UI_GOOD : UI_BAD), good ? "ok" : "FAILED",
           ui_off(stdout));
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    ++*(good ? &t->passed : &t->failed);
}

/* A driver that is broken is told, yet it is not this installation's failure. */
static int check_devices(tally *t)
{
    dc_context *context;
    int32_t count;

    if (dc_context_new(NULL, &context) != DC_OK)
        return cli_fail_status(DC_E_MEMORY);
    count = dc_device_count(context);
    for (int32_t k = 0; k < count; ++k) {
        dc_device_info info = {.struct_size = sizeof info};
        dc_device *device;

        if (dc_device_at(context, k, &device) != DC_OK ||
            dc_device_get_info(device, &info) != DC_OK) {
            say(t, 0, "device %d: %s", (int)k, dc_last_error());
            continue;
        }
        if (!info.usable)
            printf("%-6s %s %s: %s\n", "-", info.id, info.name, info.error);
        else if (dc_device_check(device, &info) != DC_OK)
            say(t, 0, "%s %s: %s", info.id, info.name, dc_last_error());
        else
            say(t, 1, "%s %s: %s", info.id, info.name,
                info.exact ? "the same bits are promised" : "close results are promised");
    }
    dc_context_free(context);
    return 0;
}

static int check_parity(tally *t, int64_t cases, int plant)
{
    dct_parity_options parity = DCT_PARITY_OPTIONS_INIT;
    dct_parity_report report;
    char count[UI_TEXT];
    int code;

    parity.cases = cases;
    parity.seconds = 60;
    parity.small = 1;
    parity.plant = plant;
    parity.catch_faults = 1;
    code = prove_run(&parity, &report, stdout, "parity");
    if (code == CLI_FINE || code == CLI_FINDING)
        say(t, code == CLI_FINE && report.comparisons > 0, "parity: %s comparisons, %lld differ",
            ui_grouped(count, report.comparisons), (long long)report.failures);
    dct_parity_report_free(&report);
    return code == CLI_FINDING ? 0 : code;
}

/* Every planted defect must be found within a few cases. */
static int check_plants(tally *t)
{
    for (int plant = 1; prove_plant_name(plant); ++plant) {
        dct_parity_options parity = DCT_PARITY_OPTIONS_INIT;
        dct_parity_report report;
        char *text = NULL;
        size_t bytes = 0;
        FILE *log = open_memstream(&text, &bytes);
        int code;

        if (!log)
            return cli_fail(CLI_FAILED, "out of memory");
        parity.cases = 200;
        parity.small = 1;
        parity.plant = plant;
        parity.max_failures = 1;
        parity.device = "cpu";
        code = prove_run(&parity, &report, log, prove_plant_name(plant));
        fclose(log);
        if (code == CLI_FINE || code == CLI_FINDING)
            say(t, code == CLI_FINDING, "planted defect \"%s\": %s", prove_plant_name(plant),
                code == CLI_FINDING ? "found" : "not found");
        else
            fputs(text, stderr);
        free(text);
        dct_parity_report_free(&report);
        if (code != CLI_FINE && code != CLI_FINDING)
            return code;
    }
    return 0;
}

int cli_selftest(int argc, char **argv)
{
    tally t = {0, 0};
    cli_parser p;
    int64_t cases = 400;
    int id, plant = DCT_PLANT_NONE, code = 0;

    cli_begin(&p, &usage, argc, argv);
    while (!code && (id = cli_next(&p)) != CLI_END) {
        if (id == CLI_HELP || id == CLI_ERROR)
            return id == CLI_HELP ? CLI_FINE : CLI_USAGE;
        if (id == CASES)
            code = cli_int(&p, 1, 1000000, &cases);
        else if (id == CLI_OPERAND)
            code = cli_fail(CLI_USAGE, "unexpected \"%s\"", p.value);
        else if ((plant = prove_plant(p.value)) < 0)
            code = cli_fail(CLI_USAGE,
                            "--plant is \"%s\", expected bit, nan-payload, minus-zero, "
                            "gap, input or elsewhere",
                            p.value);
    }
    if (code)
        return code;
    cli_catch_interrupts();
    code = check_devices(&t);
    if (!code)
        code = check_parity(&t, cases, plant);
    if (!code)
        code = check_plants(&t);
    if (code == CLI_INTERRUPTED)
        return cli_fail(code, "interrupted");
    if (code)
        return code;
    printf("%d passed, %d failed\n", t.passed, t.failed);
    return t.failed ? CLI_FINDING : CLI_FINE;
}
