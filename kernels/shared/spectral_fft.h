/* Butterflies of the short transforms.  A template that both compilers read once per dtype (T, SFX)
 * with SPECTRAL_VALUE defined: what a value is (T on a device, a register of T, a lane for each
 * series, on the CPU), SPECTRAL_F(a, b, c): fma, SPECTRAL_SPLAT(t): a value of a T.
 *
 * Order of operations (contract): that of the code below; every operation rounds once.
 *
 * A pass of radix r over a block of `span` numbers, q = span / r: the numbers at j, j + q, ... of
 * the block become, in place, their transform of length r; for j > 0 number k > 0 of it is twisted
 * by exp(-2 pi i j k / span), which is entry (r - 1) j + k - 1 of the pass's table.  A pass
 * backwards twists first, then transforms.  Passes run from span = core down, the next one's span
 * being q; the tables of the passes follow one another.
 */
#ifndef DC_SHARED_SPECTRAL_FFT_H
#define DC_SHARED_SPECTRAL_FFT_H

#include "kernels/shared/spectral.h"

/* cos and sin of k / r turns, each rounded once */
#define SPECTRAL_BITS_f32(x, y) x
#define SPECTRAL_BITS_f64(x, y) y
#define SPECTRAL_PICK           DC_CAT(SPECTRAL_BITS, SFX)
#define SPECTRAL_C8                                                                                \
    SPECTRAL_PICK(0.70710678118654752440084436210485f, 0.70710678118654752440084436210485)
#define SPECTRAL_S3                                                                                \
    SPECTRAL_PICK(0.86602540378443864676372317075294f, 0.86602540378443864676372317075294)
#define SPECTRAL_C51                                                                               \
    SPECTRAL_PICK(0.30901699437494742410229341718282f, 0.30901699437494742410229341718282)
#define SPECTRAL_C52                                                                               \
    SPECTRAL_PICK(-0.80901699437494742410229341718282f, -0.80901699437494742410229341718282)
#define SPECTRAL_S51                                                                               \
    SPECTRAL_PICK(0.95105651629515357211643933337938f, 0.95105651629515357211643933337938)
#define SPECTRAL_S52                                                                               \
    SPECTRAL_PICK(0.58778525229247312916870595463907f, 0.58778525229247312916870595463907)
#define SPECTRAL_C71                                                                               \
    SPECTRAL_PICK(0.62348980185873353052500488400424f, 0.62348980185873353052500488400424)
#define SPECTRAL_C72                                                                               \
    SPECTRAL_PICK(-0.22252093395631440428890256449679f, -0.22252093395631440428890256449679)
#define SPECTRAL_C73                                                                               \
    SPECTRAL_PICK(-0.90096886790241912623610231950745f, -0.90096886790241912623610231950745)
#define SPECTRAL_S71                                                                               \
    SPECTRAL_PICK(0.78183148246802980870844452667406f, 0.78183148246802980870844452667406)
#define SPECTRAL_S72                                                                               \
    SPECTRAL_PICK(0.97492791218182360701813168299393f, 0.97492791218182360701813168299393)
#define SPECTRAL_S73                                                                               \
    SPECTRAL_PICK(0.43388373911755812047576833284836f, 0.43388373911755812047576833284836)

#endif

#define SPECTRAL_K(x) SPECTRAL_SPLAT(x)

/* (re, im) times (c, s) */
static inline void FN(spectral_twist)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im, SPECTRAL_VALUE c,
                                      SPECTRAL_VALUE s)
{
    const SPECTRAL_VALUE x = *re, y = *im;

    *re = SPECTRAL_F(-y, s, x * c);
    *im = SPECTRAL_F(x, s, y * c);
}

static inline void FN(spectral_radix2)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im)
{
    const SPECTRAL_VALUE x = re[0], y = im[0];

    re[0] = x + re[1];
    im[0] = y + im[1];
    re[1] = x - re[1];
    im[1] = y - im[1];
}

/* y[1], y[r - 1] of an odd radix from a = the cosine part, b = the sine part: a - i b, a + i b */
static inline void FN(spectral_ends)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im, int k, int other,
                                     SPECTRAL_VALUE are, SPECTRAL_VALUE aim, SPECTRAL_VALUE bre,
                                     SPECTRAL_VALUE bim)
{
    re[k] = are + bim;
    im[k] = aim - bre;
    re[other] = are - bim;
    im[other] = aim + bre;
}

static inline void FN(spectral_radix3)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im)
{
    const SPECTRAL_VALUE half = SPECTRAL_K((T)-0.5), s = SPECTRAL_K(SPECTRAL_S3);
    const SPECTRAL_VALUE pre = re[1] + re[2], pim = im[1] + im[2];
    const SPECTRAL_VALUE mre = (re[1] - re[2]) * s, mim = (im[1] - im[2]) * s;
    const SPECTRAL_VALUE are = SPECTRAL_F(pre, half, re[0]), aim = SPECTRAL_F(pim, half, im[0]);

    re[0] = re[0] + pre;
    im[0] = im[0] + pim;
    FN(spectral_ends)(re, im, 1, 2, are, aim, mre, mim);
}

static inline void FN(spectral_radix4)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im)
{
    const SPECTRAL_VALUE are = re[0] + re[2], aim = im[0] + im[2];
    const SPECTRAL_VALUE bre = re[0] - re[2], bim = im[0] - im[2];
    const SPECTRAL_VALUE cre = re[1] + re[3], cim = im[1] + im[3];
    const SPECTRAL_VALUE dre = re[1] - re[3], dim = im[1] - im[3];

    re[0] = are + cre;
    im[0] = aim + cim;
    re[1] = bre + dim;
    im[1] = bim - dre;
    re[2] = are - cre;
    im[2] = aim - cim;
    re[3] = bre - dim;
    im[3] = bim + dre;
}

static inline void FN(spectral_radix5)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im)
{
    const SPECTRAL_VALUE c1 = SPECTRAL_K(SPECTRAL_C51), c2 = SPECTRAL_K(SPECTRAL_C52);
    const SPECTRAL_VALUE s1 = SPECTRAL_K(SPECTRAL_S51), s2 = SPECTRAL_K(SPECTRAL_S52);
    const SPECTRAL_VALUE p1re = re[1] + re[4], p1im = im[1] + im[4];
    const SPECTRAL_VALUE p2re = re[2] + re[3], p2im = im[2] + im[3];
    const SPECTRAL_VALUE m1re = re[1] - re[4], m1im = im[1] - im[4];
    const SPECTRAL_VALUE m2re = re[2] - re[3], m2im = im[2] - im[3];
    const SPECTRAL_VALUE a1re = SPECTRAL_F(c1, p1re, SPECTRAL_F(c2, p2re, re[0]));
    const SPECTRAL_VALUE a1im = SPECTRAL_F(c1, p1im, SPECTRAL_F(c2, p2im, im[0]));
    const SPECTRAL_VALUE a2re = SPECTRAL_F(c2, p1re, SPECTRAL_F(c1, p2re, re[0]));
    const SPECTRAL_VALUE a2im = SPECTRAL_F(c2, p1im, SPECTRAL_F(c1, p2im, im[0]));
    const SPECTRAL_VALUE b1re = SPECTRAL_F(s1, m1re, s2 * m2re);
    const SPECTRAL_VALUE b1im = SPECTRAL_F(s1, m1im, s2 * m2im);
    const SPECTRAL_VALUE b2re = SPECTRAL_F(s2, m1re, -(s1 * m2re));
    const SPECTRAL_VALUE b2im = SPECTRAL_F(s2, m1im, -(s1 * m2im));

    re[0] = re[0] + (p1re + p2re);
    im[0] = im[0] + (p1im + p2im);
    FN(spectral_ends)(re, im, 1, 4, a1re, a1im, b1re, b1im);
    FN(spectral_ends)(re, im, 2, 3, a2re, a2im, b2re, b2im);
}

/* Outputs k and 7 - k: cosines u, v, w and sines x, y, z of the three pairs. */
static inline void FN(spectral_seventh)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im, int k,
                                        const SPECTRAL_VALUE *pre, const SPECTRAL_VALUE *pim,
                                        const SPECTRAL_VALUE *mre, const SPECTRAL_VALUE *mim,
                                        SPECTRAL_VALUE u, SPECTRAL_VALUE v, SPECTRAL_VALUE w,
                                        SPECTRAL_VALUE x, SPECTRAL_VALUE y, SPECTRAL_VALUE z)
{
    const SPECTRAL_VALUE are =
        SPECTRAL_F(u, pre[0], SPECTRAL_F(v, pre[1], SPECTRAL_F(w, pre[2], pre[3])));
    const SPECTRAL_VALUE aim =
        SPECTRAL_F(u, pim[0], SPECTRAL_F(v, pim[1], SPECTRAL_F(w, pim[2], pim[3])));
    const SPECTRAL_VALUE bre = SPECTRAL_F(x, mre[0], SPECTRAL_F(y, mre[1], z * mre[2]));
    const SPECTRAL_VALUE bim = SPECTRAL_F(x, mim[0], SPECTRAL_F(y, mim[1], z * mim[2]));

    FN(spectral_ends)(re, im, k, 7 - k, are, aim, bre, bim);
}

static inline void FN(spectral_radix7)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im)
{
    const SPECTRAL_VALUE c1 = SPECTRAL_K(SPECTRAL_C71), c2 = SPECTRAL_K(SPECTRAL_C72),
                         c3 = SPECTRAL_K(SPECTRAL_C73);
    const SPECTRAL_VALUE s1 = SPECTRAL_K(SPECTRAL_S71), s2 = SPECTRAL_K(SPECTRAL_S72),
                         s3 = SPECTRAL_K(SPECTRAL_S73);
    const SPECTRAL_VALUE pre[4] = {re[1] + re[6], re[2] + re[5], re[3] + re[4], re[0]};
    const SPECTRAL_VALUE pim[4] = {im[1] + im[6], im[2] + im[5], im[3] + im[4], im[0]};
    const SPECTRAL_VALUE mre[3] = {re[1] - re[6], re[2] - re[5], re[3] - re[4]};
    const SPECTRAL_VALUE mim[3] = {im[1] - im[6], im[2] - im[5], im[3] - im[4]};

    re[0] = re[0] + ((pre[0] + pre[1]) + pre[2]);
    im[0] = im[0] + ((pim[0] + pim[1]) + pim[2]);
    FN(spectral_seventh)(re, im, 1, pre, pim, mre, mim, c1, c2, c3, s1, s2, s3);
    FN(spectral_seventh)(re, im, 2, pre, pim, mre, mim, c2, c3, c1, s2, -s3, -s1);
    FN(spectral_seventh)(re, im, 3, pre, pim, mre, mim, c3, c1, c2, s3, -s1, s2);
}

/* Two transforms of length 4, of even and odd outputs. */
static inline void FN(spectral_radix8)(SPECTRAL_VALUE *re, SPECTRAL_VALUE *im)
{
    const SPECTRAL_VALUE h = SPECTRAL_K(SPECTRAL_C8);
    SPECTRAL_VALUE ere[4], eim[4], ore[4], oim[4], x, y;

    for (int k = 0; k < 4; k++) {
        ere[k] = re[k] + re[k + 4];
        eim[k] = im[k] + im[k + 4];
        ore[k] = re[k] - re[k + 4];
        oim[k] = im[k] - im[k + 4];
    }
    x = ore[1];
    y = oim[1];
    ore[1] = (x + y) * h;
    oim[1] = (y - x) * h;
    x = ore[2];
    ore[2] = oim[2];
    oim[2] = -x;
    x = ore[3];
    y = oim[3];
    ore[3] = (y - x) * h;
    oim[3] = -((x + y) * h);
    FN(spectral_radix4)(ere, eim);
    FN(spectral_radix4)(ore, oim);
    for (int k = 0; k < 4; k++) {
        re[2 * k] = ere[k];
        im[2 * k] = eim[k];
        re[2 * k + 1] = ore[k];
        im[2 * k + 1] = oim[k];
    }
}

/* Bins k and points - k of an even transform from A = (are, aim), B, in place. */
static inline void FN(spectral_unpack)(SPECTRAL_VALUE *are, SPECTRAL_VALUE *aim,
                                       SPECTRAL_VALUE *bre, SPECTRAL_VALUE *bim, SPECTRAL_VALUE c,
                                       SPECTRAL_VALUE s)
{
    const SPECTRAL_VALUE h = SPECTRAL_K((T)0.5);
    const SPECTRAL_VALUE ere = (*are + *bre) * h, eim = (*aim - *bim) * h;
    SPECTRAL_VALUE tre = (*aim + *bim) * h, tim = (*bre - *are) * h;

    FN(spectral_twist)(&tre, &tim, c, s);
    *are = ere + tre;
    *aim = eim + tim;
    *bre = ere - tre;
    *bim = tim - eim;
}

/* Number k of the packed transform from A = X[k], B = conj X[points - k], (c, s) = post[k]. */
static inline void FN(spectral_pack)(SPECTRAL_VALUE *are, SPECTRAL_VALUE *aim, SPECTRAL_VALUE bre,
                                     SPECTRAL_VALUE bim, SPECTRAL_VALUE c, SPECTRAL_VALUE s)
{
    const SPECTRAL_VALUE ere = *are + bre, eim = *aim + bim;
    SPECTRAL_VALUE ore = *are - bre, oim = *aim - bim;

    FN(spectral_twist)(&ore, &oim, c, -s);
    *are = ere - oim;
    *aim = eim + ore;
}

/* |x|^2 */
static inline SPECTRAL_VALUE FN(spectral_power)(SPECTRAL_VALUE re, SPECTRAL_VALUE im)
{
    return SPECTRAL_F(re, re, im * im);
}

#undef SPECTRAL_K
