/* One call: plan, route, run, record. */
#ifndef DC_CORE_RUN_H
#define DC_CORE_RUN_H

#include "host/core/registry.h"

/* What dc_<family>() ends in.  `params` is whole (dc__params_read). */
dc_status dc__run(dc_queue *queue, const dc_op *op, const void *params, dc_event **done);

/* Where a plan should run and why; fills estimates, device and reason of `info`.  A failure says
 * why it cannot run under the queue's policy. */
struct dc_device;
dc_status dc__route(dc_queue *queue, const dc_plan *plan, dc_run_info *info,
                    struct dc_device **device);

/* Where a family that calls itself keeps what lies between its calls: the queue's context, and
 * whether the queue was opened on a device (then dc_buffer_new) or not (then dc_host_alloc). */
dc_context *dc__queue_context(const dc_queue *queue, int *on_device);

/* The text, as far as it fits into `room` bytes. */
void dc__text_copy(char *to, size_t room, const char *from);

#endif
