#include "host/core/trace.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct span {
    char track[24], name[64], detail[128];
    double begin, end; /* microseconds */
} span;

struct dc_trace {
    pthread_mutex_t lock;
    int on; /* atomic */
    span *list;
    size_t used, room;
};

dc_trace *dc__trace_new(void)
{
    dc_trace *trace = calloc(1, sizeof *trace);

    if (trace)
        pthread_mutex_init(&trace->lock, NULL);
    return trace;
}

void dc__trace_free(dc_trace *trace)
{
    if (!trace)
        return;
    pthread_mutex_destroy(&trace->lock);
    free(trace->list);
    free(trace);
}

void dc__trace_enable(dc_trace *trace, int on)
{
    if (trace)
        __atomic_store_n(&trace->on, on, __ATOMIC_RELAXED);
}

int dc__trace_on(const dc_trace *trace)
{
    return trace && __atomic_load_n(&trace->on, __ATOMIC_RELAXED);
}

double dc__trace_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

/* Copy with what JSON cannot hold replaced. */
static void quote(char *dst, size_t room, const char *src)
{
    size_t i = 0;

    for (; src && src[i] && i + 1 < room; ++i)
        dst[i] = (src[i] == '"' || src[i] == '\\' || (unsigned char)src[i] < 0x20 ||
                  (unsigned char)src[i] > 0x7e)
                     ? '_'
                     : src[i];
    dst[i] = 0;
}

void dc__trace_span(dc_trace *trace, const char *track, const char *name, double begin_us,
                    double end_us, const char *detail)
{
    if (!dc__trace_on(trace))
        return;
    pthread_mutex_lock(&trace->lock);
    if (trace->used == trace->room) {
        const size_t room = trace->room ? trace->room * 2 : 256;
        span *list = realloc(trace->list, room * sizeof *list);

        if (list) { /* out of memory: the event is dropped, the call is not */
            trace->list = list;
            trace->room = room;
        }
    }
    if (trace->used < trace->room) {
        span *s = &trace->list[trace->used++];

        quote(s->track, sizeof s->track, track);
        quote(s->name, sizeof s->name, name);
        quote(s->detail, sizeof s->detail, detail);
        s->begin = begin_us;
        s->end = end_us;
    }
    pthread_mutex_unlock(&trace->lock);
}

/* Tracks become threads of the trace: number them by first appearance. */
static size_t track_number(const dc_trace *trace, size_t i)
{
    size_t number = 1;

    for (size_t k = 0; k < i; ++k) {
        size_t first = 0;
        while (strcmp(trace->list[first].track, trace->list[k].track) != 0)
            ++first;
        if (strcmp(trace->list[k].track, trace->list[i].track) == 0)
            return number;
        number += first == k;
    }
    return number;
}

static int write_events(dc_trace *trace, FILE *file)
{
    size_t number = 0;
    const char *last = "";

    fprintf(file, "{\"traceEvents\":[\n");
    for (size_t i = 0; i < trace->used; ++i) {
        const span *s = &trace->list[i];

        if (!number || strcmp(last, s->track) != 0) {
            number = track_number(trace, i);
            last = s->track;
            fprintf(file,
                    "{\"ph\":\"M\",\"pid\":1,\"tid\":%zu,\"name\":\"thread_name\","
                    "\"args\":{\"name\":\"%s\"}},\n",
                    number, s->track);
        }
        fprintf(file,
                "{\"ph\":\"X\",\"pid\":1,\"tid\":%zu,\"ts\":%.3f,\"dur\":%.3f,\"name\":\"%s\","
                "\"args\":{\"detail\":\"%s\"}}%s\n",
                number, s->begin, s->end - s->begin, s->name, s->detail,
                i + 1 < trace->used ? "," : "");
    }
    fprintf(file, "],\"displayTimeUnit\":\"ms\"}\n");
    return ferror(file) ? -1 : 0;
}

dc_status dc__trace_write(dc_trace *trace, const char *path)
{
    char temporary[4096];
    FILE *file;
    int bad;

    DC_REQUIRE(trace, DC_E_MEMORY, "trace: there was no memory for one");
    DC_REQUIRE(path && *path, DC_E_ARGUMENT, "trace: path is empty");
    DC_REQUIRE((size_t)snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid()) <
                   sizeof temporary,
               DC_E_ARGUMENT, "trace: path is longer than %zu bytes", sizeof temporary - 32);
    file = fopen(temporary, "w");
    DC_REQUIRE(file, DC_E_IO, "trace: %s cannot be written", path);
    pthread_mutex_lock(&trace->lock);
    bad = write_events(trace, file);
    pthread_mutex_unlock(&trace->lock);
    if (fclose(file) != 0 || bad || rename(temporary, path) != 0) {
        remove(temporary);
        return dc__fail(DC_E_IO, "trace: %s cannot be written", path);
    }
    return DC_OK;
}
