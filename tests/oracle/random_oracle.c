/* Random numbers by their definition, in long double. */
#include "tests/oracle/random_oracle.h"

#include <math.h>
#include <string.h>

/* Philox4x32-10 as its authors describe it: ten rounds, the key bumped between them. */
void dct_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t x[4] = {counter[0], counter[1], counter[2], counter[3]};

    for (uint32_t round = 0; round < 10; ++round) {
        const uint64_t left = UINT64_C(0xD2511F53) * x[0], right = UINT64_C(0xCD9E8D57) * x[2];
        const uint32_t next[4] = {
            (uint32_t)(right >> 32) ^ x[1] ^ (key[0] + round * UINT32_C(0x9E3779B9)),
            (uint32_t)right,
            (uint32_t)(left >> 32) ^ x[3] ^ (key[1] + round * UINT32_C(0xBB67AE85)),
            (uint32_t)left,
        };

        memcpy(x, next, sizeof x);
    }
    memcpy(out, x, sizeof x);
}

static void block_words(const dc_random_params *p, uint64_t block, uint32_t w[4])
{
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)p->dst.dtype,
                                 (uint32_t)p->kind};
    const uint32_t key[2] = {(uint32_t)p->seed, (uint32_t)(p->seed >> 32)};

    dct_philox(counter, key, w);
}

static long double turn(uint64_t part, int bits, int sine)
{
    /* part / 2^bits of a circle; the nearest quarter is taken off exactly */
    const uint64_t quarter = UINT64_C(1) << (bits - 2), place = part + quarter / 2;
    const int64_t rest = (int64_t)(place % quarter) - (int64_t)(quarter / 2);
    const long double x = 8.0L * atanl(1.0L) * ldexpl((long double)rest, -bits);
    const int q = (int)(place / quarter + (sine ? 3U : 0U)) & 3; /* sin x = cos(x - pi / 2) */

    return q == 0 ? cosl(x) : q == 1 ? -sinl(x) : q == 2 ? -cosl(x) : sinl(x);
}

long double dct_random_value(const dc_random_params *p, uint64_t at)
{
    const int narrow = p->dst.dtype == DC_F32;
    const int which = (int)(at % (narrow ? 4 : 2));
    uint32_t w[4];
    uint64_t a, b;

    block_words(p, at / (narrow ? 4 : 2), w);
    if (p->kind == DC_RANDOM_UNIFORM)
        return narrow
                   ? ldexpl((long double)(w[which] >> 8), -24)
                   : ldexpl((long double)((w[2 * which] | (uint64_t)w[2 * which + 1] << 32) >> 11),
                            -53);
    if (narrow) {
        volatile float u = (float)(w[which & 2] >> 1);

        u += 0.5F;
        return sqrtl(-2.0L * logl(ldexpl((long double)u, -31))) *
               turn(w[(which & 2) + 1], 32, which & 1);
    }
    a = w[0] | (uint64_t)w[1] << 32;
    b = w[2] | (uint64_t)w[3] << 32;
    return sqrtl(-2.0L * logl(ldexpl((long double)(2 * (a >> 12) + 1), -53))) *
           turn(b >> 10, 54, which & 1);
}
