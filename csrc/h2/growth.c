#include "h2/growth.h"

/* How many times a window may be what is on the way. */
#define HEADROOM 4
/* Rounds for nothing that may follow each other at once, and the pause before any more. */
#define PATIENCE 4
#define PAUSE_MS 2000

static uint32_t least(uint64_t a, uint64_t b) {
    return (uint32_t)(a < b ? a : b);
}

void h2_growth_init(h2_growth *growth, size_t max_session_octets) {
    *growth = (h2_growth){
        .target = H2_INITIAL_WINDOW,
        .budget = least(max_session_octets / 4 * 3, H2_MAX_GROWN_SESSION_WINDOW),
    };
}

/* -------------------------------------------------------------------------------------- rounds */

static uint32_t highest_target(const h2_growth *growth) {
    return least(H2_MAX_GROWN_WINDOW, (uint64_t)H2_INITIAL_WINDOW + growth->budget);
}

bool h2_growth_wants_round(const h2_growth *growth, uint64_t now_ms) {
    return growth->round == H2_ROUND_NONE && now_ms >= growth->mark_ms &&
           growth->read_octets >= H2_INITIAL_WINDOW && growth->target < highest_target(growth);
}

void h2_growth_begin_round(h2_growth *growth, uint64_t now_ms) {
    growth->round = H2_ROUND_ASKED;
    growth->mark_ms = now_ms;
    growth->read_octets = 0;
}

/* The clock's grain is the shortest time there is. */
static uint64_t round_time(const h2_growth *growth, uint64_t now_ms) {
    return now_ms > growth->mark_ms ? now_ms - growth->mark_ms : 1;
}

void h2_growth_answer(h2_growth *growth, uint64_t now_ms) {
    uint64_t trip_ms = round_time(growth, now_ms);
    if (growth->trip_ms == 0 || trip_ms < growth->trip_ms)
        growth->trip_ms = least(trip_ms, UINT32_MAX);
    growth->round = H2_ROUND_ANSWERED;
}

void h2_growth_count(h2_growth *growth, uint32_t octets) {
    growth->read_octets += octets;
}

static void miss(h2_growth *growth, uint64_t now_ms) {
    if (growth->misses < PATIENCE)
        growth->misses++;
    else
        growth->mark_ms = now_ms + PAUSE_MS;
}

bool h2_growth_end_round(h2_growth *growth, uint64_t now_ms) {
    if (growth->round != H2_ROUND_ANSWERED)
        return false;
    growth->round = H2_ROUND_NONE;
    uint64_t on_the_way =
        (uint64_t)growth->read_octets * growth->trip_ms / round_time(growth, now_ms);
    uint64_t wanted = on_the_way * HEADROOM;
    if (wanted <= growth->target + growth->target / 8) {
        miss(growth, now_ms);
        return false;
    }
    growth->target = least(wanted, highest_target(growth));
    growth->misses = 0;
    return true;
}

/* ------------------------------------------------------------------------------------- windows */

void h2_growth_apply(h2_growth *growth, h2_inflow *inflow) {
    uint32_t limit = inflow->limit;
    if (limit >= growth->target || inflow->unread > limit / 4)
        return;
    uint32_t increase = least(growth->target - limit, limit);
    increase = least(increase, growth->budget - growth->granted);
    growth->granted += increase;
    inflow->grown += increase;
    inflow->limit += increase;
}

void h2_growth_give_back(h2_growth *growth, h2_inflow *inflow) {
    growth->granted -= inflow->grown;
    inflow->grown = 0;
}

uint32_t h2_growth_session_window(const h2_growth *growth) {
    return least((uint64_t)growth->target * 3 / 2, H2_MAX_GROWN_SESSION_WINDOW);
}
