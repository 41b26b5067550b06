/* The CPU executor: the same plans, an OpenMP loop over the table of the chosen instruction set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_fallback/runtime/cpu_table.h"
#include "cpu_fallback/runtime/runtime.h"
#include "host/core/cpu.h"

enum { UNITS_PER_STEP = 1000, MAX_OPERANDS = 256 };

/* The lists that the objects of isa.c export. */
#ifdef DC_HAVE_AVX2
#define ROWS_AVX2(stem, sfx) dc__rows_##stem##_##sfx##_avx2
#else
#define ROWS_AVX2(stem, sfx) dc__rows_##stem##_##sfx##_baseline
#endif
#ifdef DC_HAVE_AVX512
#define ROWS_AVX512(stem, sfx) dc__rows_##stem##_##sfx##_avx512
#else
#define ROWS_AVX512(stem, sfx) ROWS_AVX2(stem, sfx)
#endif
#define DC_MIRROR(stem, sfx)                                                                       \
    extern const dc_cpu_row dc__rows_##stem##_##sfx##_baseline[], ROWS_AVX2(stem, sfx)[],          \
        ROWS_AVX512(stem, sfx)[];
#include "cpu_fallback/runtime/families.inc"
#undef DC_MIRROR

enum { DTYPE_f32 = DC_F32, DTYPE_f64 = DC_F64 };
enum { DTYPE_u8 = DC_U8, DTYPE_u16 = DC_U16, DTYPE_u32 = DC_U32, DTYPE_u64 = DC_U64 };

static const struct {
    const dc_family *family;
    int32_t dtype;
    const dc_cpu_row *rows[DC_ISA_AVX512 + 1]; /* [isa] */
} mirrors[] = {
#define DC_MIRROR(stem, sfx)                                                                       \
    {&dc__##stem##_family,                                                                         \
     DTYPE_##sfx,                                                                                  \
     {[DC_ISA_BASELINE] = dc__rows_##stem##_##sfx##_baseline,                                      \
      [DC_ISA_AVX2] = ROWS_AVX2(stem, sfx),                                                        \
      [DC_ISA_AVX512] = ROWS_AVX512(stem, sfx)}},
#include "cpu_fallback/runtime/families.inc"
#undef DC_MIRROR
};

const dc_mirror *dc__cpu_mirror(const dc_op *op, int32_t dtype, int32_t isa)
{
    if (op->family->mirror)
        return op->family->mirror(op, dtype, isa);
    for (size_t i = 0; i < sizeof mirrors / sizeof *mirrors; ++i) {
        if (mirrors[i].family != op->family || mirrors[i].dtype != dtype)
            continue;
        for (const dc_cpu_row *row = mirrors[i].rows[isa]; row->id; ++row)
            if (row->id == op->id)
                return &row->mirror;
    }
    return NULL;
}

static dc_status cpu_probe(dc_device_info *list, int32_t room, int32_t *count)
{
    dc_topology topology = {.struct_size = sizeof topology};

    *count = 0;
    if (room < 1)
        return DC_OK;
    DC_TRY(dc_topology_get(&topology));
    memset(list, 0, sizeof *list);
    list->struct_size = sizeof *list;
    list->kind = DC_DEVICE_CPU;
    list->usable = list->fp64 = list->unified_memory = list->is_cpu = list->exact = 1;
    list->compute_units = topology.threads > 0 ? topology.threads : 1;
    list->max_group = 1;
    list->isa = dc__cpu_isa_best();
    list->numa_node = -1;
    list->checks = DC_CHECK_CONTRACT_OFF | DC_CHECK_FMA | DC_CHECK_DIVIDE | DC_CHECK_SQRT |
                   DC_CHECK_DENORM | DC_CHECK_BARRIER | DC_CHECK_INT64 | DC_CHECK_ATOMIC64 |
                   DC_CHECK_FP64;
    list->global_bytes = list->max_alloc_bytes = topology.memory_bytes;
    list->local_bytes = topology.l1d_bytes;
    snprintf(list->id, sizeof list->id, "cpu");
    snprintf(list->name, sizeof list->name, "%s", topology.cpu_name);
    snprintf(list->platform, sizeof list->platform, "dualcube CPU mirror");
    *count = 1;
    return DC_OK;
}

static dc_status cpu_open(dc_context *context, const dc_device_info *info, void **device)
{
    dc_cpu_device *made = malloc(sizeof *made);

    (void)info;
    DC_REQUIRE(made, DC_E_MEMORY, "cpu: no memory for the device");
    made->context = context;
    *device = made;
    return DC_OK;
}

/* The same arithmetic as the device battery, on this processor and through this compiler. */
static dc_status cpu_check(void *device, dc_device_info *info)
{
    volatile float a = 1.0f + 0x1p-12f, third = 1.0f / 3.0f, tiny = 0x1p-149f, two = 2.0f;
    volatile float product = a * a, denormal = tiny / two * two + tiny;
    volatile float sum = a * a - (1.0f + 0x1p-11f);
    int32_t checks = DC_CHECK_RAN | DC_CHECK_BARRIER | DC_CHECK_INT64 | DC_CHECK_ATOMIC64 |
                     DC_CHECK_FP64 | DC_CHECK_FMA;

    (void)device;
    if (product == 1.0f + 0x1p-11f && sum == 0.0f)
        checks |= DC_CHECK_CONTRACT_OFF;
    if (third == 0x1.555556p-2f)
        checks |= DC_CHECK_DIVIDE;
    if (__builtin_sqrtf(two) == 0x1.6a09e6p+0f)
        checks |= DC_CHECK_SQRT;
    if (denormal == tiny)
        checks |= DC_CHECK_DENORM;
    info->checks = checks;
    info->exact = (checks & DC_CHECK_CONTRACT_OFF) && (checks & DC_CHECK_DIVIDE) &&
                  (checks & DC_CHECK_SQRT) && (checks & DC_CHECK_DENORM);
    return DC_OK;
}

static dc_status cpu_queue_new(void *device, const dc_exec_params *params, void **queue)
{
    const dc_cpu_caches caches = dc__cpu_caches();
    dc_cpu_queue *made = calloc(1, sizeof *made);

    DC_REQUIRE(made, DC_E_MEMORY, "cpu: no memory for a queue");
    made->context = ((dc_cpu_device *)device)->context;
    made->threads = params->threads > 0 ? params->threads : 1;
    made->isa = params->isa;
    made->machine = (dc_machine){caches.l1d_bytes, caches.l2_bytes, caches.l3_bytes, made->threads,
                                 dc__isa_lane_bytes(params->isa)};
    made->scratch = calloc((size_t)made->threads, sizeof *made->scratch);
    if (!made->scratch) {
        free(made);
        return dc__fail(DC_E_MEMORY, "cpu: no memory for a queue");
    }
    *queue = made;
    return DC_OK;
}

static void cpu_queue_free(void *queue)
{
    dc_cpu_queue *q = queue;

    dc__cpu_fft_forget(q);
    for (int32_t i = 0; i < q->threads; ++i)
        dc_host_free(q->context, q->scratch[i].memory);
    free(q->scratch);
    free(q);
}

static dc_status cpu_finish(void *queue)
{
    (void)queue; /* calls are complete when they return */
    return DC_OK;
}

static dc_status cpu_supports(void *device, const dc_plan *plan)
{
    (void)device;
    for (int32_t i = 0; i < plan->nsteps; ++i)
        DC_REQUIRE(plan->step[i].kind != DC_STEP_LAUNCH ||
                       dc__cpu_mirror(plan->step[i].op, plan->step[i].dtype, DC_ISA_BASELINE),
                   DC_E_UNSUPPORTED, "%s has no CPU mirror", plan->step[i].op->name);
    return DC_OK;
}

static dc_status run_launch(dc_cpu_queue *queue, const dc_step *step, void *const *operand,
                            const dc_exec_call *call, int32_t index)
{
    const dc_mirror *mirror = dc__cpu_mirror(step->op, step->dtype, queue->isa);
    dc_tiling tiling;
    dc_cpu_loop loop = {mirror,
                        operand,
                        step->args,
                        &tiling,
                        call->progress,
                        call->progress_user,
                        (int64_t)index * UNITS_PER_STEP,
                        (int64_t)call->plan->nsteps * UNITS_PER_STEP,
                        UNITS_PER_STEP,
                        1};

    DC_REQUIRE(mirror, DC_E_UNSUPPORTED, "%s has no CPU mirror", step->op->name);
    memset(&tiling, 0, sizeof tiling);
    mirror->plan(step->args, &queue->machine, &tiling);
    if (tiling.tiles <= 0)
        return DC_OK;
    if (dc__cpu_loop(queue, &loop) != DC_OK)
        return dc__fail_in(loop.progress ? DC_E_CANCELLED : DC_E_MEMORY, step->op->name);
    if (loop.threads > call->info->threads)
        call->info->threads = loop.threads;
    return DC_OK;
}

static dc_status run_step(dc_cpu_queue *queue, const dc_exec_call *call, int32_t index,
                          void *const *memory)
{
    const dc_step *step = &call->plan->step[index];
    const int32_t n = step->nin + step->nout + step->naux;
    void *operand[MAX_OPERANDS];

    DC_REQUIRE(n <= MAX_OPERANDS, DC_E_UNSUPPORTED, "%s: a step has %d operands, %d are possible",
               step->op->name, (int)n, MAX_OPERANDS);
    for (int32_t i = 0; i < n; ++i)
        operand[i] = memory[step->slot[i]];
    switch (step->kind) {
    case DC_STEP_LAUNCH:
        return run_launch(queue, step, operand, call, index);
    case DC_STEP_COPY:
        memcpy((char *)operand[1] + step->u.copy.dst_offset,
               (const char *)operand[0] + step->u.copy.src_offset, (size_t)step->u.copy.bytes);
        return DC_OK;
    case DC_STEP_FFT:
        return dc__cpu_fft(queue, step, operand[0], operand[1]);
    case DC_STEP_GEMM:
        return dc__cpu_gemm(queue, step, operand[0], operand[1], operand[2]);
    case DC_STEP_HOST:
        return step->u.host(operand, step->args);
    default:
        return dc__fail(DC_E_UNSUPPORTED, "%s: step kind %d is unknown", step->op->name,
                        (int)step->kind);
    }
}

/* Address of every slot; scratch is granted for the call. */
static dc_status slots_open(dc_cpu_queue *queue, const dc_plan *plan, void **memory)
{
    for (int32_t i = 0; i < plan->nslots; ++i) {
        const dc_slot *slot = &plan->slot[i];

        if (slot->kind == DC_SLOT_SCRATCH) {
            DC_TRY(dc_host_alloc(queue->context, (size_t)slot->bytes, &memory[i]));
        } else if (slot->kind == DC_SLOT_TABLE) {
            memcpy(&memory[i], &slot->data, sizeof memory[i]); /* tables are only read */
        } else {
            DC_REQUIRE(!slot->array.buffer, DC_E_UNSUPPORTED, "%s: an array lies in device memory",
                       plan->op->name);
            memory[i] = dc__array_host_address(&slot->array);
        }
    }
    return DC_OK;
}

static void slots_close(dc_cpu_queue *queue, const dc_plan *plan, void **memory)
{
    for (int32_t i = 0; i < plan->nslots; ++i)
        if (plan->slot[i].kind == DC_SLOT_SCRATCH)
            dc_host_free(queue->context, memory[i]);
}

static dc_status cpu_run(void *queue, const dc_exec_call *call, void **event)
{
    dc_cpu_queue *q = queue;
    const dc_plan *plan = call->plan;
    void **memory = dc__arena_alloc(plan->arena, (size_t)plan->nslots * sizeof *memory);
    dc_trace *trace = dc__context_trace(q->context);
    dc_status status;

    if (event)
        *event = NULL;
    DC_REQUIRE(memory, DC_E_MEMORY, "%s: no memory for the call", plan->op->name);
    call->info->isa = q->isa;
    call->info->threads = 1;
    status = slots_open(q, plan, memory);
    for (int32_t i = 0; status == DC_OK && i < plan->nsteps; ++i) {
        const double begin = dc__trace_on(trace) ? dc__trace_now() : 0;
        status = run_step(q, call, i, memory);
        if (dc__trace_on(trace))
            dc__trace_span(trace, "cpu", plan->step[i].op->name, begin, dc__trace_now(),
                           dc__isa_name(q->isa));
    }
    slots_close(q, plan, memory);
    return status;
}

static void *cpu_memory_host(void *memory)
{
    return memory;
}

static dc_status cpu_memory_new(void *device, size_t bytes, void **memory)
{
    return dc_host_alloc(((dc_cpu_device *)device)->context, bytes, memory);
}

static void cpu_memory_free(void *device, void *memory)
{
    dc_host_free(((dc_cpu_device *)device)->context, memory);
}

static dc_status cpu_memory_write(void *queue, void *memory, size_t offset, const void *src,
                                  size_t bytes)
{
    (void)queue;
    memcpy((char *)memory + offset, src, bytes);
    return DC_OK;
}

static dc_status cpu_memory_read(void *queue, void *memory, size_t offset, void *dst, size_t bytes)
{
    (void)queue;
    memcpy(dst, (const char *)memory + offset, bytes);
    return DC_OK;
}

const dc_backend dc__backend_cpu = {
    .abi = DC_BACKEND_ABI,
    .name = "cpu",
    .probe = cpu_probe,
    .open = cpu_open,
    .close = free,
    .check = cpu_check,
    .queue_new = cpu_queue_new,
    .queue_free = cpu_queue_free,
    .finish = cpu_finish,
    .supports = cpu_supports,
    .run = cpu_run,
    .memory_new = cpu_memory_new,
    .memory_free = cpu_memory_free,
    .memory_write = cpu_memory_write,
    .memory_read = cpu_memory_read,
    .memory_host = cpu_memory_host,
};
