/* The registry as users see it. */
#include "dualcube/introspect.h"

#include "dualcube/kmeans.h"

#include <stdio.h>
#include <string.h>

#include "dualcube/device.h"
#include "dualcube/model.h"
#include "host/core/registry.h"

int32_t dc_op_count(void)
{
    return dc__op_count();
}

static dc_status op_info(const dc_op *op, dc_op_info *info)
{
    const uint32_t size = info->struct_size;
    dc_op_info whole = {
        .struct_size = size,
        .id = op->id,
        .kind = op->kind,
        .dtypes = op->dtypes,
        .class_f32 = op->class_f32,
        .class_f64 = op->class_f64,
        .inputs = op->inputs,
        .outputs = op->outputs,
        .nparams = op->family->nparams,
        .params_bytes = (int32_t)op->family->params_bytes,
        .params = op->family->params,
        .name = op->name,
        .family = op->family->name,
        .call = op->family->call,
        .help = op->help,
    };

    DC_REQUIRE(size >= sizeof(uint32_t) && size <= sizeof whole, DC_E_ARGUMENT,
               "dc_op_get: info.struct_size is %u, expected %zu", size, sizeof whole);
    memcpy(info, &whole, size);
    return DC_OK;
}

dc_status dc_op_get(int32_t index, dc_op_info *info)
{
    const dc_op *op = dc__op_at(index);

    DC_REQUIRE(info, DC_E_ARGUMENT, "dc_op_get: info is NULL");
    DC_REQUIRE(op, DC_E_ARGUMENT, "dc_op_get: index is %d, there are %d rows", (int)index,
               (int)dc__op_count());
    return op_info(op, info);
}

dc_status dc_op_find(const char *name, dc_op_info *info)
{
    DC_REQUIRE(name && info, DC_E_ARGUMENT, "dc_op_find: %s is NULL", name ? "info" : "name");
    for (int32_t i = 0; i < dc__op_count(); ++i)
        if (strcmp(dc__op_at(i)->name, name) == 0)
            return op_info(dc__op_at(i), info);
    return dc__fail(DC_E_ARGUMENT, "dc_op_find: there is no operation named \"%.64s\"", name);
}

size_t dc_sizeof(const char *type)
{
    static const struct {
        const char *name;
        size_t bytes;
    } known[] = {
#define KNOWN(type) {#type, sizeof(type)}
        KNOWN(dc_array),      KNOWN(dc_arrays),         KNOWN(dc_doubles),
        KNOWN(dc_int64s),     KNOWN(dc_context_params), KNOWN(dc_device_info),
        KNOWN(dc_topology),   KNOWN(dc_queue_params),   KNOWN(dc_run_info),
        KNOWN(dc_pool_stats), KNOWN(dc_counters),       KNOWN(dc_param_info),
        KNOWN(dc_op_info),    KNOWN(dc_model_entry),    KNOWN(dc_kmeans_fit_params),
#undef KNOWN
    };

    for (size_t i = 0; type && i < sizeof known / sizeof *known; ++i)
        if (strcmp(known[i].name, type) == 0)
            return known[i].bytes;
    for (int32_t i = 0; type && i < dc__op_count(); ++i) {
        const dc_family *family = dc__op_at(i)->family;
        char name[96];

        snprintf(name, sizeof name, "dc_%s_params", family->name);
        if (strcmp(name, type) == 0)
            return family->params_bytes;
    }
    return 0;
}
