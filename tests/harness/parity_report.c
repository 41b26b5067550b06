/* The record: what was promised, what was reached. */
#include <stdlib.h>
#include <string.h>

#include "tests/harness/parity_engine.h"

static dct_parity_cell lost; /* where counts go when there is no memory for a cell */

dct_parity_cell *dct_report_cell(dct_parity_report *report, const dct_case *c, const char *device)
{
    for (int32_t i = 0; i < report->ncells; i++) {
        dct_parity_cell *cell = &report->cell[i];
        if (cell->dtype == c->dtype && strcmp(cell->op, c->op.name) == 0 &&
            strcmp(cell->device, device) == 0)
            return cell;
    }
    if (report->ncells == report->room) {
        const int32_t room = report->room ? 2 * report->room : 64;
        dct_parity_cell *grown = realloc(report->cell, (size_t)room * sizeof *grown);
        if (!grown)
            return &lost;
        report->cell = grown;
        report->room = room;
    }
    dct_parity_cell *cell = &report->cell[report->ncells++];
    memset(cell, 0, sizeof *cell);
    snprintf(cell->op, sizeof cell->op, "%s", c->op.name);
    snprintf(cell->device, sizeof cell->device, "%s", device);
    cell->dtype = c->dtype;
    cell->promised = c->dtype == DC_F64 ? c->op.class_f64 : c->op.class_f32;
    return cell;
}

static const char *class_name(int32_t class)
{
    static const char *const name[] = {"EXACT", "EXACT_IF", "NORMWISE"};
    return class >= 0 && class < 3 ? name[class] : "?";
}

const char *dct_parity_reached(const dct_parity_cell *cell)
{
    if (cell->failures > 0)
        return "FAILED";
    if (cell->comparisons == 0)
        return cell->reason[0] ? "unsupported" : "not run";
    if (cell->worst_ulp > 0.0)
        return "ulp";
    return "bits";
}

/* Registry order, then dtype, then device: cells of a report in the order of reading. */
static int32_t row_of(const dct_parity_cell *cell)
{
    dc_op_info info = {.struct_size = sizeof info};
    for (int32_t i = 0; i < dc_op_count(); i++)
        if (dc_op_get(i, &info) == DC_OK && strcmp(info.name, cell->op) == 0)
            return i;
    return dc_op_count();
}

static int by_row(const void *a, const void *b)
{
    const dct_parity_cell *x = a, *y = b;
    const int32_t rx = row_of(x), ry = row_of(y);
    if (rx != ry)
        return rx < ry ? -1 : 1;
    if (x->dtype != y->dtype)
        return x->dtype < y->dtype ? -1 : 1;
    return strcmp(x->device, y->device);
}

static dct_parity_cell *sorted(const dct_parity_report *report)
{
    const size_t n = (size_t)report->ncells;
    dct_parity_cell *cell = malloc((n ? n : 1) * sizeof *cell);
    if (!cell)
        return NULL;
    if (n)
        memcpy(cell, report->cell, n * sizeof *cell);
    qsort(cell, n, sizeof *cell, by_row);
    return cell;
}

/* Text between separators: quotes doubled for CSV, escaped for JSON, bars escaped for Markdown. */
static void put_text(FILE *file, const char *text, char style)
{
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (style == 'j' && byte < 32)
            fprintf(file, "\\u%04x", byte);
        else if (byte == '"' && style != 'm')
            fputs(style == 'j' ? "\\\"" : "\"\"", file);
        else if ((byte == '\\' && style == 'j') || (byte == '|' && style == 'm'))
            fprintf(file, "\\%c", byte);
        else
            fputc(byte == '\n' ? ' ' : byte, file);
    }
}

int dct_parity_write_csv(const dct_parity_report *report, FILE *file)
{
    dct_parity_cell *cell = sorted(report);
    if (!cell)
        return -1;
    fputs("operation,dtype,device,promised,reached,worst_ulp,comparisons,elements,reason\n", file);
    for (int32_t i = 0; i < report->ncells; i++) {
        const dct_parity_cell *c = &cell[i];
        fprintf(file, "%s,%s,\"", c->op, dc_dtype_name(c->dtype));
        put_text(file, c->device, 'c');
        fprintf(file, "\",%s,%s,%.3g,%lld,%lld,\"", class_name(c->promised), dct_parity_reached(c),
                c->worst_ulp, (long long)c->comparisons, (long long)c->elements);
        put_text(file, c->reason, 'c');
        fputs("\"\n", file);
    }
    free(cell);
    return ferror(file) ? -1 : 0;
}

int dct_parity_write_markdown(const dct_parity_report *report, FILE *file)
{
    dct_parity_cell *cell = sorted(report);
    if (!cell)
        return -1;
    fprintf(
        file,
        "# Parity\n\nWritten by `dualcube parity`; do not edit.  Every row against the baseline "
        "CPU build on one thread:\nrandom shapes, strides, alignments, missing values and "
        "parameters, seed %llu, %lld cases, %lld comparisons,\n%lld elements.  *bits*: every "
        "element had the same bits (threads 1, 2, 3, 7, chunked with a halo, host and device "
        "memory).\n\n| operation | dtype | device | promised | reached | worst error (ulp) | "
        "comparisons | note |\n|---|---|---|---|---|---|---|---|\n",
        (unsigned long long)report->seed, (long long)report->cases, (long long)report->comparisons,
        (long long)report->elements);
    for (int32_t i = 0; i < report->ncells; i++) {
        const dct_parity_cell *c = &cell[i];
        fprintf(file, "| %s | %s | ", c->op, dc_dtype_name(c->dtype));
        put_text(file, c->device, 'm');
        fprintf(file, " | %s | %s | %.3g | %lld | ", class_name(c->promised), dct_parity_reached(c),
                c->worst_ulp, (long long)c->comparisons);
        put_text(file, c->reason, 'm');
        fputs(" |\n", file);
    }
    free(cell);
    return ferror(file) ? -1 : 0;
}

int dct_parity_write_json(const dct_parity_report *report, FILE *file)
{
    dct_parity_cell *cell = sorted(report);
    if (!cell)
        return -1;
    fprintf(file,
            "{\n  \"version\": \"%s\",\n  \"seed\": %llu,\n  \"cases\": %lld,\n  \"comparisons\": "
            "%lld,\n  \"elements\": %lld,\n  \"threaded\": %lld,\n  \"on_devices\": %lld,\n"
            "  \"failures\": %lld,\n  \"seconds\": %.3f,\n  \"rows\": [",
            dc_version(), (unsigned long long)report->seed, (long long)report->cases,
            (long long)report->comparisons, (long long)report->elements,
            (long long)report->threaded, (long long)report->on_devices, (long long)report->failures,
            report->seconds);
    for (int32_t i = 0; i < report->ncells; i++) {
        const dct_parity_cell *c = &cell[i];
        fprintf(file, "%s\n    {\"operation\": \"%s\", \"dtype\": \"%s\", \"device\": \"",
                i ? "," : "", c->op, dc_dtype_name(c->dtype));
        put_text(file, c->device, 'j');
        fprintf(file, "\", \"promised\": \"%s\", \"reached\": \"%s\", ", class_name(c->promised),
                dct_parity_reached(c));
        /* JSON has no infinity: a NaN against a number is null. */
        if (c->worst_ulp > 1e300)
            fputs("\"worst_ulp\": null, ", file);
        else
            fprintf(file, "\"worst_ulp\": %.3g, ", c->worst_ulp);
        fprintf(file,
                "\"comparisons\": %lld, \"elements\": %lld, \"failures\": %lld, \"reason\": \"",
                (long long)c->comparisons, (long long)c->elements, (long long)c->failures);
        put_text(file, c->reason, 'j');
        fputs("\"}", file);
    }
    fputs("\n  ]\n}\n", file);
    free(cell);
    return ferror(file) ? -1 : 0;
}
