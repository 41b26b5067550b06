#include "tools/dualcube/params.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_scalar(const dc_param_info *p)
{
    return p->type != DC_PARAM_ARRAY_IN && p->type != DC_PARAM_ARRAY_OUT &&
           p->type < DC_PARAM_ARRAYS_IN && strcmp(p->name, "kind");
}

static int is_skipped(const char *name, const char *const *skip)
{
    for (; skip && *skip; ++skip)
        if (!strcmp(name, *skip))
            return 1;
    return 0;
}

/* "help (1 or more; default 3)" */
static void describe(const dc_param_info *p, char *out, size_t room)
{
    char limits[96] = "", usual[48] = "";

    if (p->choices)
        snprintf(limits, sizeof limits, "%s", p->choices);
    else if (isfinite(p->low) && isfinite(p->high) && p->type != DC_PARAM_BOOL)
        snprintf(limits, sizeof limits, "%.15g ... %.15g", p->low, p->high);
    else if (isfinite(p->low) && p->type != DC_PARAM_BOOL)
        snprintf(limits, sizeof limits, "%.15g or more", p->low);
    if (p->required)
        snprintf(usual, sizeof usual, "required");
    else if (!p->data_default && p->type != DC_PARAM_BOOL && !p->choices)
        snprintf(usual, sizeof usual, "default %.15g", p->default_value);
    snprintf(out, room, "%s%s%s%s%s%s", p->help, *limits || *usual ? " (" : "", limits,
             *limits && *usual ? "; " : "", usual, *limits || *usual ? ")" : "");
}

void params_describe(const dc_op_info *op, const char *const *skip, params_options *out)
{
    memset(out, 0, sizeof *out);
    for (int32_t k = 0; k < op->nparams && out->count < PARAMS_ROOM; ++k) {
        const dc_param_info *p = &op->params[k];
        int n = out->count;

        if (!is_scalar(p) || is_skipped(p->name, skip))
            continue;
        snprintf(out->name[n], sizeof out->name[n], "%s", p->name);
        for (char *c = out->name[n]; *c; ++c)
            if (*c == '_')
                *c = '-';
        describe(p, out->help[n], sizeof out->help[n]);
        out->option[n] = (cli_option){out->name[n], 0,
                                      p->type == DC_PARAM_BOOL     ? NULL
                                      : p->type == DC_PARAM_CHOICE ? "WORD"
                                      : p->type == DC_PARAM_DOUBLE ? "X"
                                                                   : "N",
                                      out->help[n], PARAMS_FIRST_ID + k};
        ++out->count;
    }
}

void params_append(const cli_option *fixed, const params_options *more, cli_option *all)
{
    int n = 0;

    for (; fixed->name && n < CLI_OPTION_ROOM; ++fixed)
        all[n++] = *fixed;
    for (int k = 0; k < more->count && n < CLI_OPTION_ROOM; ++k)
        all[n++] = more->option[k];
    all[n] = (cli_option){NULL, 0, NULL, NULL, 0};
}

const dc_param_info *params_find(const dc_op_info *op, const char *name)
{
    for (int32_t k = 0; k < op->nparams; ++k)
        if (!strcmp(op->params[k].name, name))
            return &op->params[k];
    return NULL;
}

static void store(const dc_param_info *p, void *params, double real, int64_t whole)
{
    char *at = (char *)params + p->offset;
    int32_t narrow = (int32_t)whole;

    if (p->type == DC_PARAM_DOUBLE)
        memcpy(at, &real, sizeof real);
    else if (p->type == DC_PARAM_INT64)
        memcpy(at, &whole, sizeof whole);
    else
        memcpy(at, &narrow, sizeof narrow);
}

void *params_new(const dc_op_info *op)
{
    void *params = calloc(1, (size_t)op->params_bytes);
    uint32_t size = (uint32_t)op->params_bytes;

    if (!params)
        return NULL;
    /* Every params struct begins with uint32_t struct_size, int32_t kind. */
    memcpy(params, &size, sizeof size);
    memcpy((char *)params + sizeof size, &op->kind, sizeof op->kind);
    for (int32_t k = 0; k < op->nparams; ++k) {
        const dc_param_info *p = &op->params[k];

        if (is_scalar(p))
            store(p, params, p->default_value,
                  p->data_default ? DC_DEFAULT : (int64_t)p->default_value);
    }
    return params;
}

/* Place of `word` among the blank-separated `choices`, -1 when it is none of them. */
static int64_t choice_find(const char *choices, const char *word)
{
    size_t n = strlen(word);
    int64_t place = 0;

    for (const char *c = choices; n && *c; ++place) {
        size_t length = strcspn(c, " ");

        if (length == n && !memcmp(c, word, n))
            return place;
        c += length + (c[length] == ' ');
    }
    return -1;
}

static int64_t whole_limit(double limit, int64_t none)
{
    return isfinite(limit) && fabs(limit) < 9e18 ? (int64_t)limit : none;
}

int params_set(const dc_op_info *op, void *params, int id, const cli_parser *parser)
{
    const dc_param_info *p = &op->params[id - PARAMS_FIRST_ID];
    double real = 0;
    int64_t whole = 1; /* a flag that was given */
    int code = 0;

    if (p->type == DC_PARAM_DOUBLE)
        code = cli_double(parser, p->low, p->high, &real);
    else if (p->type == DC_PARAM_INT32)
        code = cli_int(parser, whole_limit(p->low, INT32_MIN), whole_limit(p->high, INT32_MAX),
                       &whole);
    else if (p->type == DC_PARAM_INT64)
        code = cli_int(parser, whole_limit(p->low, INT64_MIN + 1), whole_limit(p->high, INT64_MAX),
                       &whole);
    else if (p->type == DC_PARAM_CHOICE) {
        whole = choice_find(p->choices, parser->value);
        if (whole < 0)
            code = cli_fail(CLI_USAGE, "%s is \"%s\", expected one of: %s", parser->name,
                            parser->value, p->choices);
    }
    if (!code)
        store(p, params, real, whole);
    return code;
}

void params_text(const dc_param_info *info, const void *params, char *text, size_t room)
{
    const char *at = (const char *)params + info->offset;
    double real;
    int64_t whole;
    int32_t narrow;

    if (info->type == DC_PARAM_DOUBLE) {
        memcpy(&real, at, sizeof real);
        snprintf(text, room, "%.17g", real);
        return;
    }
    memcpy(&narrow, at, sizeof narrow);
    whole = narrow;
    if (info->type == DC_PARAM_INT64)
        memcpy(&whole, at, sizeof whole);
    if (info->data_default && whole == DC_DEFAULT)
        snprintf(text, room, "null");
    else if (info->type == DC_PARAM_CHOICE) {
        const char *c = info->choices;

        for (; whole > 0 && *c; --whole)
            c += strcspn(c, " "), c += *c == ' ';
        snprintf(text, room, "\"%.*s\"", (int)strcspn(c, " "), c);
    } else {
        snprintf(text, room, "%" PRId64, whole);
    }
}
