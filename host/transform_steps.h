/* Transform calls: checks that several kinds share, and steps of their plans.  A part of
 * host/transform.c. */
#ifndef DC_HOST_TRANSFORM_STEPS_H
#define DC_HOST_TRANSFORM_STEPS_H

#include <string.h>

#include "dualcube/transform.h"
#include "host/core/axes.h"
#include "host/core/registry.h"
#include "kernels/shared/transform.h"

/* A call being planned. */
typedef struct transform_call {
    const dc_op *op;
    const dc_transform_params *p;
    dc_plan *plan;
    int32_t dst, targets; /* slots */
    int64_t total;        /* elements of dst */
} transform_call;

enum { DST = 0, SRC = 1, THIRD = 2, FOURTH = 3 }; /* views of the axes of a step */

static dc_status check_same(const dc_op *op, const dc_array *array, const char *name, int32_t dtype,
                            const char *other)
{
    DC_REQUIRE(array->dtype == dtype, DC_E_ARGUMENT, "%s: %s has dtype %s, must be %s as %s",
               op->name, name, dc_dtype_name(array->dtype), dc_dtype_name(dtype), other);
    return DC_OK;
}

static dc_status check_input(const dc_op *op, const dc_array *array, const char *name)
{
    return dc__array_check_dtype(op, array, name, op->dtypes);
}

/* An output of this shape and dtype. */
static dc_status check_output(const dc_op *op, const dc_array *array, const char *name,
                              int32_t dtype, int32_t ndim, const int64_t *shape)
{
    DC_TRY(dc__array_check_output_dtype(op, array, name, op->dtypes));
    DC_TRY(check_same(op, array, name, dtype, "the input"));
    DC_REQUIRE(array->ndim == ndim, DC_E_ARGUMENT, "%s: %s has %d axes, must have %d", op->name,
               name, (int)array->ndim, (int)ndim);
    for (int32_t d = 0; d < ndim; ++d)
        DC_REQUIRE(array->shape[d] == shape[d], DC_E_ARGUMENT,
                   "%s: %s.shape[%d] is %lld, must be %lld", op->name, name, (int)d,
                   (long long)array->shape[d], (long long)shape[d]);
    return DC_OK;
}

static dc_status check_axis(const dc_op *op, int32_t axis, int32_t ndim, int32_t *out)
{
    DC_REQUIRE(axis >= -ndim && axis < ndim, DC_E_ARGUMENT, "%s: axis is %d, must be %d ... %d",
               op->name, (int)axis, (int)-ndim, (int)ndim - 1);
    *out = axis < 0 ? axis + ndim : axis;
    return DC_OK;
}

/* The permutation of `ndim` axes that the call asks for. */
static dc_status read_axes(const dc_op *op, const dc_transform_params *p, int32_t ndim,
                           int32_t *axes)
{
    uint32_t seen = 0;

    for (int32_t d = 0; d < ndim; ++d)
        axes[d] = d;
    if (p->axes.count == 0) {
        if (op->kind == DC_TRANSFORM_BATCH && ndim > 2) {
            axes[1] = 2;
            axes[2] = 1;
        }
        return DC_OK;
    }
    DC_REQUIRE(p->axes.count == ndim && p->axes.at, DC_E_ARGUMENT,
               "%s: axes has %lld entries, must have %d", op->name, (long long)p->axes.count,
               (int)ndim);
    for (int32_t d = 0; d < ndim; ++d) {
        const int64_t axis = p->axes.at[d];

        DC_REQUIRE(axis >= 0 && axis < ndim && !(seen & (1u << axis)), DC_E_ARGUMENT,
                   "%s: axes[%d] is %lld; axes must hold each of 0 ... %d once", op->name, (int)d,
                   (long long)axis, (int)ndim - 1);
        seen |= 1u << axis;
        axes[d] = (int32_t)axis;
    }
    return DC_OK;
}

/* The outputs' slots and what they must not overlap. */
static dc_status open_outputs(transform_call *c)
{
    const dc_transform_params *p = c->p;

    c->total = dc_array_elements(&p->dst);
    c->dst = dc__plan_output(c->plan, &p->dst);
    c->targets = c->dst;
    if (c->op->kind == DC_TRANSFORM_BATCH && p->targets.ndim) {
        DC_TRY(dc__array_no_overlap(c->op, &p->targets, "targets", &p->dst, "dst"));
        c->targets = dc__plan_output(c->plan, &p->targets);
    }
    return DC_OK;
}

/* ---- steps -------------------------------------------------------------------------------------
 */

static int64_t count_of(const dc_axes *axes)
{
    int64_t n = 1;

    for (int32_t d = 0; d < axes->ndim; ++d)
        n *= axes->shape[d];
    return n;
}

static dc_transform_args map_of(const transform_call *c, const dc_axes *axes)
{
    dc_transform_args a;

    memset(&a, 0, sizeof a);
    memcpy(a.shape, axes->shape, sizeof a.shape);
    memcpy(a.dst, axes->stride[DST], sizeof a.dst);
    memcpy(a.src, axes->stride[SRC], sizeof a.src);
    a.dst_first = axes->first[DST];
    a.src_first = axes->first[SRC];
    a.turn = axes->turn[axes->ndim - 1];
    a.count = count_of(axes);
    a.total = c->total;
    a.ndim = axes->ndim;
    return a;
}

static dc_status add_step(const transform_call *c, const dc_op *op, int32_t dtype,
                          const int32_t *slots, int32_t nin, int32_t nout, const void *args,
                          size_t bytes)
{
    dc_step *step =
        dc__plan_step(c->plan, DC_STEP_LAUNCH, op, dtype, slots, nin, nout, 0, args, bytes);

    if (!step)
        return DC_E_MEMORY;
    step->space[0] = ((const dc_transform_args *)args)->count; /* every args struct begins so */
    return DC_OK;
}

/* Bits from slot `src` to slot `dst`.  A turned axis but the last is cut where it turns. */
static dc_status add_move(const transform_call *c, int32_t src, int32_t dst, const dc_axes *axes)
{
    const int moves = c->op->dtypes & (1 << DC_U8);
    const dc_op *op = moves ? c->op : dc__op_of_kind(c->op->family, DC_TRANSFORM_COPY);
    const int32_t slots[2] = {src, dst};
    const int32_t last = axes->ndim - 1;

    for (int32_t piece = 0; piece < 1 << last; ++piece) {
        dc_axes part = *axes;
        dc_transform_args a;
        int32_t empty = 0;

        for (int32_t d = 0; d < last; ++d) {
            const int64_t n = part.shape[d], turn = part.turn[d];

            if (piece >> d & 1) { /* what comes from the end of the axis */
                empty |= turn == 0;
                part.shape[d] = turn;
                part.first[SRC] += (n - turn) * part.stride[SRC][d];
            } else {
                part.shape[d] = n - turn;
                part.first[DST] += turn * part.stride[DST][d];
            }
            part.turn[d] = 0;
        }
        if (empty)
            continue;
        a = map_of(c, &part);
        DC_TRY(add_step(c, op, dc__move_dtype(c->p->dst.dtype), slots, 1, 1, &a, sizeof a));
    }
    return DC_OK;
}

/* Axes in the order of dst, and no more than there must be. */
static void settle(dc_axes *axes)
{
    dc__axes_ascend(axes, DST);
    dc__axes_sort(axes, DST);
    dc__axes_merge(axes);
}

static dc_array permuted(const dc_array *array, int32_t ndim, const int32_t *axes)
{
    dc_array out = *array;

    for (int32_t d = 0; d < ndim; ++d) {
        out.shape[d] = array->shape[axes[d]];
        out.stride[d] = array->stride[axes[d]];
    }
    return out;
}

/* Fill the places first ... first + count - 1 of dst along an axis with the value of a table. */
static dc_status add_fill(const transform_call *c, int32_t axis, int64_t first, int64_t count,
                          uint64_t bits)
{
    const int64_t size = (int64_t)dc_dtype_bytes(c->p->dst.dtype);
    unsigned char *value = dc__arena_alloc(c->plan->arena, sizeof bits);
    dc_axes axes = {0};
    dc_array view = c->p->dst;

    DC_REQUIRE(value, DC_E_MEMORY, "%s: no memory for the plan", c->op->name);
    for (int64_t i = 0; i < 8; ++i)
        value[i] = (unsigned char)(bits >> (8 * i)); /* devices and host are little-endian */
    view.shape[axis] = count;
    dc__axes_view(&axes, &view);
    memset(view.stride, 0, sizeof view.stride);
    dc__axes_view(&axes, &view);
    axes.first[DST] = first * c->p->dst.stride[axis];
    settle(&axes);
    return add_move(c, dc__plan_table(c->plan, value, size), c->dst, &axes);
}

#endif
