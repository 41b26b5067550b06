/* Random numbers: the CPU mirror.  Compiled once per dtype (T, SFX).
 *
 * A tile is a range of elements in row-major order.  Where they lie end to end groups
 * (kernels/shared/random_lanes.h) are stored where they belong, else they are spread from a
 * buffer. */
#include <string.h>

#include "kernels/shared/mirror.h"
#include "kernels/shared/random_lanes.h"

/* Where element `at` lies, in elements from the first; *left: elements from it to the end of its
 * run along the last axis. */
static dc_i64 FN(random_place)(const dc_random_args *a, dc_i64 at, dc_i64 *left)
{
    const dc_i32 last = a->ndim - 1;
    dc_i64 place = 0;

    *left = a->shape[last] - at % a->shape[last];
    for (dc_i32 d = last; d >= 0; d--) {
        const dc_i64 outer = at / a->shape[d];

        place += (at - outer * a->shape[d]) * a->stride[d];
        at = outer;
    }
    return place;
}

/* Elements at ... at + count - 1 from the buffer. */
static void FN(random_spread)(const dc_random_args *a, T *dst, dc_i64 at, dc_i64 count,
                              const T *buffer)
{
    const dc_i64 step = a->stride[a->ndim - 1];

    for (dc_i64 done = 0; done < count;) {
        dc_i64 left;
        FN(loose) *const out = dst + FN(random_place)(a, at + done, &left);

        left = left < count - done ? left : count - done;
        for (dc_i64 i = 0; i < left; i++)
            out[i * step] = buffer[done + i];
        done += left;
    }
}

DC_INLINE void FN(random_tile)(FN(random_group) group, void *const *operand, const void *args,
                               const dc_tiling *tiling, dc_i64 tile)
{
    enum { BUFFER = 1024, WHOLE = 4 * RANDOM_GROUP };
    const dc_random_args a = *(const dc_random_args *)args; /* no store can change it */
    const random_frame f = random_frame_of(&a);
    T *const dst = operand[0];
    dc_i64 at = tile * tiling->part[0], end = at + tiling->part[0];

    end = end < a.count ? end : a.count;
    while (at < end) {
        dc_i64 left;
        const dc_i64 place = FN(random_place)(&a, at, &left);

        left = left < end - at ? left : end - at;
        if (a.stride[a.ndim - 1] == 1 && (left >= WHOLE || left == end - at)) {
            FN(random_fill)(group, &f, &a, a.offset + at, left, dst + place);
        } else {
            T buffer[BUFFER];

            left = BUFFER < end - at ? BUFFER : end - at;
            FN(random_fill)(group, &f, &a, a.offset + at, left, buffer);
            FN(random_spread)(&a, dst, at, left, buffer);
        }
        at += left;
    }
}

/* `cost`: hundredths of a nanosecond for a value with 64-byte registers. */
static void FN(random_cut)(const dc_random_args *a, const dc_machine *machine, dc_i64 cost,
                           dc_tiling *tiling)
{
    memset(tiling, 0, sizeof *tiling);
    tiling->part[0] = 1 << 14;
    tiling->tiles = (a->count + tiling->part[0] - 1) / tiling->part[0];
    tiling->work = a->count / 100 * cost * (64 / machine->lanes_bytes) + 1;
}

static void FN(random_uniform_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    FN(random_cut)(args, machine, RANDOM_PICK(40, 80), tiling);
}

static void FN(random_normal_plan)(const void *args, const dc_machine *machine, dc_tiling *tiling)
{
    FN(random_cut)(args, machine, RANDOM_PICK(65, 250), tiling);
}

static void FN(random_uniform)(void *const *operand, const void *args, const dc_tiling *tiling,
                               dc_i64 tile, void *scratch)
{
    (void)scratch;
    FN(random_tile)(FN(random_uniform_group), operand, args, tiling, tile);
}

static void FN(random_normal)(void *const *operand, const void *args, const dc_tiling *tiling,
                              dc_i64 tile, void *scratch)
{
    (void)scratch;
    FN(random_tile)(FN(random_normal_group), operand, args, tiling, tile);
}

#undef RANDOM_PICK
#undef RANDOM_VALUES
#undef RANDOM_SHARE
#undef RANDOM_SHARES
#undef RANDOM_REGISTERS
#undef RANDOM_GROUP
#undef RANDOM_FIRST
#undef RANDOM_NEXT
