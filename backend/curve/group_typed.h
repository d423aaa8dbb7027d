/*
 * The group law of a curve y^2 = x^3 + b, written once for G1 and G2. Included by g1.c and g2.c,
 * which first define POINT(name)   the prefix of the group:       g1_##name COORD(name)   the
 * prefix of its coordinates: fp_##name point, point_affine, coord                   the types
 *   CURVE_B                                      the constant b
 *   COORD_SET_ZERO(r), COORD_SET_ONE(r)
 *
 * A working point is (x / zz, y / zzz) with zz^3 = zzz^2 and infinity at zz = 0.
 */

void POINT(affine_set_infinity)(point_affine *r)
{
    COORD_SET_ZERO(&r->x);
    COORD_SET_ZERO(&r->y);
}

bool POINT(affine_is_infinity)(const point_affine *a)
{
    return COORD(is_zero)(&a->x) && COORD(is_zero)(&a->y);
}

bool POINT(affine_eq)(const point_affine *a, const point_affine *b)
{
    return COORD(eq)(&a->x, &b->x) && COORD(eq)(&a->y, &b->y);
}

void POINT(affine_neg)(point_affine *r, const point_affine *a)
{
    r->x = a->x;
    COORD(neg)(&r->y, &a->y);
}

bool POINT(affine_is_on_curve)(const point_affine *a)
{
    if (POINT(affine_is_infinity)(a))
        return true;
    coord left, right;
    COORD(sqr)(&left, &a->y);
    COORD(sqr)(&right, &a->x);
    COORD(mul)(&right, &right, &a->x);
    COORD(add)(&right, &right, &CURVE_B);
    return COORD(eq)(&left, &right);
}

void POINT(set_infinity)(point *r)
{
    COORD_SET_ONE(&r->x);
    COORD_SET_ONE(&r->y);
    COORD_SET_ZERO(&r->zz);
    COORD_SET_ZERO(&r->zzz);
}

bool POINT(is_infinity)(const point *a)
{
    return COORD(is_zero)(&a->zz);
}

bool POINT(eq)(const point *a, const point *b)
{
    if (POINT(is_infinity)(a) || POINT(is_infinity)(b))
        return POINT(is_infinity)(a) && POINT(is_infinity)(b);
    coord s, t;
    COORD(mul)(&s, &a->x, &b->zz);
    COORD(mul)(&t, &b->x, &a->zz);
    if (!COORD(eq)(&s, &t))
        return false;
    COORD(mul)(&s, &a->y, &b->zzz);
    COORD(mul)(&t, &b->y, &a->zzz);
    return COORD(eq)(&s, &t);
}

void POINT(from_affine)(point *r, const point_affine *a)
{
    if (POINT(affine_is_infinity)(a)) {
        POINT(set_infinity)(r);
        return;
    }
    r->x = a->x;
    r->y = a->y;
    COORD_SET_ONE(&r->zz);
    COORD_SET_ONE(&r->zzz);
}

/* r = a in affine form, given inverse = 1 / zzz (0 for infinity). */
static void scale_to_affine(point_affine *r, const point *a, const coord *inverse)
{
    /* zz = z^2, zzz = z^3: zz / zzz = 1 / z. */
    coord t;
    COORD(mul)(&r->y, &a->y, inverse);
    COORD(mul)(&t, &a->zz, inverse);
    COORD(sqr)(&t, &t);
    COORD(mul)(&r->x, &a->x, &t);
}

void POINT(to_affine)(point_affine *r, const point *a)
{
    coord inverse;
    COORD(inv)(&inverse, &a->zzz);
    scale_to_affine(r, a, &inverse);
}

void POINT(neg)(point *r, const point *a)
{
    *r = *a;
    COORD(neg)(&r->y, &a->y);
}

void POINT(double)(point *r, const point *a)
{
    /* u = 2y, v = u^2, w = uv, s = xv, m = 3x^2; infinity stays, because zz is a factor of zz. */
    coord u, v, w, s, m, x;
    COORD(double)(&u, &a->y);
    COORD(sqr)(&v, &u);
    COORD(mul)(&w, &u, &v);
    COORD(mul)(&s, &a->x, &v);
    COORD(sqr)(&x, &a->x);
    COORD(double)(&m, &x);
    COORD(add)(&m, &m, &x);
    COORD(sqr)(&x, &m);
    COORD(sub)(&x, &x, &s);
    COORD(sub)(&x, &x, &s);
    COORD(sub)(&s, &s, &x);
    COORD(mul)(&s, &s, &m);
    COORD(mul)(&u, &w, &a->y);
    r->x = x;
    COORD(sub)(&r->y, &s, &u);
    COORD(mul)(&r->zz, &v, &a->zz);
    COORD(mul)(&r->zzz, &w, &a->zzz);
}

/* The common end of both additions: u1 = x1, s1 = y1 over the common denominators zz, zzz of the
 * operands; p = u2 - u1, q = s2 - s1. Requires: p is not zero. */
static void finish_add(point *r, const coord *u1, const coord *s1, const coord *p, const coord *q,
                       const coord *zz, const coord *zzz)
{
    coord pp, ppp, t, x;
    COORD(sqr)(&pp, p);
    COORD(mul)(&ppp, &pp, p);
    COORD(mul)(&t, u1, &pp);
    COORD(sqr)(&x, q);
    COORD(sub)(&x, &x, &ppp);
    COORD(sub)(&x, &x, &t);
    COORD(sub)(&x, &x, &t);
    COORD(sub)(&t, &t, &x);
    COORD(mul)(&t, &t, q);
    COORD(mul)(&r->zz, zz, &pp);
    COORD(mul)(&r->zzz, zzz, &ppp);
    COORD(mul)(&ppp, &ppp, s1);
    r->x = x;
    COORD(sub)(&r->y, &t, &ppp);
}

void POINT(add)(point *r, const point *a, const point *b)
{
    if (POINT(is_infinity)(a)) {
        *r = *b;
        return;
    }
    if (POINT(is_infinity)(b)) {
        *r = *a;
        return;
    }
    coord u1, s1, p, q, zz, zzz;
    COORD(mul)(&u1, &a->x, &b->zz);
    COORD(mul)(&s1, &a->y, &b->zzz);
    COORD(mul)(&p, &b->x, &a->zz);
    COORD(mul)(&q, &b->y, &a->zzz);
    COORD(sub)(&p, &p, &u1);
    COORD(sub)(&q, &q, &s1);
    if (COORD(is_zero)(&p)) {
        if (COORD(is_zero)(&q))
            POINT(double)(r, a);
        else
            POINT(set_infinity)(r);
        return;
    }
    COORD(mul)(&zz, &a->zz, &b->zz);
    COORD(mul)(&zzz, &a->zzz, &b->zzz);
    finish_add(r, &u1, &s1, &p, &q, &zz, &zzz);
}

void POINT(add_affine)(point *r, const point *a, const point_affine *b)
{
    if (POINT(affine_is_infinity)(b)) {
        *r = *a;
        return;
    }
    if (POINT(is_infinity)(a)) {
        POINT(from_affine)(r, b);
        return;
    }
    coord p, q;
    COORD(mul)(&p, &b->x, &a->zz);
    COORD(mul)(&q, &b->y, &a->zzz);
    COORD(sub)(&p, &p, &a->x);
    COORD(sub)(&q, &q, &a->y);
    if (COORD(is_zero)(&p)) {
        if (COORD(is_zero)(&q))
            POINT(double)(r, a);
        else
            POINT(set_infinity)(r);
        return;
    }
    const point copy = *a;
    finish_add(r, &copy.x, &copy.y, &p, &q, &copy.zz, &copy.zzz);
}

#undef POINT
#undef COORD
#undef point
#undef point_affine
#undef coord
#undef CURVE_B
#undef COORD_SET_ZERO
#undef COORD_SET_ONE
