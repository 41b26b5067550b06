/* Chrome trace events (chrome://tracing, Perfetto).  Cheap when off: one relaxed load. */
#ifndef DC_CORE_TRACE_H
#define DC_CORE_TRACE_H

#include "host/core/error.h"

typedef struct dc_trace dc_trace;

DC_MODULE dc_trace *dc__trace_new(void); /* NULL: out of memory, every call below accepts NULL */
DC_MODULE void dc__trace_free(dc_trace *trace);
DC_MODULE void dc__trace_enable(dc_trace *trace, int on);
DC_MODULE int dc__trace_on(const dc_trace *trace);
/* Microseconds on the trace's clock (CLOCK_MONOTONIC). */
DC_MODULE double dc__trace_now(void);
/* A complete event on row `track` ("api", "cpu", "opencl:0", "copy"); texts are copied, quoted. */
DC_MODULE void dc__trace_span(dc_trace *trace, const char *track, const char *name, double begin_us,
                              double end_us, const char *detail);
/* Write all events to `path` (temporary name, then rename). */
DC_MODULE dc_status dc__trace_write(dc_trace *trace, const char *path);

#endif
