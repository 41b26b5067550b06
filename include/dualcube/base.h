/* What every public header needs: version, export mark, status codes, error text, handles. */
#ifndef DUALCUBE_BASE_H
#define DUALCUBE_BASE_H

#include <stddef.h>
#include <stdint.h>

#include "dualcube/kinds.h"

#define DC_VERSION_MAJOR  0
#define DC_VERSION_MINOR  1
#define DC_VERSION_PATCH  0
#define DC_VERSION_STRING "0.1.0"

#if defined(__GNUC__) || defined(__clang__)
#define DC_API __attribute__((visibility("default")))
#else
#define DC_API
#endif

/** Sentinel of a parameter whose default depends on the data or on another parameter. */
#define DC_DEFAULT INT64_MIN

/** Most axes an array may have. */
#define DC_MAX_NDIM 8

#ifdef __cplusplus
extern "C" {
#endif

/** Outcome of a call.  Few codes, much text: see dc_last_error(). */
typedef enum dc_status {
    DC_OK = 0,
    DC_E_ARGUMENT = -1,    /* the caller's mistake: NULL, shape, stride, enum, range        */
    DC_E_UNSUPPORTED = -2, /* a valid request that this device or build cannot run          */
    DC_E_MEMORY = -3,      /* an allocation failed or a pool reached its cap                */
    DC_E_DEVICE = -4,      /* a driver or a library said no; the text has its word          */
    DC_E_CANCELLED = -5,   /* the progress callback asked to stop; outputs are undefined    */
    DC_E_FORKED = -6,      /* a device handle was used in a child made by fork()            */
    DC_E_IO = -7           /* a file could not be read or written                           */
} dc_status;

typedef struct dc_context dc_context; /* devices found, caches, pools            */
typedef struct dc_device dc_device;   /* one OpenCL device, or the CPU           */
typedef struct dc_queue dc_queue;     /* in-order stream of calls                */
typedef struct dc_buffer dc_buffer;   /* memory of one device                    */
typedef struct dc_event dc_event;     /* completion of one call                  */

/**
 * Text of the calling thread's last failure: operation, argument, value, limit.
 * Never NULL, "" before the first failure, untouched by success, valid until the thread's next
 * failure, never allocates.
 * @threads any; the text is thread-local.
 * @since   0.1
 */
DC_API const char *dc_last_error(void);

/** Name of a status code, "DC_E_ARGUMENT" for DC_E_ARGUMENT; "DC_E_?" for an unknown one.
 * @threads any  @since 0.1 */
DC_API const char *dc_status_name(dc_status status);

/** Version of the library that is loaded, "0.1.0".  @threads any  @since 0.1 */
DC_API const char *dc_version(void);

/** ABI number of the library that is loaded (its SOVERSION).  @threads any  @since 0.1 */
DC_API int32_t dc_abi(void);

#ifdef __cplusplus
}
#endif
#endif
