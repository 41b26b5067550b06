/* Rearranged cubes: where results go.  A template of T and SFX, part of cpu_fallback/transform.c.
 *
 * Results that are larger than the caches are written past them, a whole line at a time: a sink
 * collects runs that follow each other in the output until they fill lines.  Others are written
 * where they belong at once.  The outlet of a batch also writes the run with noise. */
#ifndef DC_CPU_TRANSFORM_SINK_H
#define DC_CPU_TRANSFORM_SINK_H

#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/transform.h"
#include "kernels/shared/vec.h"

#ifndef DC_MOVE
#include "kernels/shared/random_lanes.h"
#endif

enum { LINE = 64, SINK_BYTES = 16384, NOISE_ROOM = 512 };
#define SINK_MOST ((dc_i64)((SINK_BYTES - LINE) / sizeof(T))) /* elements of one reservation */

typedef T FN(any) __attribute__((aligned(1), may_alias)); /* memory may lie at any byte */

/* Where runs of a step end up.  Places are in elements from dst and noisy. */
typedef struct FN(outlet) {
    FN(any) * dst;
    dc_i64 step;   /* of dst along a run */
    dc_i32 bypass; /* 1: past the caches; only where step is 1 */
    dc_i32 paired; /* 1: the run with noise goes to `noisy` */
#ifndef DC_MOVE
    FN(any) * noisy;
    dc_i64 noisy_step, place_step; /* along a run */
    const dc_random_args *random;
    random_frame frame;
#endif
} FN(outlet);

/* The same place in each view of the step. */
typedef struct transform_spot {
    dc_i64 dst, noisy, place;
} transform_spot;

/* A line past the caches; `to` is aligned. */
DC_INLINE void transform_line(void *to, const void *from)
{
#if defined(DC_VECTOR_AVX512)
    _mm512_stream_si512(to, _mm512_loadu_si512(from));
#elif defined(DC_VECTOR_AVX2)
    const __m256i a = _mm256_loadu_si256(from), b = _mm256_loadu_si256((const __m256i *)from + 1);
    _mm256_stream_si256(to, a);
    _mm256_stream_si256((__m256i *)to + 1, b);
#elif defined(__SSE2__)
    for (int i = 0; i < LINE / 16; i++)
        _mm_stream_si128((__m128i *)to + i, _mm_loadu_si128((const __m128i *)from + i));
#else
    memcpy(to, from, LINE);
#endif
}

/* Lines past the caches, four loaded before four are stored: a load waits for an earlier store
 * whose address agrees with its own in the 12 low bits, and source and output often begin alike
 * (measured: half the speed, line by line). */
DC_INLINE void transform_lines(void *to, const void *from, size_t lines)
{
    typedef char line __attribute__((vector_size(DC_VECTOR_BYTES), aligned(1), may_alias));
    enum { PARTS = LINE / DC_VECTOR_BYTES, TURN = DC_VECTOR_BYTES > 16 ? 4 : 2 };
    char *out = to;
    const char *in = from;

    for (; lines >= TURN; lines -= TURN, out += TURN * LINE, in += TURN * LINE) {
        line part[TURN * PARTS];

        for (int i = 0; i < TURN * PARTS; i++)
            part[i] = *(const line *)(in + i * DC_VECTOR_BYTES);
        for (int i = 0; i < TURN; i++)
            transform_line(out + i * LINE, &part[i * PARTS]);
    }
    for (; lines > 0; lines--, out += LINE, in += LINE)
        transform_line(out, in);
}

/* A short run: loops over whole lines, the last one overlapping the one before. */
DC_INLINE void transform_near(char *to, const char *from, size_t bytes)
{
    const size_t part = bytes >= LINE ? LINE : bytes >= 16 ? 16 : bytes >= 4 ? 4 : 1;
    size_t done = 0;

    if (part == LINE)
        for (; done + LINE <= bytes; done += LINE)
            memcpy(to + done, from + done, LINE);
    else if (part == 16)
        for (; done + 16 <= bytes; done += 16)
            memcpy(to + done, from + done, 16);
    else if (part == 4)
        for (; done + 4 <= bytes; done += 4)
            memcpy(to + done, from + done, 4);
    else
        for (; done < bytes; done++)
            to[done] = from[done];
    if (done == bytes)
        return;
    if (part == LINE)
        memcpy(to + bytes - LINE, from + bytes - LINE, LINE);
    else if (part == 16)
        memcpy(to + bytes - 16, from + bytes - 16, 16);
    else
        memcpy(to + bytes - 4, from + bytes - 4, 4);
}

DC_INLINE void transform_store(void *to, const void *from, size_t bytes, int bypass)
{
    size_t done = -(uintptr_t)to & (LINE - 1);

    if (!bypass || bytes < done + LINE) {
        memcpy(to, from, bytes);
        return;
    }
    memcpy(to, from, done);
    transform_lines((char *)to + done, (const char *)from + done, (bytes - done) / LINE);
    done += (bytes - done) / LINE * LINE;
    memcpy((char *)to + done, (const char *)from + done, bytes - done);
}

DC_INLINE void FN(put_strided)(FN(any) * to, dc_i64 step, const FN(any) * from, dc_i64 n)
{
    for (dc_i64 i = 0; i < n; i++)
        to[i * step] = from[i];
}

#ifndef DC_MOVE
/* to = from + e; NaNs are quiet. */
DC_INLINE void FN(add_noise)(T *to, const FN(any) * from, const T *e, dc_i64 n)
{
    dc_i64 i = 0;

    for (; i + VEC_LANES <= n; i += VEC_LANES) {
        const FN(vec) x = FN(vloadu)((const FN(loose) *)from + i) + FN(vloadu)(e + i);
        FN(vstoreu)(to + i, FN(vsel)(FN(visnan)(x), FN(vquiet)(), x));
    }
    for (; i < n; i++)
        to[i] = FN(transform_quiet)(from[i] + e[i]);
}

/* n values of the noise from `place` on; where they do not follow each other one block at a time.
 */
DC_INLINE void FN(make_noise)(const FN(outlet) * o, dc_i64 place, dc_i64 n, T *noise)
{
    const dc_i64 values = sizeof(T) == 4 ? DC_RANDOM_VALUES_F32 : DC_RANDOM_VALUES_F64;
    T block[DC_RANDOM_VALUES_F32];
    dc_i64 made = -1;

    if (o->place_step == 1) {
        FN(random_fill)(FN(random_normal_group), &o->frame, o->random, place, n, noise);
        return;
    }
    for (dc_i64 i = 0; i < n; i++, place += o->place_step) {
        if (place / values != made) {
            made = place / values;
            FN(random_normal_block)(o->random, (dc_u64)made, block);
        }
        noise[i] = block[place % values];
    }
}

/* Lines of both outputs begin together, so that parts of a run end where lines do in both. */
DC_INLINE int FN(lines_together)(const FN(outlet) * o, const transform_spot *at)
{
    const uintptr_t apart = (uintptr_t)(o->dst + at->dst) - (uintptr_t)(o->noisy + at->noisy);

    return o->step == 1 && o->noisy_step == 1 && apart % LINE == 0;
}

/* Runs that whole groups of random numbers meet: source, run, run with noise. */
typedef struct FN(noisy_lines) {
    const FN(any) * from;
    FN(any) * dst, *noisy;
} FN(noisy_lines);

/* A share of noise: whole lines of both runs go out as it is made, and nothing else is stored that
 * would wait behind them. */
DC_INLINE void FN(noisy_share)(const void *lines, int share, const FN(vec) * noise)
{
    const FN(noisy_lines) *const l = lines;
    FN(vec) x[RANDOM_VALUES], y[RANDOM_VALUES];

    for (int k = 0; k < RANDOM_VALUES; k++) {
        x[k] = FN(vloadu)((const FN(loose) *)l->from + share * RANDOM_SHARE + k * VEC_LANES);
        y[k] = x[k] + noise[k];
        y[k] = FN(vsel)(FN(visnan)(y[k]), FN(vquiet)(), y[k]);
    }
    for (int k = 0; k < RANDOM_VALUES; k++)
        FN(vstream)((T *)(void *)(l->dst + share * RANDOM_SHARE + k * VEC_LANES), x[k]);
    for (int k = 0; k < RANDOM_VALUES; k++)
        FN(vstream)((T *)(void *)(l->noisy + share * RANDOM_SHARE + k * VEC_LANES), y[k]);
}

/* As much of a run as whole groups fill: how much. */
static dc_i64 FN(put_groups)(const FN(outlet) * o, const transform_spot *at, const FN(any) * from,
                             dc_i64 n)
{
    FN(noisy_lines) l = {from, o->dst + at->dst, o->noisy + at->noisy};
    dc_i64 done = 0;

    if (!o->bypass || o->place_step != 1 || at->place % RANDOM_VALUES != 0 ||
        (uintptr_t)l.dst % LINE != 0)
        return 0;
    for (; done + RANDOM_GROUP <= n; done += RANDOM_GROUP) {
        FN(random_normal_shares)
        (&o->frame, o->random, (dc_u64)((at->place + done) / RANDOM_VALUES), FN(noisy_share), &l);
        l.from += RANDOM_GROUP;
        l.dst += RANDOM_GROUP;
        l.noisy += RANDOM_GROUP;
    }
    return done;
}

/* The run with noise and, where lines agree, the run itself: writing goes on while the next part of
 * the noise is made. */
static void FN(put_noisy)(const FN(outlet) * o, const transform_spot *at, const FN(any) * from,
                          dc_i64 n)
{
    _Alignas(LINE) T noise[NOISE_ROOM / sizeof(T)], sum[NOISE_ROOM / sizeof(T)];
    const dc_i64 room = NOISE_ROOM / (dc_i64)sizeof(T);
    const int both = FN(lines_together)(o, at);
    /* The first part ends where a line does, so that the others are whole lines. */
    dc_i64 part = room - (dc_i64)(((uintptr_t)(o->noisy + at->noisy) & (LINE - 1)) / sizeof(T));

    if (!both && o->step == 1)
        transform_store((void *)(o->dst + at->dst), (const void *)from, (size_t)n * sizeof(T),
                        o->bypass);
    else if (!both)
        FN(put_strided)(o->dst + at->dst, o->step, from, n);
    for (dc_i64 done = 0; done < n; done += part, part = room) {
        const transform_spot spot = {at->dst + done, at->noisy + done, at->place + done};
        const dc_i64 groups = both ? FN(put_groups)(o, &spot, from + done, n - done) : 0;

        if (groups) {
            part = groups;
            continue;
        }
        FN(any) *const to = o->noisy + at->noisy + done * o->noisy_step;

        part = part < n - done ? part : n - done;
        if (both)
            transform_store((void *)(o->dst + at->dst + done), (const void *)(from + done),
                            (size_t)part * sizeof(T), o->bypass);
        FN(make_noise)(o, at->place + done * o->place_step, part, noise);
        FN(add_noise)(sum, from + done, noise, part);
        if (o->noisy_step == 1)
            transform_store((void *)to, sum, (size_t)part * sizeof(T), o->bypass);
        else
            FN(put_strided)(to, o->noisy_step, sum, part);
    }
}
#endif

/* A run to its place. */
DC_INLINE void FN(put)(const FN(outlet) * o, const transform_spot *at, const FN(any) * from,
                       dc_i64 n)
{
#ifndef DC_MOVE
    if (o->paired) {
        FN(put_noisy)(o, at, from, n);
        return;
    }
#endif
    if (o->step == 1)
        transform_store((void *)(o->dst + at->dst), (const void *)from, (size_t)n * sizeof(T),
                        o->bypass);
    else
        FN(put_strided)(o->dst + at->dst, o->step, from, n);
}

/* Runs on their way: `fill` elements from buffer + head on, to `at` on. */
typedef struct FN(sink) {
    FN(outlet) out;
    T *buffer; /* SINK_BYTES + LINE, aligned to a line */
    dc_i64 head, fill;
    transform_spot at;
} FN(sink);

DC_INLINE void FN(sink_flush)(FN(sink) * s)
{
    if (s->fill)
        FN(put)(&s->out, &s->at, s->buffer + s->head, s->fill);
    s->fill = 0;
}

/* Elements from the last line's begin to `at`, where lines are of interest. */
DC_INLINE dc_i64 FN(line_head)(const FN(outlet) * o, dc_i64 at)
{
    const uintptr_t place = (uintptr_t)(o->dst + at);

    return o->bypass && place % sizeof(T) == 0 ? (dc_i64)((place & (LINE - 1)) / sizeof(T)) : 0;
}

/* The buffer is full and the run goes on: what fills no line stays. */
static void FN(sink_drain)(FN(sink) * s)
{
    dc_i64 rest = FN(line_head)(&s->out, s->at.dst + s->fill * s->out.step);
    const dc_i64 gone = s->fill > rest ? s->fill - rest : 0;

    rest = s->fill - gone;
    if (gone)
        FN(put)(&s->out, &s->at, s->buffer + s->head, gone);
    memmove(s->buffer, s->buffer + s->head + gone, (size_t)rest * sizeof(T));
    s->at.dst += gone * s->out.step;
#ifndef DC_MOVE
    s->at.noisy += gone * s->out.noisy_step;
    s->at.place += gone * s->out.place_step;
#endif
    s->head = 0;
    s->fill = rest;
}

/* Whether a run at `at` goes on where the last one ends. */
DC_INLINE int FN(sink_follows)(const FN(sink) * s, const transform_spot *at)
{
    if (s->fill == 0 || at->dst != s->at.dst + s->fill * s->out.step)
        return 0;
#ifndef DC_MOVE
    if (s->out.paired && (at->place != s->at.place + s->fill * s->out.place_step ||
                          at->noisy != s->at.noisy + s->fill * s->out.noisy_step))
        return 0;
#endif
    return 1;
}

/* Room for the next n <= SINK_MOST elements, which belong to `at`. */
DC_INLINE FN(any) * FN(sink_reserve)(FN(sink) * s, dc_i64 n, const transform_spot *at)
{
    FN(any) * room;

    if (!s->out.bypass && !s->out.paired && s->out.step == 1)
        return s->out.dst + at->dst;
    if (FN(sink_follows)(s, at)) {
        if (s->head + s->fill + n > SINK_MOST + LINE / (dc_i64)sizeof(T))
            FN(sink_drain)(s);
    } else {
        FN(sink_flush)(s);
        s->at = *at;
        s->head = FN(line_head)(&s->out, at->dst);
    }
    room = s->buffer + s->head + s->fill;
    s->fill += n;
    return room;
}

#endif
