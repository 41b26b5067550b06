/* Who runs a case: the reference, every instruction set with every thread count, chunked, on CPU
 * buffers, and every usable OpenCL device from host and from device memory. */
#include <string.h>

#include "tests/harness/parity_engine.h"

static const char *const isa_name[DC_ISA_COUNT] = {"baseline", "avx2", "avx512"};
static const char *const mode_name[] = {"", ", chunked", ", buffers"};

static int open_queue(dct_engine *e, dc_device *device, int32_t policy, int32_t isa,
                      int32_t threads, dc_queue **out)
{
    dc_queue_params params = DC_QUEUE_PARAMS_INIT;
    params.policy = policy;
    params.isa = isa;
    params.threads = threads;
    if (e->nqueues == DCT_MAX_RUNNERS || dc_queue_new(e->context, device, &params, out) != DC_OK) {
        fprintf(e->log, "parity: no queue: %s\n", dc_last_error());
        return 4;
    }
    e->queue[e->nqueues++] = *out;
    return 0;
}

static dct_runner *add_runner(dct_engine *e, dc_queue *queue, int32_t mode)
{
    if (e->nrunners == DCT_MAX_RUNNERS)
        return NULL;
    dct_runner *r = &e->runner[e->nrunners++];
    memset(r, 0, sizeof *r);
    r->queue = queue;
    r->mode = mode;
    r->one_in = 1;
    return r;
}

static int add_cpu(dct_engine *e, dc_device *cpu, int32_t isa, int32_t threads, int32_t mode)
{
    dc_queue *queue;
    const int status = open_queue(e, cpu, DC_POLICY_CPU, isa, threads, &queue);
    if (status)
        return status;
    dct_runner *r = add_runner(e, queue, mode);
    if (!r)
        return 4;
    r->kind = DC_DEVICE_CPU;
    r->isa = isa;
    r->threads = threads;
    r->exact = 1;
    snprintf(r->id, sizeof r->id, "cpu");
    snprintf(r->device, sizeof r->device, "cpu %s", isa_name[isa]);
    snprintf(r->text, sizeof r->text, "cpu %s, %d thread%s%s", isa_name[isa], threads,
             threads == 1 ? "" : "s", mode_name[mode]);
    return 0;
}

static int add_all_cpu(dct_engine *e, dc_device *cpu, int32_t best)
{
    static const int32_t threads[] = {1, 2, 3, 7};
    int status = add_cpu(e, cpu, DC_ISA_BASELINE, 1, DCT_MODE_HOST);
    const int wanted = !e->options->device || strcmp(e->options->device, "cpu") == 0;
    for (int32_t isa = 0; isa <= best && wanted && !status; isa++) {
        if (e->options->isa >= 0 && e->options->isa != isa)
            continue;
        for (size_t t = 0; t < sizeof threads / sizeof *threads && !status; t++)
            if ((isa || t) && threads[t] <= e->options->max_threads)
                status = add_cpu(e, cpu, isa, threads[t], DCT_MODE_HOST);
        if (!status)
            status = add_cpu(e, cpu, isa, 1, DCT_MODE_CHUNKED);
        if (!status && (isa == best || e->options->isa == isa))
            status = add_cpu(e, cpu, isa, 1, DCT_MODE_BUFFER);
    }
    return status;
}

static int add_opencl(dct_engine *e, dc_device *device, const dc_device_info *info)
{
    dc_queue *queue;
    const int status = open_queue(e, device, DC_POLICY_DEVICE_OR_FAIL, -1, 0, &queue);
    if (status)
        return status;
    static const int32_t modes[] = {DCT_MODE_HOST, DCT_MODE_BUFFER, DCT_MODE_CHUNKED};
    /* An emulator is slow, and its kernels are the same from buffers. */
    const size_t nmodes = e->options->small > 1 ? 1 : sizeof modes / sizeof *modes;
    for (size_t i = 0; i < nmodes; i++) {
        dct_runner *r = add_runner(e, queue, modes[i]);
        if (!r)
            return 4;
        r->kind = DC_DEVICE_OPENCL;
        r->isa = -1;
        r->checks = info->checks;
        r->exact = info->exact;
        r->one_in = modes[i] == DCT_MODE_CHUNKED ? 8 : 1;
        snprintf(r->id, sizeof r->id, "%s", info->id);
        snprintf(r->device, sizeof r->device, "%.20s %.100s (%.60s)", info->id, info->name,
                 info->driver);
        snprintf(r->text, sizeof r->text, "%s%s", info->id, mode_name[modes[i]]);
    }
    return 0;
}

static int add_all_opencl(dct_engine *e, int *found)
{
    const char *want = e->options->device;
    const int32_t count = dc_device_count(e->context);
    for (int32_t i = 1; i < count; i++) {
        dc_device *device;
        dc_device_info info = {.struct_size = sizeof info};
        if (dc_device_at(e->context, i, &device) != DC_OK ||
            dc_device_get_info(device, &info) != DC_OK)
            return fprintf(e->log, "parity: device %d: %s\n", i, dc_last_error()), 4;
        if (want && strcmp(want, "opencl") != 0 && strcmp(want, info.id) != 0)
            continue;
        if (!info.usable) {
            fprintf(e->log, "skipped: %s %s: %s\n", info.id, info.name, info.error);
            continue;
        }
        if (dc_device_check(device, &info) != DC_OK)
            return fprintf(e->log, "parity: self-check of %s: %s\n", info.id, dc_last_error()), 4;
        const int status = add_opencl(e, device, &info);
        if (status)
            return status;
        (*found)++;
    }
    return 0;
}

int dct_runners_open(dct_engine *e)
{
    if (dc_context_new(NULL, &e->context) != DC_OK)
        return fprintf(e->log, "parity: no context: %s\n", dc_last_error()), 4;
    dc_device *cpu;
    dc_device_info info = {.struct_size = sizeof info};
    if (dc_device_at(e->context, 0, &cpu) != DC_OK || dc_device_get_info(cpu, &info) != DC_OK)
        return fprintf(e->log, "parity: no CPU device: %s\n", dc_last_error()), 4;
    if (e->options->isa > info.isa)
        return fprintf(e->log, "parity: this machine cannot run %s\n", isa_name[e->options->isa]),
               3;
    int status = add_all_cpu(e, cpu, info.isa);
    int found = 0;
    if (!status && (!e->options->device || strcmp(e->options->device, "cpu") != 0)) {
        status = add_all_opencl(e, &found);
        if (!status && !found && e->options->device)
            return fprintf(e->log, "parity: no usable device %s\n", e->options->device), 3;
    }
    return status;
}

void dct_runners_close(dct_engine *e)
{
    for (int32_t i = 0; i < e->nqueues; i++)
        dc_queue_free(e->queue[i]);
    dc_context_free(e->context);
}
