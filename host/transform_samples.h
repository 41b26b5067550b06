/* Transform calls with a list of samples: concatenate, stack, batch.  A part of host/transform.c.
 */
#ifndef DC_HOST_TRANSFORM_SAMPLES_H
#define DC_HOST_TRANSFORM_SAMPLES_H

#include <math.h>
#include <stdio.h>

#include "host/transform_steps.h"

/* Samples of one dtype, and of one shape but for axis `free` (-1: none). */
static dc_status check_samples(const dc_op *op, const dc_arrays *samples, int32_t most,
                               int32_t free)
{
    char name[48];

    DC_REQUIRE(samples->count >= 1 && samples->at, DC_E_ARGUMENT,
               "%s: samples is empty, must hold at least one array", op->name);
    for (int64_t i = 0; i < samples->count; ++i) {
        const dc_array *first = &samples->at[0], *a = &samples->at[i];

        snprintf(name, sizeof name, "samples[%lld]", (long long)i);
        DC_TRY(check_input(op, a, name));
        DC_TRY(check_same(op, a, name, first->dtype, "samples[0]"));
        DC_REQUIRE(a->ndim <= most, DC_E_ARGUMENT, "%s: %s has %d axes, must have at most %d",
                   op->name, name, (int)a->ndim, (int)most);
        DC_REQUIRE(a->ndim == first->ndim, DC_E_ARGUMENT,
                   "%s: %s has %d axes, must have %d as samples[0]", op->name, name, (int)a->ndim,
                   (int)first->ndim);
        for (int32_t d = 0; d < a->ndim; ++d)
            DC_REQUIRE(d == free || a->shape[d] == first->shape[d], DC_E_ARGUMENT,
                       "%s: %s.shape[%d] is %lld, must be %lld as that of samples[0]", op->name,
                       name, (int)d, (long long)a->shape[d], (long long)first->shape[d]);
    }
    return DC_OK;
}

static dc_status plan_concatenate(transform_call *c)
{
    const dc_transform_params *p = c->p;
    const dc_array *const at = p->samples.at;
    int64_t place = 0;
    int32_t axis = 0;
    dc_array whole;

    if (p->samples.count >= 1 && at)
        DC_TRY(check_axis(c->op, p->axis, at->ndim, &axis));
    DC_TRY(check_samples(c->op, &p->samples, DC_MAX_NDIM, axis));
    whole = *at;
    for (int64_t i = 1; i < p->samples.count; ++i)
        DC_REQUIRE(
            !__builtin_add_overflow(whole.shape[axis], at[i].shape[axis], &whole.shape[axis]),
            DC_E_ARGUMENT, "%s: samples reach beyond 2^63 along axis %d", c->op->name, (int)axis);
    DC_TRY(check_output(c->op, &p->dst, "dst", whole.dtype, whole.ndim, whole.shape));
    for (int64_t i = 0; i < p->samples.count; ++i)
        DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", &at[i], "samples"));
    DC_TRY(open_outputs(c));
    for (int64_t i = 0; i < p->samples.count; ++i) {
        dc_axes a = {0};
        dc_array view = p->dst;

        view.shape[axis] = at[i].shape[axis];
        if (dc_array_elements(&view) == 0)
            continue;
        dc__axes_view(&a, &view);
        dc__axes_view(&a, &at[i]);
        a.first[DST] = place * p->dst.stride[axis];
        settle(&a);
        DC_TRY(add_move(c, dc__plan_input(c->plan, &at[i]), c->dst, &a));
        place += at[i].shape[axis];
    }
    return DC_OK;
}

/* Axis `axis` left out. */
static dc_array without_axis(const dc_array *array, int32_t axis)
{
    dc_array out = *array;

    for (int32_t d = axis; d + 1 < out.ndim; ++d) {
        out.shape[d] = out.shape[d + 1];
        out.stride[d] = out.stride[d + 1];
    }
    out.ndim--;
    return out;
}

/* Whether a view's elements lie end to end in the order of the axes. */
static int follows(const dc_axes *axes, int32_t view)
{
    int64_t next = 1;

    for (int32_t d = axes->ndim - 1; d >= 0; --d) {
        if (axes->stride[view][d] != next)
            return 0;
        next *= axes->shape[d];
    }
    return 1;
}

/* One sample of a batch: dst and targets in the order of the noise. */
static dc_status add_noisy(const transform_call *c, int32_t src, dc_axes *axes,
                           const dc_array *places, int64_t first)
{
    const dc_transform_params *p = c->p;
    const int32_t slots[3] = {src, c->dst, c->targets};
    dc_transform_batch_args args;

    dc__axes_view(axes, places);
    dc__axes_merge(axes);
    memset(&args, 0, sizeof args);
    args.map = map_of(c, axes);
    memcpy(args.noisy, axes->stride[THIRD], sizeof args.noisy);
    memcpy(args.place, axes->stride[FOURTH], sizeof args.place);
    args.noisy_first = axes->first[THIRD];
    args.place_first = p->place + first;
    args.dense = follows(axes, FOURTH);
    args.random.seed = p->seed;
    args.random.kind = DC_RANDOM_NORMAL;
    args.random.dtype = p->dst.dtype;
    args.random.scale64 = p->noise_std;
    args.random.scale32 = (float)p->noise_std;
    return add_step(c, c->op, p->dst.dtype, slots, 1, 2, &args, sizeof args);
}

static dc_status check_noise(const dc_op *op, const dc_transform_params *p)
{
    const double most =
        p->dst.dtype == DC_F32 ? (double)(float)(16 * p->noise_std) : 16 * p->noise_std;

    DC_REQUIRE(p->noise_std >= 0, DC_E_ARGUMENT, "%s: noise_std is %g, must be at least 0",
               op->name, p->noise_std);
    DC_REQUIRE(isfinite(most), DC_E_ARGUMENT, "%s: 16 noise_std is %g, must be finite in %s",
               op->name, 16 * p->noise_std, dc_dtype_name(p->dst.dtype));
    DC_REQUIRE(p->place >= 0, DC_E_ARGUMENT, "%s: place is %lld, must be at least 0", op->name,
               (long long)p->place);
    DC_REQUIRE(p->place <= INT64_MAX - dc_array_elements(&p->dst), DC_E_ARGUMENT,
               "%s: place is %lld, with the elements of dst (%lld) it must be at most 2^63 - 1",
               op->name, (long long)p->place, (long long)dc_array_elements(&p->dst));
    return DC_OK;
}

/* dst's (and targets') part of one sample, by the sample in dst's order. */
static dc_status add_sample(const transform_call *c, int64_t i, int32_t batch, const dc_array *src,
                            const dc_array *places)
{
    const dc_transform_params *p = c->p;
    const int noise = c->targets != c->dst && p->noise_std > 0;
    const dc_array dst = without_axis(&p->dst, batch), targets = without_axis(&p->targets, batch);
    const dc_array place = without_axis(places, batch);
    const int32_t slot = dc__plan_input(c->plan, &p->samples.at[i]);
    dc_axes a = {0}, b = {0};

    dc__axes_view(&a, &dst);
    dc__axes_view(&a, src);
    a.first[DST] = i * p->dst.stride[batch];
    if (noise) {
        dc__axes_view(&a, &targets);
        a.first[THIRD] = i * p->targets.stride[batch];
        return add_noisy(c, slot, &a, &place, i * places->stride[batch]);
    }
    settle(&a);
    DC_TRY(add_move(c, slot, c->dst, &a));
    if (c->targets == c->dst)
        return DC_OK;
    dc__axes_view(&b, &targets);
    dc__axes_view(&b, src);
    b.first[DST] = i * p->targets.stride[batch];
    settle(&b);
    return add_move(c, slot, c->targets, &b);
}

/* STACK, BATCH. */
static dc_status plan_stack(transform_call *c)
{
    const dc_transform_params *p = c->p;
    const int paired = c->op->kind == DC_TRANSFORM_BATCH && p->targets.ndim;
    int32_t axes[DC_MAX_NDIM], inner[DC_MAX_NDIM], batch = 0, n = 0;
    int64_t stacked[DC_MAX_NDIM], shape[DC_MAX_NDIM];
    dc_array places;

    DC_TRY(check_samples(c->op, &p->samples, DC_MAX_NDIM - 1, -1));
    stacked[0] = p->samples.count;
    memcpy(stacked + 1, p->samples.at->shape, sizeof stacked - sizeof *stacked);
    const int32_t ndim = p->samples.at->ndim + 1;
    DC_TRY(read_axes(c->op, p, ndim, axes));
    for (int32_t d = 0; d < ndim; ++d) {
        shape[d] = stacked[axes[d]];
        if (axes[d] == 0)
            batch = d;
        else
            inner[n++] = axes[d] - 1;
    }
    DC_TRY(check_output(c->op, &p->dst, "dst", p->samples.at->dtype, ndim, shape));
    if (paired)
        DC_TRY(check_output(c->op, &p->targets, "targets", p->dst.dtype, ndim, shape));
    if (c->op->kind == DC_TRANSFORM_BATCH)
        DC_TRY(check_noise(c->op, p));
    for (int64_t i = 0; i < p->samples.count; ++i) {
        DC_TRY(dc__array_no_overlap(c->op, &p->dst, "dst", &p->samples.at[i], "samples"));
        if (paired)
            DC_TRY(
                dc__array_no_overlap(c->op, &p->targets, "targets", &p->samples.at[i], "samples"));
    }
    DC_TRY(open_outputs(c));
    places = dc_array_host(NULL, p->dst.dtype, ndim, shape);
    for (int64_t i = 0; i < p->samples.count && c->total > 0; ++i) {
        const dc_array src = permuted(&p->samples.at[i], n, inner);

        DC_TRY(add_sample(c, i, batch, &src, &places));
    }
    return DC_OK;
}

#endif
