/* dc_model: what a fit has learned, as named arrays, numbers and texts, in one small file. */
#ifndef DUALCUBE_MODEL_H
#define DUALCUBE_MODEL_H

#include "dualcube/array.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dc_model dc_model; /* fitted parameters */

/** Types of an entry. */
enum { DC_MODEL_ARRAY = 1, DC_MODEL_NUMBER = 2, DC_MODEL_TEXT = 3 };

/** Longest name or kind, without the final 0. */
#define DC_MODEL_NAME 63

/** One entry.  What it points to is the model's, until that is changed or freed. */
typedef struct dc_model_entry {
    uint32_t struct_size; /* set by the caller to sizeof *entry                               */
    int32_t type;         /* DC_MODEL_*                                                       */
    const char *name;
    dc_array array;   /* ARRAY: dense, in host memory, read-only                          */
    double number;    /* NUMBER                                                           */
    const char *text; /* TEXT: UTF-8                                                      */
} dc_model_entry;

/** A model without entries.  `kind` says what it is a model of ("standard_scaler"); kinds and names
 * are 1 to DC_MODEL_NAME letters, digits, dots, dashes and underscores.
 * @threads any; a model is changed by one thread at a time.  @since 0.1 */
DC_API dc_status dc_model_new(const char *kind, dc_model **out);

/** NULL is fine.  @threads any  @since 0.1 */
DC_API void dc_model_free(dc_model *model);

/** Never NULL; "" for NULL.  @threads any  @since 0.1 */
DC_API const char *dc_model_kind(const dc_model *model);

/** Set an entry, in the place of one of that name.  Arrays lie in host memory, have 1 to 8 axes and
 * any dtype, and are copied.  @threads one per model  @since 0.1 */
DC_API dc_status dc_model_set_array(dc_model *model, const char *name, const dc_array *array);
DC_API dc_status dc_model_set_number(dc_model *model, const char *name, double number);
DC_API dc_status dc_model_set_text(dc_model *model, const char *name, const char *text);

/** Number of entries.  @threads any  @since 0.1 */
DC_API int32_t dc_model_count(const dc_model *model);
/** Entry `index`, 0 ... dc_model_count() - 1, in the order in which they were set.
 * @threads any  @since 0.1 */
DC_API dc_status dc_model_at(const dc_model *model, int32_t index, dc_model_entry *entry);
/** Entry by name; DC_E_ARGUMENT when there is none, or when it has another type (0: any).
 * @threads any  @since 0.1 */
DC_API dc_status dc_model_find(const dc_model *model, const char *name, int32_t type,
                               dc_model_entry *entry);

/**
 * The model as bytes: little-endian, versioned, with a checksum; equal on every machine.
 * @param size  receives the bytes needed; `bytes` may be NULL to ask.
 * @return DC_E_ARGUMENT when `room` is too small.
 * @threads any  @since 0.1
 */
DC_API dc_status dc_model_save_bytes(const dc_model *model, void *bytes, size_t room, size_t *size);

/** A model from bytes that nobody need trust: DC_E_ARGUMENT says what is wrong with them.
 * @threads any  @since 0.1 */
DC_API dc_status dc_model_load_bytes(const void *bytes, size_t size, dc_model **out);

/** Write a file, which appears whole or not at all.  @return DC_E_IO with the system's word.
 * @threads any  @since 0.1 */
DC_API dc_status dc_model_save(const dc_model *model, const char *path);

/** Read a file.  @return DC_E_IO with the system's word; DC_E_ARGUMENT for a file that is damaged
 * or no model; *out is NULL then.  @threads any  @since 0.1 */
DC_API dc_status dc_model_load(const char *path, dc_model **out);

#ifdef __cplusplus
}
#endif
#endif
