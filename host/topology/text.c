#include <stdio.h>
#include <stdlib.h>

#include "host/topology/topology.h"

static int reserve(dc_text *text, size_t more)
{
    if (text->failed || more > SIZE_MAX / 4 - text->length)
        return 0;
    if (text->length + more <= text->room)
        return 1;
    const size_t room = 2 * (text->length + more) + 1024;
    char *const bytes = realloc(text->bytes, room);
    if (!bytes) {
        text->failed = 1;
        return 0;
    }
    text->bytes = bytes;
    text->room = room;
    return 1;
}

void dc__text_add(dc_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !reserve(text, (size_t)length + 1))
        return;
    va_start(args, format);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, args);
    va_end(args);
    text->length += (size_t)length;
}

void dc__text_add_bytes(dc_text *text, int64_t bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int i = 0;
    for (; value >= 1024 && i < 4; ++i)
        value /= 1024;
    dc__text_add(text, "%.4g %s", value, unit[i]);
}
