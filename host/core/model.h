/* Models inside: entries, and the two directions of the file. */
#ifndef DC_CORE_MODEL_H
#define DC_CORE_MODEL_H

#include "dualcube/model.h"

enum { DC_MODEL_ENTRIES = 4096 }; /* most of one model */

typedef struct dc_model_item {
    int32_t type; /* DC_MODEL_* */
    int32_t dtype, ndim;
    int64_t shape[DC_MAX_NDIM];
    char name[DC_MODEL_NAME + 1];
    double number;
    void *data; /* ARRAY: dense elements; TEXT: with a final 0; owned */
    size_t bytes;
} dc_model_item;

struct dc_model {
    char kind[DC_MODEL_NAME + 1];
    dc_model_item *item;
    int32_t count, room;
};

/* 1 when it can be a name or a kind. */
int dc__model_name_fits(const char *name, size_t length);

/* Entry of that name, or NULL. */
dc_model_item *dc__model_item(const dc_model *model, const char *name);

/* Take over `item` (its data, too, on success) in the place of one of that name. */
dc_status dc__model_put(dc_model *model, const dc_model_item *item);

#endif
