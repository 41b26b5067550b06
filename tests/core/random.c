/* The words that kernels and mirrors of the random rows share: the generator's published answers,
 * and its scalar functions against every instruction set's mirror. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "dualcube/dualcube.h"
#include "kernels/shared/random.h"

enum { COUNT = 5000 };

/* Random123's known answers: zeros, ones, the digits of pi. */
static void known_answers(void **state)
{
    static const dc_u32 list[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };

    (void)state;
    for (int i = 0; i < 3; ++i) {
        dc_u32 w[4];

        memcpy(w, list[i], sizeof w);
        random_philox(w, list[i][4], list[i][5]);
        assert_memory_equal(w, list[i] + 6, sizeof w);
        memcpy(w, list[i], sizeof w);
        w[0] ^= 1; /* planted */
        random_philox(w, list[i][4], list[i][5]);
        assert_memory_not_equal(w, list[i] + 6, sizeof w);
    }
}

static dc_random_args args_of(const dc_random_params *p)
{
    dc_random_args a;

    memset(&a, 0, sizeof a);
    a.seed = p->seed;
    a.kind = p->kind;
    a.dtype = p->dst.dtype;
    a.scale32 = 1;
    a.scale64 = 1;
    a.top32 = 0x1.fffffep-1f;
    a.top64 = 0x1.fffffffffffffp-1;
    return a;
}

static void compare(dc_queue *queue, int32_t kind, int32_t dtype, int64_t offset)
{
    static double room[COUNT], want[COUNT + 8];
    const int64_t count = COUNT, values = dtype == DC_F32 ? 4 : 2, skip = offset % values;
    const size_t size = dc_dtype_bytes(dtype);
    dc_random_params p = DC_RANDOM_PARAMS_INIT;
    dc_random_args a;

    p.kind = kind;
    p.dst = dc_array_host(room, dtype, 1, &count);
    p.seed = 0xfedcba9876543210u;
    p.offset = offset;
    a = args_of(&p);
    assert_int_equal(dc_random(queue, &p, NULL), DC_OK);
    for (int64_t i = 0; i < COUNT + skip; i += values) {
        const dc_u64 block = (dc_u64)((offset + i) / values);

        if (dtype == DC_F32)
            (kind ? random_normal_block_f32 : random_uniform_block_f32)(&a, block,
                                                                        (float *)want + i);
        else
            (kind ? random_normal_block_f64 : random_uniform_block_f64)(&a, block, want + i);
    }
    assert_memory_equal(room, (const char *)want + (size_t)skip * size, COUNT * size);
}

static void mirrors_agree(void **state)
{
    dc_context *context;
    dc_device *cpu;

    (void)state;
    assert_int_equal(dc_context_new(NULL, &context), DC_OK);
    assert_int_equal(dc_device_find(context, "cpu", &cpu), DC_OK);
    for (int32_t isa = 0; isa < DC_ISA_COUNT; ++isa) {
        dc_queue_params params = DC_QUEUE_PARAMS_INIT;
        dc_queue *queue;

        params.isa = isa;
        if (dc_queue_new(context, cpu, &params, &queue) != DC_OK)
            continue; /* a machine without it */
        for (int32_t n = 0; n < 16; ++n)
            compare(queue, n & 1, n & 2 ? DC_F64 : DC_F32,
                    n / 4 + (n & 8 ? (INT64_C(1) << 34) - 40 : 0));
        dc_queue_free(queue);
    }
    dc_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(mirrors_agree),
    };
    return cmocka_run_group_tests_name("random words", tests, NULL, NULL);
}
