/* Reductions of more rows than a block has, on a device and on the CPU: for the emulator, whose
 * tiny cases never have as many.
 *
 *   long_reduce float32|float64      exit 0: the same bits */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dualcube/dualcube.h"

enum { ROWS = 16384 + 300, KINDS = 4 };

static const int32_t kinds[KINDS] = {DC_REDUCE_MEAN, DC_REDUCE_STD, DC_REDUCE_MAX,
                                     DC_REDUCE_ARGMIN};

static dc_status reduce(dc_context *context, const char *device, int32_t dtype, const void *src,
                        int32_t kind, void *dst)
{
    const int64_t rows = ROWS, one = 1;
    dc_reduce_params p = DC_REDUCE_PARAMS_INIT;
    dc_device *found = NULL;
    dc_queue *queue = NULL;
    dc_status status = dc_device_find(context, device, &found);

    if (status == DC_OK)
        status = dc_queue_new(context, found, NULL, &queue);
    if (status != DC_OK)
        return status;
    p.kind = kind;
    p.src = dc_array_host(src, dtype, 1, &rows);
    p.dst = dc_array_host(dst, kind == DC_REDUCE_ARGMIN ? DC_I64 : dtype, 1, &one);
    p.axes = 1;
    status = dc_reduce(queue, &p, NULL);
    dc_queue_free(queue);
    return status;
}

int main(int argc, char **argv)
{
    const int wide = argc > 1 && strcmp(argv[1], "float64") == 0;
    static double x64[ROWS];
    static float x32[ROWS];
    dc_context *context = NULL;
    dc_status status = dc_context_new(NULL, &context);
    int different = 0;

    for (int i = 0; i < ROWS; i++) {
        x64[i] = (double)(i * 7919 % 10007) / 10007 - 0.5;
        x32[i] = (float)x64[i];
    }
    for (int k = 0; k < KINDS && status == DC_OK; k++) {
        unsigned char device[8] = {0}, cpu[8] = {0};
        const void *src = wide ? (const void *)x64 : (const void *)x32;
        const int32_t dtype = wide ? DC_F64 : DC_F32;

        status = reduce(context, "opencl", dtype, src, kinds[k], device);
        if (status == DC_OK)
            status = reduce(context, "cpu", dtype, src, kinds[k], cpu);
        if (status == DC_OK && memcmp(device, cpu, sizeof cpu) != 0) {
            fprintf(stderr, "long_reduce: kind %d differs\n", (int)kinds[k]);
            different = 1;
        }
    }
    if (status != DC_OK)
        fprintf(stderr, "long_reduce: %s\n", dc_last_error());
    dc_context_free(context);
    return status != DC_OK || different;
}
