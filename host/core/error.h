/* Error text: one thread-local sentence, and the only control-flow macro of host/. */
#ifndef DC_CORE_ERROR_H
#define DC_CORE_ERROR_H

#include <stdarg.h>

#include "dualcube/base.h"

/* Exported to the library's own modules (OpenCL, BLAS), not to users. */
#define DC_MODULE __attribute__((visibility("default")))

/* Set the thread's error text and return `status`. */
DC_MODULE dc_status dc__fail(dc_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "prefix: " before the thread's error text and return `status`. */
DC_MODULE dc_status dc__fail_in(dc_status status, const char *prefix);

/* Leave the function with a reason. */
#define DC_REQUIRE(condition, status, ...)                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return dc__fail((status), __VA_ARGS__);                                                \
    } while (0)

/* Pass a failure on. */
#define DC_TRY(call)                                                                               \
    do {                                                                                           \
        const dc_status dc_try_ = (call);                                                          \
        if (dc_try_ != DC_OK)                                                                      \
            return dc_try_;                                                                        \
    } while (0)

#endif
