/*
 * Prices measured on a machine, in which a plan is expressed. Filled by backend/plan on the machine
 * that asks.
 */
#ifndef SERTN_IR_COST_H
#define SERTN_IR_COST_H

struct cost_prices {
    double product_ns;  /* one field product by itself, one core */
    double addition_ns; /* one curve addition among many, one core */
    unsigned threads;
};

#endif
