/* What operations there are, what they take, what they promise.  One table feeds the Python
 * package, the command's options, parity and the documentation. */
#ifndef DUALCUBE_INTROSPECT_H
#define DUALCUBE_INTROSPECT_H

#include "dualcube/array.h"
#include "dualcube/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Classes of the numerics contract. */
enum {
    DC_CLASS_EXACT = 0,    /* same bits on every device, ISA, thread count, chunking             */
    DC_CLASS_EXACT_IF = 1, /* as EXACT where the device keeps float32 denormals                  */
    DC_CLASS_NORMWISE = 2  /* stated bound on every backend                                      */
};

/** Types of a parameter. */
enum {
    DC_PARAM_ARRAY_IN = 0,
    DC_PARAM_ARRAY_OUT = 1,
    DC_PARAM_INT32 = 2,
    DC_PARAM_INT64 = 3,
    DC_PARAM_DOUBLE = 4,
    DC_PARAM_CHOICE = 5, /* int32, one of `choices` */
    DC_PARAM_BOOL = 6,
    DC_PARAM_ARRAYS_IN = 7, /* dc_arrays */
    DC_PARAM_DOUBLES = 8,   /* dc_doubles */
    DC_PARAM_INT64S = 9     /* dc_int64s */
};

/** One field of an operation's params struct. */
typedef struct dc_param_info {
    const char *name;     /* "min_periods"                                                  */
    int32_t type;         /* DC_PARAM_*                                                     */
    int32_t offset;       /* bytes from the start of the struct                             */
    double default_value; /* ignored when `required` or `data_default`                      */
    int32_t required;     /* no default                                                     */
    int32_t data_default; /* default is DC_DEFAULT                                          */
    double low, high;     /* inclusive limits; -INFINITY, INFINITY: none                    */
    const char *choices;  /* "linear lower higher nearest midpoint", value = place; or NULL */
    const char *help;     /* one sentence                                                   */
} dc_param_info;

/** One operation (a row of the registry). */
typedef struct dc_op_info {
    uint32_t struct_size; /* set by the caller                                              */
    int32_t id;           /* stable                                                         */
    int32_t kind;         /* value of the params' `kind` field                              */
    int32_t dtypes;       /* bits (1 << dtype) of the dtypes it takes                       */
    int32_t class_f32, class_f64; /* DC_CLASS_*                                                  */
    int32_t inputs, outputs;
    int32_t nparams, params_bytes;
    const dc_param_info *params;
    const char *name;   /* "rolling_median"                                               */
    const char *family; /* "rolling"                                                      */
    const char *call;   /* "dc_rolling": the C function                                   */
    const char *help;   /* one sentence                                                   */
} dc_op_info;

DC_API int32_t dc_op_count(void);
/** Row `index` of the registry, 0 ... dc_op_count() - 1.  @threads any  @since 0.1 */
DC_API dc_status dc_op_get(int32_t index, dc_op_info *info);
/** Row by name.  @return DC_E_ARGUMENT when there is none.  @threads any  @since 0.1 */
DC_API dc_status dc_op_find(const char *name, dc_op_info *info);

/** Run an operation by its id with its family's params struct; what dc_<family>() does. */
DC_API dc_status dc_op_call(dc_queue *queue, int32_t op_id, const void *params, dc_event **done);

/**
 * Would this call run, where, why, at what cost?  Plans and routes without running; data pointers
 * may be NULL.  `text` (may be NULL) receives the plan and the reasoning, always terminated.
 * @return what the call would return.
 */
DC_API dc_status dc_op_explain(dc_queue *queue, int32_t op_id, const void *params,
                               dc_run_info *info, char *text, size_t text_bytes);

/** sizeof of a public struct by name ("dc_array", "dc_rolling_params", ...), 0 for an unknown one.
 */
DC_API size_t dc_sizeof(const char *type);

#ifdef __cplusplus
}
#endif
#endif
