#include "host/core/error.h"

#include <stdio.h>
#include <string.h>

static _Thread_local char last_error[512];

dc_status dc__fail(dc_status status, const char *format, ...)
{
    char text[sizeof last_error]; /* an argument may be the present text itself */
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    memcpy(last_error, text, sizeof text);
    return status;
}

dc_status dc__fail_in(dc_status status, const char *prefix)
{
    return dc__fail(status, "%s: %s", prefix, last_error);
}

const char *dc_last_error(void)
{
    return last_error;
}

const char *dc_status_name(dc_status status)
{
    switch (status) {
    case DC_OK:
        return "DC_OK";
    case DC_E_ARGUMENT:
        return "DC_E_ARGUMENT";
    case DC_E_UNSUPPORTED:
        return "DC_E_UNSUPPORTED";
    case DC_E_MEMORY:
        return "DC_E_MEMORY";
    case DC_E_DEVICE:
        return "DC_E_DEVICE";
    case DC_E_CANCELLED:
        return "DC_E_CANCELLED";
    case DC_E_FORKED:
        return "DC_E_FORKED";
    case DC_E_IO:
        return "DC_E_IO";
    }
    return "DC_E_?";
}

const char *dc_version(void)
{
    return DC_VERSION_STRING;
}

int32_t dc_abi(void)
{
    return 0;
}
