#include "host/core/plan.h"

#include <stdio.h>
#include <string.h>

#include "host/core/registry.h"

enum { PLAN_FIRST_ROOM = 8 };

void dc__plan_begin(dc_plan *plan, dc_arena *arena, const dc_op *op)
{
    memset(plan, 0, sizeof *plan);
    plan->arena = arena;
    plan->op = op;
}

/* Room for one more entry in an arena array of `size`-byte entries. */
static int grow(dc_arena *arena, void **list, int32_t used, int32_t *room, size_t size)
{
    void *more;

    if (used < *room)
        return 1;
    more = dc__arena_alloc(arena, (size_t)(*room ? *room * 2 : PLAN_FIRST_ROOM) * size);
    if (!more)
        return 0;
    if (used)
        memcpy(more, *list, (size_t)used * size);
    *list = more;
    *room = *room ? *room * 2 : PLAN_FIRST_ROOM;
    return 1;
}

static dc_slot *slot_new(dc_plan *plan, int32_t kind)
{
    void *list = plan->slot;

    if (!grow(plan->arena, &list, plan->nslots, &plan->slot_room, sizeof *plan->slot)) {
        dc__fail(DC_E_MEMORY, "%s: no memory for the plan", plan->op->name);
        return NULL;
    }
    plan->slot = list;
    memset(&plan->slot[plan->nslots], 0, sizeof *plan->slot);
    plan->slot[plan->nslots].kind = kind;
    return &plan->slot[plan->nslots++];
}

static int32_t slot_array(dc_plan *plan, int32_t kind, const dc_array *array)
{
    dc_slot *slot = slot_new(plan, kind);

    if (!slot)
        return -1;
    slot->array = *array;
    dc__array_extent(array, &slot->low_bytes, &slot->high_bytes);
    return plan->nslots - 1;
}

int32_t dc__plan_input(dc_plan *plan, const dc_array *array)
{
    return slot_array(plan, DC_SLOT_INPUT, array);
}

int32_t dc__plan_output(dc_plan *plan, const dc_array *array)
{
    return slot_array(plan, DC_SLOT_OUTPUT, array);
}

int32_t dc__plan_scratch(dc_plan *plan, int64_t bytes)
{
    dc_slot *slot = slot_new(plan, DC_SLOT_SCRATCH);

    if (!slot)
        return -1;
    slot->bytes = bytes;
    return plan->nslots - 1;
}

/* FNV-1a over 8-byte words (tables are small), never 0. */
static uint64_t table_key(const unsigned char *data, int64_t bytes)
{
    uint64_t hash = 1469598103934665603u ^ (uint64_t)bytes;

    for (int64_t i = 0; i < bytes; i += 8) {
        uint64_t word = 0;
        memcpy(&word, data + i, (size_t)(bytes - i < 8 ? bytes - i : 8));
        hash = (hash ^ word) * 1099511628211u;
        hash ^= hash >> 29;
    }
    return hash ? hash : 1;
}

int32_t dc__plan_table(dc_plan *plan, const void *data, int64_t bytes)
{
    dc_slot *slot = slot_new(plan, DC_SLOT_TABLE);

    if (!slot)
        return -1;
    slot->data = data;
    slot->bytes = bytes;
    slot->key = table_key(data, bytes);
    return plan->nslots - 1;
}

dc_step *dc__plan_step(dc_plan *plan, int32_t kind, const dc_op *op, int32_t dtype,
                       const int32_t *slots, int32_t nin, int32_t nout, int32_t naux,
                       const void *args, size_t args_bytes)
{
    const int32_t n = nin + nout + naux;
    void *list = plan->step;
    int32_t *index;
    void *copy;
    dc_step *step;

    for (int32_t i = 0; i < n; ++i)
        if (slots[i] < 0)
            return NULL;
    index = dc__arena_alloc(plan->arena, (size_t)n * sizeof *index);
    copy = dc__arena_alloc(plan->arena, args_bytes);
    if (!index || !copy ||
        !grow(plan->arena, &list, plan->nsteps, &plan->step_room, sizeof *plan->step)) {
        dc__fail(DC_E_MEMORY, "%s: no memory for the plan", plan->op->name);
        return NULL;
    }
    plan->step = list;
    if (n)
        memcpy(index, slots, (size_t)n * sizeof *index);
    if (args_bytes)
        memcpy(copy, args, args_bytes);
    step = &plan->step[plan->nsteps++];
    *step = (dc_step){.kind = kind,
                      .dtype = dtype,
                      .op = op,
                      .space = {1, 1, 1},
                      .nin = nin,
                      .nout = nout,
                      .naux = naux,
                      .slot = index,
                      .args_bytes = (uint32_t)args_bytes,
                      .args = copy};
    return step;
}

/* snprintf that keeps counting past the end. */
typedef struct text_out {
    char *text;
    size_t room, used;
} text_out;

static void put(text_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(text_out *out, const char *format, ...)
{
    va_list list;
    int n;

    va_start(list, format);
    n = vsnprintf(out->used < out->room ? out->text + out->used : NULL,
                  out->used < out->room ? out->room - out->used : 0, format, list);
    va_end(list);
    if (n > 0)
        out->used += (size_t)n;
}

static void put_slot(text_out *out, const dc_plan *plan, int32_t index)
{
    static const char *const kind[] = {"in", "out", "scratch", "table"};
    const dc_slot *slot = &plan->slot[index];

    put(out, " %s%d", kind[slot->kind], (int)index);
    if (slot->kind == DC_SLOT_SCRATCH || slot->kind == DC_SLOT_TABLE) {
        put(out, "(%lld B)", (long long)slot->bytes);
        return;
    }
    put(out, "(%s", dc__dtype_suffix(slot->array.dtype));
    for (int32_t d = 0; d < slot->array.ndim; ++d)
        put(out, "%s%lld", d ? "x" : " ", (long long)slot->array.shape[d]);
    put(out, "%s%s)", dc__array_is_dense(&slot->array) ? "" : " strided",
        slot->array.buffer ? " buffer" : "");
}

size_t dc__plan_text(const dc_plan *plan, char *text, size_t bytes)
{
    static const char *const kind[] = {"launch", "copy", "fft", "gemm", "host"};
    text_out out = {text, bytes, 0};

    if (bytes)
        text[0] = 0;
    put(&out, "plan %s: %d step%s, %.6g bytes, %.6g flops\n", plan->op->name, (int)plan->nsteps,
        plan->nsteps == 1 ? "" : "s", plan->bytes, plan->flops);
    for (int32_t i = 0; i < plan->nsteps; ++i) {
        const dc_step *step = &plan->step[i];

        put(&out, "  %d %s %s_%s", (int)i, kind[step->kind], step->op->name,
            dc__dtype_suffix(step->dtype));
        if (step->kind == DC_STEP_LAUNCH)
            put(&out, " [%lld x %lld x %lld]", (long long)step->space[0], (long long)step->space[1],
                (long long)step->space[2]);
        for (int32_t k = 0; k < step->nin + step->nout + step->naux; ++k)
            put_slot(&out, plan, step->slot[k]);
        put(&out, "\n");
    }
    return out.used + 1;
}
