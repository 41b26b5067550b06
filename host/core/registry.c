#include "host/core/registry.h"

#include <string.h>

enum { EXTRA_FAMILIES = 16, PRIVATE_IDS = 10000 };

static const dc_op builtin[] = {
#define DC_OP(id, name, family, kind, in, out, class_f32, class_f64, help)                         \
    {id, kind, #name, &dc__##family##_family, in, out, DC_MASK_REAL, class_f32, class_f64, help},
#define DC_MOVE(id, name, family, kind, in, out, help)                                             \
    {id,  kind,        #name,          &dc__##family##_family, in,                                 \
     out, DC_MASK_ANY, DC_CLASS_EXACT, DC_CLASS_EXACT,         help},
#include "host/core/ops.def"
#undef DC_OP
#undef DC_MOVE
};
enum { BUILTIN = sizeof builtin / sizeof *builtin };

static const dc_family *extra[EXTRA_FAMILIES];
static int32_t extras;

int32_t dc__op_count(void)
{
    int32_t n = BUILTIN;

    for (int32_t i = 0; i < extras; ++i)
        n += extra[i]->nops;
    return n;
}

const dc_op *dc__op_at(int32_t index)
{
    if (index < 0)
        return NULL;
    if (index < BUILTIN)
        return &builtin[index];
    index -= BUILTIN;
    for (int32_t i = 0; i < extras; ++i) {
        if (index < extra[i]->nops)
            return &extra[i]->ops[index];
        index -= extra[i]->nops;
    }
    return NULL;
}

const dc_op *dc__op_by_id(int32_t id)
{
    const int32_t n = dc__op_count();

    for (int32_t i = 0; i < n; ++i)
        if (dc__op_at(i)->id == id)
            return dc__op_at(i);
    return NULL;
}

const dc_op *dc__op_of_kind(const dc_family *family, int32_t kind)
{
    const int32_t n = dc__op_count();

    for (int32_t i = 0; i < n; ++i) {
        const dc_op *op = dc__op_at(i);
        if (op->family == family && op->kind == kind)
            return op;
    }
    return NULL;
}

dc_status dc__family_register(const dc_family *family)
{
    DC_REQUIRE(family && family->plan && family->params_bytes >= sizeof(uint32_t), DC_E_ARGUMENT,
               "family: it has no plan or no params");
    for (int32_t i = 0; i < extras; ++i)
        if (extra[i] == family)
            return DC_OK;
    DC_REQUIRE(extras < EXTRA_FAMILIES, DC_E_MEMORY, "family %s: %d are registered already",
               family->name, EXTRA_FAMILIES);
    for (int32_t i = 0; i < family->nops; ++i)
        DC_REQUIRE(family->ops[i].id >= PRIVATE_IDS && !dc__op_by_id(family->ops[i].id),
                   DC_E_ARGUMENT, "family %s: id %d of %s is below %d or taken", family->name,
                   (int)family->ops[i].id, family->ops[i].name, PRIVATE_IDS);
    extra[extras++] = family;
    return DC_OK;
}

dc_status dc__params_read(const dc_family *family, void *whole, const void *params)
{
    const uint32_t first =
        family->params_first_bytes ? family->params_first_bytes : family->params_bytes;
    const uint32_t limit = family->params_bytes + 65536;
    uint32_t size;

    DC_REQUIRE(params, DC_E_ARGUMENT, "%s: params is NULL", family->call);
    memcpy(&size, params, sizeof size); /* struct_size comes first */
    DC_REQUIRE(size >= first && size <= limit && size % 4 == 0, DC_E_ARGUMENT,
               "%s: params.struct_size is %u, expected %u (begin with the initialiser)",
               family->call, size, family->params_bytes);
    for (uint32_t i = family->params_bytes; i < size; ++i)
        DC_REQUIRE(((const unsigned char *)params)[i] == 0, DC_E_ARGUMENT,
                   "%s: params has a field at byte %u that this library (%s) does not know",
                   family->call, i, DC_VERSION_STRING);
    memcpy(whole, family->params_init, family->params_bytes);
    memcpy(whole, params, size < family->params_bytes ? size : family->params_bytes);
    return DC_OK;
}
