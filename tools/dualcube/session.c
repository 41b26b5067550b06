#include "tools/dualcube/session.h"

#include <string.h>

static const char *const isas[DC_ISA_COUNT] = {"baseline", "avx2", "avx512"};

const char *isa_name(int32_t isa)
{
    return isa >= 0 && isa < DC_ISA_COUNT ? isas[isa] : "";
}

int32_t isa_find(const char *name)
{
    for (int32_t k = 0; k < DC_ISA_COUNT; ++k)
        if (!strcmp(name, isas[k]))
            return k;
    return -1;
}

const char *dtype_name(int32_t dtype)
{
    return dtype == DC_F32 ? "f32" : dtype == DC_F64 ? "f64" : "?";
}

const char *class_name(int32_t class_code)
{
    static const char *const names[] = {"EXACT", "EXACT_IF", "NORMWISE"};

    return class_code >= 0 && class_code < 3 ? names[class_code] : "?";
}

static int take_policy(const cli_parser *parser, int32_t *policy)
{
    static const char *const names[] = {"auto", "cpu", "device", "device-or-fail"};

    for (int32_t k = 0; k < 4; ++k)
        if (!strcmp(parser->value, names[k])) {
            *policy = k;
            return 0;
        }
    return cli_fail(CLI_USAGE, "%s is \"%s\", expected auto, cpu, device or device-or-fail",
                    parser->name, parser->value);
}

int session_take(session_options *options, int id, const cli_parser *parser)
{
    int64_t n = 0;
    int code = 0;

    switch (id) {
    case SESSION_DEVICE:
        options->device = parser->value;
        return 0;
    case SESSION_POLICY:
        return take_policy(parser, &options->policy);
    case SESSION_THREADS:
        code = cli_int(parser, 1, 1024, &n);
        options->threads = (int32_t)n;
        return code;
    default:
        options->isa = isa_find(parser->value);
        if (options->isa < 0)
            code = cli_fail(CLI_USAGE, "%s is \"%s\", expected baseline, avx2 or avx512",
                            parser->name, parser->value);
        return code;
    }
}

int session_find(dc_context *context, const char *name, dc_device **out)
{
    dc_status status;

    *out = NULL;
    if (!strcmp(name, "auto"))
        return 0;
    status = dc_device_find(context, name, out);
    if (status == DC_OK)
        return 0;
    return cli_fail(status == DC_E_ARGUMENT ? CLI_USAGE : CLI_NO_DEVICE, "--device %s: %s", name,
                    dc_last_error());
}

int session_open(session *s, const session_options *options)
{
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;
    dc_status status;
    int code = 0;

    memset(s, 0, sizeof *s);
    status = dc_context_new(NULL, &s->context);
    if (status != DC_OK)
        return cli_fail_status(status);
    if (options->device) {
        code = session_find(s->context, options->device, &s->device);
        if (!code && !s->device)
            params.policy = DC_POLICY_AUTO; /* said aloud: stronger than the environment */
    }
    if (options->policy >= 0 && s->device && !code)
        code = cli_fail(CLI_USAGE, "--policy is for device auto; --device %s leaves no choice",
                        options->device);
    if (options->policy >= 0)
        params.policy = options->policy;
    params.threads = options->threads;
    params.isa = options->isa;
    if (!code) {
        status = dc_queue_new(s->context, s->device, &params, &s->queue);
        if (status == DC_E_UNSUPPORTED || status == DC_E_DEVICE)
            code = cli_fail(CLI_NO_DEVICE, "%s", dc_last_error());
        else if (status != DC_OK)
            code = cli_fail_status(status);
    }
    if (code)
        session_close(s);
    return code;
}

void session_close(session *s)
{
    dc_queue_free(s->queue);
    dc_context_free(s->context);
    memset(s, 0, sizeof *s);
}
