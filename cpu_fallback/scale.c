/* Scaling: the CPU mirror.  Compiled once per dtype (T, SFX).
 *
 * Rows that go value by value are in scale_rows.h and see values that lie end to end, a span at a
 * time.  Here the operands are brought into that form: a tile is a range of elements in row-major
 * order; the numbers of a table's columns are repeated in a buffer until they fill a span, so that
 * narrow tables cost no more than wide ones; what is strided is gathered.  Large results bypass
 * the caches.  Filling along an axis is in scale_along.h, counting in scale_count.h. */
#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/scale.h"
#include "kernels/shared/vec.h"

#include "cpu_fallback/scale_rows.h"

#include "cpu_fallback/scale_along.h"
#include "cpu_fallback/scale_count.h"

enum {
    SCALE_SPAN = 1024,    /* values of a span                                        */
    SCALE_TILE = 1 << 15, /* values of a tile                                        */
    SCALE_NUMBERS = 3,    /* a, b, c                                                 */
    SCALE_REPEAT = 2 * SCALE_SPAN
};

/* Buffers of a thread. */
typedef struct FN(scale_scratch) {
    T number[SCALE_NUMBERS][SCALE_REPEAT];
    double x[SCALE_SPAN], y[SCALE_SPAN]; /* any element fits */
} FN(scale_scratch);

/* One of the numbers along the line that is being worked on. */
typedef struct FN(scale_number) {
    const FN(loose) * line;  /* at the line's first value; NULL: the caller gave none */
    dc_i64 step, period;     /* elements; values after which it repeats, 0: never     */
    const FN(loose) * built; /* the line that the buffer was filled for              */
    int filled;
    T *buffer;
    T value;
} FN(scale_number);

typedef struct FN(scale_work) {
    const dc_scale_args *args;
    FN(scale_row) row;
    FN(scale_scratch) * scratch;
    FN(scale_number) number[SCALE_NUMBERS];
    const char *x;
    char *y;
    dc_i64 x_bytes, y_bytes; /* of an element                                     */
    dc_i64 line, period;     /* values of a line; of the pattern in it, 0: none   */
    dc_i64 x_step, y_step;   /* elements along a line                             */
    dc_i32 axes;             /* that count lines                                  */
    int stream;
} FN(scale_work);

/* Elements `step` apart to end to end; `bytes` of one is 1, 2, 4 or 8. */
static void FN(scale_gather)(void *to, const char *from, dc_i64 step, dc_i64 bytes, dc_i64 n)
{
    for (dc_i64 i = 0; i < n; i++)
        switch (bytes) {
        case 1:
            ((char *)to)[i] = from[i * step];
            break;
        case 2:
            memcpy((char *)to + 2 * i, from + 2 * i * step, 2);
            break;
        case 4:
            memcpy((char *)to + 4 * i, from + 4 * i * step, 4);
            break;
        default:
            memcpy((char *)to + 8 * i, from + 8 * i * step, 8);
        }
}

static void FN(scale_scatter)(char *to, dc_i64 step, const void *from, dc_i64 bytes, dc_i64 n)
{
    for (dc_i64 i = 0; i < n; i++)
        switch (bytes) {
        case 1:
            to[i * step] = ((const char *)from)[i];
            break;
        case 2:
            memcpy(to + 2 * i * step, (const char *)from + 2 * i, 2);
            break;
        case 4:
            memcpy(to + 4 * i * step, (const char *)from + 4 * i, 4);
            break;
        default:
            memcpy(to + 8 * i * step, (const char *)from + 8 * i, 8);
        }
}

/* Values of the buffer that hold whole periods, and of a span that begins anywhere in the first:
 * whole lines of the cache, so that one aligned span follows the other. */
static dc_i64 FN(scale_filled)(dc_i64 period)
{
    return period == 1 ? SCALE_SPAN : SCALE_REPEAT / period * period;
}

static dc_i64 FN(scale_span_length)(dc_i64 period)
{
    const dc_i64 room = period > 1 ? FN(scale_filled)(period) - period : SCALE_SPAN;
    return (room < SCALE_SPAN ? room : SCALE_SPAN) & ~(dc_i64)63;
}

/* The numbers of values at ... at + n - 1 of the line, n at most a span. */
static const FN(loose) * FN(scale_numbers)(FN(scale_number) * number, dc_i64 at, dc_i64 n)
{
    const dc_i64 period = number->period;

    if (period == 0) {
        if (number->step == 1)
            return number->line + at;
        for (dc_i64 i = 0; i < n; i++)
            number->buffer[i] = number->line[(at + i) * number->step];
        return number->buffer;
    }
    if (!number->filled || number->built != number->line) {
        const dc_i64 filled = FN(scale_filled)(period);
        for (dc_i64 i = 0; i < period; i++)
            number->buffer[i] = number->line ? number->line[i * number->step] : number->value;
        for (dc_i64 i = period; i < filled; i++)
            number->buffer[i] = number->buffer[i - period];
        number->built = number->line;
        number->filled = 1;
    }
    return number->buffer + at % period;
}

/* Values at ... at + n - 1 of a line. */
static void FN(scale_span_run)(FN(scale_work) * w, const char *x, char *y, dc_i64 at, dc_i64 n)
{
    const char *from = x + at * w->x_step * w->x_bytes;
    char *to = y + at * w->y_step * w->y_bytes;
    const FN(loose) * number[SCALE_NUMBERS];

    for (int k = 0; k < SCALE_NUMBERS; k++)
        number[k] = FN(scale_numbers)(&w->number[k], at, n);
    FN(scale_span)
    span = {from,
            number[0],
            number[1],
            number[2],
            w->y_step == 1 ? to : (void *)w->scratch->y,
            w->stream && ((uintptr_t)to & (DC_VECTOR_BYTES - 1)) == 0};
    if (w->x_step != 1) {
        FN(scale_gather)(w->scratch->x, from, w->x_step, w->x_bytes, n);
        span.x = w->scratch->x;
    }
    w->row(&span, n, w->args);
    if (w->y_step != 1)
        FN(scale_scatter)(to, w->y_step, w->scratch->y, w->y_bytes, n);
}

/* Values of the next span, `left` at the most: up to where y is aligned, when it goes past the
 * caches and is not. */
static dc_i64 FN(scale_next)(const FN(scale_work) * w, const char *y, dc_i64 left)
{
    const dc_i64 length = FN(scale_span_length)(w->period);
    const uintptr_t off = (uintptr_t)y & (DC_VECTOR_BYTES - 1);
    const dc_i64 head = (dc_i64)((DC_VECTOR_BYTES - off) / sizeof(T));
    const dc_i64 next = w->stream && off && off % sizeof(T) == 0 ? head : length;

    return next < left ? next : left;
}

/* Lines: the last axis, or the last two where x and y run on and the numbers repeat. */
static void FN(scale_lines)(FN(scale_work) * w)
{
    const dc_scale_args *a = w->args;
    const int last = a->ndim - 1, outer = last - 1;
    int pattern = last > 0 && a->shape[last] <= SCALE_SPAN;

    w->axes = last;
    w->line = a->shape[last];
    w->x_step = a->stride[DC_SCALE_X][last];
    w->y_step = a->stride[DC_SCALE_Y][last];
    for (int k = DC_SCALE_X; pattern && k <= DC_SCALE_Y; k++)
        pattern = k == DC_SCALE_X || k == DC_SCALE_Y
                      ? a->stride[k][outer] == a->stride[k][last] * w->line
                      : a->stride[k][outer] == 0;
    w->period = pattern ? w->line : 0;
    if (pattern) {
        w->axes = outer;
        w->line *= a->shape[outer];
    }
    for (int k = 0; k < SCALE_NUMBERS; k++) {
        FN(scale_number) *const n = &w->number[k];

        n->step = a->stride[DC_SCALE_A + k][last];
        n->period = pattern ? w->period : n->step == 0 ? 1 : 0;
        n->buffer = w->scratch->number[k];
        n->filled = 0;
        n->value = SCALE_VALUE(a, DC_SCALE_A + k);
    }
}

static void FN(scale_tile)(FN(scale_work) * w, void *const *operand, dc_i64 at, dc_i64 end)
{
    const dc_scale_args *a = w->args;

    while (at < end) {
        dc_i64 place[DC_SCALE_OPERANDS] = {0}, rest = at / w->line;
        const dc_i64 first = at - rest * w->line;
        const dc_i64 count = w->line - first < end - at ? w->line - first : end - at;

        for (int d = w->axes - 1; d >= 0; d--) {
            const dc_i64 next = rest / a->shape[d], digit = rest - next * a->shape[d];

            for (int k = 0; k < DC_SCALE_OPERANDS; k++)
                place[k] += digit * a->stride[k][d];
            rest = next;
        }
        for (int k = 0; k < SCALE_NUMBERS; k++)
            w->number[k].line =
                a->absent & 1 << (DC_SCALE_A + k)
                    ? NULL
                    : (const FN(loose) *)operand[DC_SCALE_A + k] + place[DC_SCALE_A + k];
        const char *const x = (const char *)operand[DC_SCALE_X] + place[DC_SCALE_X] * w->x_bytes;
        char *const y = (char *)operand[DC_SCALE_Y] + place[DC_SCALE_Y] * w->y_bytes;
        for (dc_i64 done = 0, n; done < count; done += n) {
            n = FN(scale_next)(w, y + (first + done) * w->y_step * w->y_bytes, count - done);
            FN(scale_span_run)(w, x, y, first + done, n);
        }
        at += count;
    }
}

static dc_i64 FN(scale_bytes_of)(const dc_scale_args *a)
{
    return a->format == DC_I8 || a->format == DC_U8 ? 1 : 2;
}

static void FN(scale_run)(FN(scale_row) row, void *const *operand, const void *args,
                          const dc_tiling *tiling, dc_i64 tile, void *scratch)
{
    const dc_scale_args a = *(const dc_scale_args *)args; /* no store can change it */
    const dc_i64 from = tile * SCALE_TILE;
    FN(scale_work) w = {.args = &a, .row = row, .scratch = scratch};

    w.x_bytes = a.kind == DC_SCALE_DEQUANTIZE ? FN(scale_bytes_of)(&a) : (dc_i64)sizeof(T);
    w.y_bytes = a.kind == DC_SCALE_QUANTIZE ? FN(scale_bytes_of)(&a) : (dc_i64)sizeof(T);
    FN(scale_lines)(&w);
    w.stream = tiling->part[0] && w.y_step == 1;
    FN(scale_tile)(&w, operand, from, a.count - from < SCALE_TILE ? a.count : from + SCALE_TILE);
    if (w.stream)
        dc_vec_fence();
}

/* `cost`: hundredths of a nanosecond for a value. */
static void FN(scale_cut)(const dc_scale_args *a, const dc_machine *machine, dc_i64 cost,
                          dc_tiling *tiling)
{
    memset(tiling, 0, sizeof *tiling);
    tiling->tiles = (a->count + SCALE_TILE - 1) / SCALE_TILE;
    tiling->scratch_bytes = (dc_i64)sizeof(FN(scale_scratch));
    tiling->work = a->count / 100 * cost + 1;
    tiling->part[0] =
        a->kind != DC_SCALE_QUANTIZE && a->count > machine->l3_bytes / (2 * (dc_i64)sizeof(T));
}

/* The two functions of a row that goes value by value. */
#define SCALE_ROW(run, plan, row, cost)                                                            \
    static void run(void *const *operand, const void *args, const dc_tiling *tiling, dc_i64 tile,  \
                    void *scratch)                                                                 \
    {                                                                                              \
        FN(scale_run)(row, operand, args, tiling, tile, scratch);                                  \
    }                                                                                              \
    static void plan(const void *args, const dc_machine *machine, dc_tiling *tiling)               \
    {                                                                                              \
        FN(scale_cut)(args, machine, cost, tiling);                                                \
    }

SCALE_ROW(FN(scale_apply), FN(scale_apply_plan), FN(scale_apply_row), 60)
SCALE_ROW(FN(scale_inverse), FN(scale_inverse_plan), FN(scale_inverse_row), 60)
SCALE_ROW(FN(scale_clip), FN(scale_clip_plan), FN(scale_clip_row), 60)
SCALE_ROW(FN(scale_fill), FN(scale_fill_plan), FN(scale_fill_row), 60)
SCALE_ROW(FN(scale_power), FN(scale_power_plan), FN(scale_power_row), 4000)
SCALE_ROW(FN(scale_quantize), FN(scale_quantize_plan), FN(scale_quantize_row), 150)
SCALE_ROW(FN(scale_dequantize), FN(scale_dequantize_plan), FN(scale_dequantize_row), 150)
#undef SCALE_ROW
