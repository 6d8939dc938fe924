/* Flow control (RFC 9113 §5.2, §6.9): windows that never overflow and may be negative, and the
 * receiving side's account of what it owes the peer. */
#ifndef H2_WINDOW_H
#define H2_WINDOW_H

#include "h2/frame.h"

#define H2_MAX_WINDOW 0x7fffffff
#define H2_INITIAL_WINDOW 65535 /* §6.9.2; the session's is no matter of SETTINGS */

/* What one side may still send. SETTINGS can make it negative (§6.9.2). */
typedef struct h2_window {
    int64_t left;
} h2_window;

/* Adds an increment. Past 2^31-1 H2_FAULT with FLOW_CONTROL_ERROR, on the stream or, with a
 * stream_id of 0, on the session (§6.9.1); the window is then unchanged. */
int h2_window_grant(h2_window *window, uint32_t increment, uint32_t stream_id, h2_fault *fault);

/* A change of SETTINGS_INITIAL_WINDOW_SIZE by `delta`, which on its way was `peak` above the old value:
 * that, too, must not pass 2^31-1. The fault is one of the session (§6.9.2). */
int h2_window_shift(h2_window *window, int64_t delta, int64_t peak, h2_fault *fault);

/* Spends `n` octets for DATA, padding included (§6.9.1). Past the window H2_FAULT with
 * FLOW_CONTROL_ERROR, scope as above, and the window unchanged. */
int h2_window_spend(h2_window *window, uint32_t n, uint32_t stream_id, h2_fault *fault);

/* The window that this side gives to the peer. Its size is kept at `limit`: what the peer has spent
 * and the program has read is owed back, and goes in one update when it is half of the limit. So a
 * peer whose octets are all read always has credit, even at a limit of 1. */
typedef struct h2_inflow {
    h2_window window;
    uint32_t limit;
    uint32_t unread; /* arrived, or announced by a frame header, and not consumed yet */
    uint32_t grown;  /* the part of the limit that it has grown by (growth.h) */
} h2_inflow;

void h2_inflow_init(h2_inflow *inflow, uint32_t limit);

/* Whether an update is worth a frame. */
bool h2_inflow_is_due(const h2_inflow *inflow);

/* Takes out of the window what is due to the peer, 0 if an update is not worth a frame yet, and adds
 * it to the window. */
uint32_t h2_inflow_update(h2_inflow *inflow);

/* Changes the limit. Returns what is due at once because of it: all of it when the window has grown. */
uint32_t h2_inflow_resize(h2_inflow *inflow, uint32_t limit);

/* Our own SETTINGS_INITIAL_WINDOW_SIZE, acknowledged, has changed: the peer has counted it in itself. */
void h2_inflow_shift(h2_inflow *inflow, int64_t delta);

/* Undoes an update whose frame could not be written. */
void h2_inflow_revert(h2_inflow *inflow, uint32_t increment);

/* The program has read `n` octets; more than there are count as all. Returns how many it was. */
uint32_t h2_inflow_consume(h2_inflow *inflow, size_t n);

#endif
