/* Random numbers, a register of them at a time: kernels/shared/random.h on vectors.  CPU only.
 *
 * A template of T (float, double) and SFX (f32, f64), read once in a file of a mirror.  A share is
 * as many blocks as fill the lanes of a register with every word, a group a few shares side by
 * side; its values come out in the order of the sequence.  FN(random_fill) makes any part of a
 * sequence. */
#include <string.h>

#include "kernels/shared/random.h"
#include "kernels/shared/random_wide.h"
#include "kernels/shared/vec.h"

#if DC_BITS_OF(SFX) == 32
#define RANDOM_PICK(f32, f64) f32
typedef dc_u32 FN(random_unsigned) __attribute__((vector_size(DC_VECTOR_BYTES)));
#else
#define RANDOM_PICK(f32, f64) f64
typedef dc_u64 FN(random_unsigned) __attribute__((vector_size(DC_VECTOR_BYTES)));
#endif
#define RANDOM_VALUES RANDOM_PICK(DC_RANDOM_VALUES_F32, DC_RANDOM_VALUES_F64)
#define RANDOM_SHARE  (RANDOM_VALUES * VEC_LANES)
/* Shares of a group: a Philox round waits for the one before, so that several go side by side. */
#ifdef DC_VECTOR_AVX512
#define RANDOM_SHARES RANDOM_PICK(2, 4)
#else
#define RANDOM_SHARES 2
#endif
#define RANDOM_REGISTERS (RANDOM_SHARES * RANDOM_VALUES)
#define RANDOM_GROUP     (RANDOM_SHARES * RANDOM_SHARE)

#define RANDOM_FIRST(c) p = FN(vset)(c);
#define RANDOM_NEXT(c)  p = FN(vfma)(p, x, FN(vset)(c));

DC_INLINE FN(vec) FN(random_log_lanes)(FN(vec) x)
{
    FN(vec) p;
    RANDOM_PICK(DC_RANDOM_LOG_F32, DC_RANDOM_LOG_F64)(RANDOM_FIRST, RANDOM_NEXT) return p;
}

DC_INLINE FN(vec) FN(random_sin_lanes)(FN(vec) x)
{
    FN(vec) p;
    RANDOM_PICK(DC_RANDOM_SIN_F32, DC_RANDOM_SIN_F64)(RANDOM_FIRST, RANDOM_NEXT) return p;
}

DC_INLINE FN(vec) FN(random_cos_lanes)(FN(vec) x)
{
    FN(vec) p;
    RANDOM_PICK(DC_RANDOM_COS_F32, DC_RANDOM_COS_F64)(RANDOM_FIRST, RANDOM_NEXT) return p;
}

/* Whole numbers below 2^(bits of a significand). */
DC_INLINE FN(vec) FN(random_whole)(FN(random_unsigned) n)
{
#if DC_BITS_OF(SFX) == 32 || defined(DC_VECTOR_AVX512)
    return __builtin_convertvector((FN(bits))n, FN(vec));
#else
    /* 2^84 + 2^32 upper half and 2^52 + lower half, as bits */
    const FN(vec) high = (FN(vec))(n >> 32 | 0x4530000000000000u);
    const FN(vec) low = (FN(vec))((n & 0xffffffffu) | 0x4330000000000000u);

    return (high - (0x1p84 + 0x1p52)) + low;
#endif
}

DC_INLINE FN(vec) FN(random_pick)(FN(random_unsigned) bit, FN(vec) set, FN(vec) clear)
{
#if defined(DC_VECTOR_AVX512)
    return FN(vsel)(
        RANDOM_PICK(_mm512_test_epi32_mask, _mm512_test_epi64_mask)((__m512i)bit, (__m512i)bit),
        set, clear);
#else
    return FN(vsel)((FN(mask))(bit != 0), set, clear);
#endif
}

/* 2m and e of u = m 2^e, 0 < u, from the place of sqrt(1/2) among the numbers: u is 2^lift too
 * large. */
DC_INLINE FN(vec) FN(random_split)(FN(vec) u, FN(vec) * e, int lift)
{
#if DC_BITS_OF(SFX) == 32
    const FN(random_unsigned) bits =
        (FN(random_unsigned))u - (DC_RANDOM_ROOT_HALF_F32 + ((dc_u32)lift << 23));

    *e = __builtin_convertvector((FN(bits))bits >> 23, FN(vec));
    return (FN(vec))((bits & 0x7fffffu) + (DC_RANDOM_ROOT_HALF_F32 + 0x800000u));
#else
    const FN(random_unsigned) bits =
        (FN(random_unsigned))u + (0x3ff0000000000000u - DC_RANDOM_ROOT_HALF_F64);

    *e = (FN(vec))(bits >> 52 | 0x4330000000000000u) - (0x1p52 + 1023 + lift);
    return (FN(vec))((bits & 0xfffffffffffffu) + (DC_RANDOM_ROOT_HALF_F64 + 0x10000000000000u));
#endif
}

DC_INLINE FN(vec) FN(random_flip)(FN(vec) x, FN(random_unsigned) sign)
{
    const RANDOM_PICK(dc_u32, dc_u64) top = RANDOM_PICK(0x80000000u, 0x8000000000000000u);

    return (FN(vec))((FN(random_unsigned))x ^ (sign & top));
}

#if DC_BITS_OF(SFX) == 32
DC_INLINE FN(vec) FN(random_radius_lanes)(FN(random_unsigned) a)
{
    FN(vec) e;
    const FN(vec) u = FN(random_whole)(a >> 1) + 0.5f;
    const FN(vec) z = 2 - FN(random_split)(u, &e, 31);
    const FN(vec) q = FN(vfma)(z, FN(random_log_lanes)(z), FN(vset)(0.25f));
    const FN(vec) n = FN(vfma)(z * z, q, z);

    return FN(vsqrt)(FN(vfma)(e, FN(vset)(-DC_RANDOM_TWO_LN2_F32), n));
}

/* v[0], v[1] = cos, sin of the angle b */
DC_INLINE void FN(random_turn_lanes)(FN(random_unsigned) b, FN(vec) * v)
{
    const FN(random_unsigned) turned = b + 0x20000000u, odd = turned & 0x40000000u;
    const FN(vec) y = __builtin_convertvector((FN(bits))(b << 2), FN(vec)) * 0x1p-32f, w = y * y;
    const FN(vec) tail = FN(vset)(DC_RANDOM_HALF_PI_TAIL_F32);
    const FN(vec) j = y * FN(vfma)(w, FN(random_sin_lanes)(w), tail);
    const FN(vec) s = FN(vfma)(y, FN(vset)(DC_RANDOM_HALF_PI_F32), j);
    const FN(vec) c = FN(vfma)(w, FN(random_cos_lanes)(w), FN(vset)(1));

    v[0] = FN(random_flip)(FN(random_pick)(odd, s, c), turned + 0x40000000u);
    v[1] = FN(random_flip)(FN(random_pick)(odd, c, s), turned);
}

/* x[0], x[1] = the normal numbers of the draws a and b */
DC_INLINE void FN(random_pair)(FN(random_unsigned) a, FN(random_unsigned) b, FN(vec) std,
                               FN(vec) mean, FN(vec) * x)
{
    const FN(vec) r = FN(random_radius_lanes)(a) * std;

    FN(random_turn_lanes)(b, x);
    x[0] = FN(vfma)(r, x[0], mean);
    x[1] = FN(vfma)(r, x[1], mean);
}
#else
DC_INLINE FN(vec) FN(random_radius_lanes)(FN(random_unsigned) a, FN(vec) * lost)
{
    FN(vec) e;
    const FN(vec) u = (FN(vec))(a >> 12 | 0x3ff0000000000000u) - (1.0 - 0x1p-53);
    const FN(vec) z = 2 - FN(random_split)(u, &e, 0);
    const FN(vec) q = FN(vfma)(z, FN(random_log_lanes)(z), FN(vset)(0.25));
    const FN(vec) h = e * -DC_RANDOM_TWO_LN2_F64, t = h + z;
    const FN(vec) rest = FN(vfma)(e, FN(vset)(-DC_RANDOM_TWO_LN2_TAIL_F64), (h - t) + z);
    const FN(vec) p = FN(vfma)(z * z, q, rest), n = t + p, r = FN(vsqrt)(n);

    *lost = (FN(vfma)(-r, r, n) + ((t - n) + p)) / (r * 2);
    return r;
}

/* v[0], v[1] = cos, sin of the angle b; lost: what rounding took from them */
DC_INLINE void FN(random_turn_lanes)(FN(random_unsigned) b, FN(vec) * v, FN(vec) * lost)
{
    const dc_u64 quarter = 0x4000000000000000u;
    const FN(random_unsigned) turned = b + quarter / 2, odd = turned & quarter;
    const FN(random_unsigned) place = (turned & (quarter - 1)) >> 10 | 0x4330000000000000u;
    const FN(vec) y = ((FN(vec))place - (0x1p52 + 0x1p51)) * 0x1p-52, w = y * y;
    const FN(vec) half_pi = FN(vset)(DC_RANDOM_HALF_PI_F64);
    const FN(vec) tail = FN(vset)(DC_RANDOM_HALF_PI_TAIL_F64);
    const FN(vec) head = FN(vset)(DC_RANDOM_COS_HEAD_F64);
    const FN(vec) j = y * FN(vfma)(w, FN(random_sin_lanes)(w), tail);
    const FN(vec) s = FN(vfma)(y, half_pi, j), s_lost = FN(vfma)(y, half_pi, -s) + j;
    const FN(vec) g = FN(vfma)(w, head, FN(vset)(1));
    const FN(vec) g_lost = FN(vfma)(w, head, 1 - g);
    const FN(vec) low = FN(vfma)(FN(vfma)(y, y, -w), head, g_lost);
    const FN(vec) i = FN(vfma)(w, FN(random_cos_lanes)(w), low);
    const FN(vec) c = g + i, c_lost = (g - c) + i;

    v[0] = FN(random_flip)(FN(random_pick)(odd, s, c), turned + quarter);
    v[1] = FN(random_flip)(FN(random_pick)(odd, c, s), turned);
    lost[0] = FN(random_flip)(FN(random_pick)(odd, s_lost, c_lost), turned + quarter);
    lost[1] = FN(random_flip)(FN(random_pick)(odd, c_lost, s_lost), turned);
}

/* x[0], x[1] = the normal numbers of the draws a and b */
DC_INLINE void FN(random_pair)(FN(random_unsigned) a, FN(random_unsigned) b, FN(vec) std,
                               FN(vec) mean, FN(vec) * x)
{
    FN(vec) rest, lost[2];
    const FN(vec) r = FN(random_radius_lanes)(a, &rest), scaled = r * std;

    rest = FN(vfma)(rest, std, FN(vfma)(r, std, -scaled));
    FN(random_turn_lanes)(b, x, lost);
    for (int k = 0; k < 2; k++) {
        const FN(vec) low = FN(vfma)(scaled, lost[k], mean);

        x[k] = FN(vfma)(scaled, x[k], FN(vfma)(rest, x[k], low));
    }
}
#endif

/* Draws of a group: register k of each share has number k of its blocks. */
DC_INLINE void FN(random_draw)(const random_frame *f, dc_u64 first, FN(random_unsigned) * draw)
{
    enum { SETS = RANDOM_SHARES * RANDOM_PICK(2, 1) };
    random_wide block[SETS], w[SETS][4];

    for (int i = 0; i < RANDOM_SHARES; i++) {
        const dc_u64 from = first + (dc_u64)(i * RANDOM_SHARE / RANDOM_VALUES);
#if DC_BITS_OF(SFX) == 32
        block[2 * i] = random_blocks(from, RANDOM_WIDE);
        block[2 * i + 1] = block[2 * i] + RANDOM_WIDE / 2;
#else
        block[i] = random_blocks(from, RANDOM_WIDE / 2);
#endif
    }
    random_wide_words(f, SETS, block, w);
    for (int i = 0; i < RANDOM_SHARES; i++)
        for (int k = 0; k < RANDOM_VALUES; k++)
#if DC_BITS_OF(SFX) == 32
            draw[i * RANDOM_VALUES + k] =
                __builtin_shufflevector((FN(random_unsigned))w[2 * i][k],
                                        (FN(random_unsigned))w[2 * i + 1][k], RANDOM_EVEN_32);
#else
            draw[i * RANDOM_VALUES + k] = (w[i][2 * k] & 0xffffffffu) | w[i][2 * k + 1] << 32;
#endif
}

/* Registers of a share, value k of every block in register k, in the order of the sequence. */
DC_INLINE void FN(random_order)(const FN(vec) * v, FN(vec) * out)
{
#if DC_BITS_OF(SFX) == 32
    const random_wide a = (random_wide)__builtin_shufflevector(v[0], v[1], RANDOM_LO_32);
    const random_wide b = (random_wide)__builtin_shufflevector(v[2], v[3], RANDOM_LO_32);
    const random_wide c = (random_wide)__builtin_shufflevector(v[0], v[1], RANDOM_HI_32);
    const random_wide d = (random_wide)__builtin_shufflevector(v[2], v[3], RANDOM_HI_32);

    out[0] = (FN(vec))__builtin_shufflevector(a, b, RANDOM_LO_64);
    out[1] = (FN(vec))__builtin_shufflevector(a, b, RANDOM_HI_64);
    out[2] = (FN(vec))__builtin_shufflevector(c, d, RANDOM_LO_64);
    out[3] = (FN(vec))__builtin_shufflevector(c, d, RANDOM_HI_64);
#else
    out[0] = __builtin_shufflevector(v[0], v[1], RANDOM_LO_64);
    out[1] = __builtin_shufflevector(v[0], v[1], RANDOM_HI_64);
#endif
}

DC_INLINE void FN(random_store)(const FN(vec) * v, FN(loose) * out)
{
    FN(vec) ordered[RANDOM_VALUES];

    FN(random_order)(v, ordered);
    for (int k = 0; k < RANDOM_VALUES; k++)
        FN(vstoreu)(out + k * VEC_LANES, ordered[k]);
}

/* The group that begins at `block`. */
DC_INLINE void FN(random_uniform_group)(const random_frame *f, const dc_random_args *a,
                                        dc_u64 block, FN(loose) * out)
{
    const FN(vec) low = FN(vset)(RANDOM_PICK(a->add32, a->add64));
    const FN(vec) span = FN(vset)(RANDOM_PICK(a->scale32, a->scale64));
    const FN(vec) top = FN(vset)(RANDOM_PICK(a->top32, a->top64));
    FN(random_unsigned) draw[RANDOM_REGISTERS];
    FN(vec) v[RANDOM_REGISTERS];

    FN(random_draw)(f, block, draw);
    for (int k = 0; k < RANDOM_REGISTERS; k++) {
        const FN(vec) u =
            FN(random_whole)(draw[k] >> RANDOM_PICK(8, 11)) * RANDOM_PICK(0x1p-24f, 0x1p-53);
        v[k] = FN(vmin)(u * span + low, top);
    }
    for (int i = 0; i < RANDOM_SHARES; i++)
        FN(random_store)(v + i * RANDOM_VALUES, out + i * RANDOM_SHARE);
}

/* What becomes of the ordered registers of a share. */
typedef void (*FN(random_taker))(const void *to, int share, const FN(vec) * x);

/* The normal numbers of the group that begins at `block`, one share after the other. */
DC_INLINE void FN(random_normal_shares)(const random_frame *f, const dc_random_args *a,
                                        dc_u64 block, FN(random_taker) take, const void *to)
{
    const FN(vec) mean = FN(vset)(RANDOM_PICK(a->add32, a->add64));
    const FN(vec) std = FN(vset)(RANDOM_PICK(a->scale32, a->scale64));
    FN(random_unsigned) draw[RANDOM_REGISTERS];

    FN(random_draw)(f, block, draw);
    for (int i = 0; i < RANDOM_SHARES; i++) {
        FN(vec) v[RANDOM_VALUES], ordered[RANDOM_VALUES];

        for (int k = 0; k < RANDOM_VALUES; k += 2)
            FN(random_pair)
        (draw[i * RANDOM_VALUES + k], draw[i * RANDOM_VALUES + k + 1], std, mean, v + k);
        FN(random_order)(v, ordered);
        take(to, i, ordered);
    }
}

DC_INLINE void FN(random_keep)(const void *to, int share, const FN(vec) * x)
{
    for (int k = 0; k < RANDOM_VALUES; k++)
        FN(vstoreu)(*(FN(loose) *const *)to + share * RANDOM_SHARE + k * VEC_LANES, x[k]);
}

DC_INLINE void FN(random_normal_group)(const random_frame *f, const dc_random_args *a, dc_u64 block,
                                       FN(loose) * out)
{
    FN(random_normal_shares)(f, a, block, FN(random_keep), &out);
}

typedef void (*FN(random_group))(const random_frame *f, const dc_random_args *a, dc_u64 block,
                                 FN(loose) * out);

/* Values at, at + 1, ... of the sequence, `count` of them, end to end. */
DC_INLINE void FN(random_fill)(FN(random_group) group, const random_frame *f,
                               const dc_random_args *a, dc_i64 at, dc_i64 count, FN(loose) * out)
{
    T spare[RANDOM_GROUP];
    const dc_i64 skip = at % RANDOM_VALUES;
    dc_u64 block = (dc_u64)(at / RANDOM_VALUES);
    dc_i64 done = 0;

    if (skip && count > 0) { /* from the middle of a block: the rest of a group */
        const dc_i64 rest = RANDOM_GROUP - skip;

        group(f, a, block, spare);
        done = rest < count ? rest : count;
        memcpy((void *)out, spare + skip, (size_t)done * sizeof(T));
        block += RANDOM_GROUP / RANDOM_VALUES;
    }
    for (; done + RANDOM_GROUP <= count; done += RANDOM_GROUP) {
        group(f, a, block, out + done);
        block += RANDOM_GROUP / RANDOM_VALUES;
    }
    if (done < count) {
        group(f, a, block, spare);
        memcpy((void *)(out + done), spare, (size_t)(count - done) * sizeof(T));
    }
}
