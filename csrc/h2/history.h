/* What became of the last identifiers of one side, in a fixed number of bits, so that late frames on
 * a closed stream can be told from a peer that breaks the protocol (RFC 9113 §5.1, "closed"). */
#ifndef H2_HISTORY_H
#define H2_HISTORY_H

#include <stdint.h>

#define H2_HISTORY_IDS 256

typedef enum h2_fate {
    H2_FATE_UNUSED, /* skipped, and closed by a later identifier (§5.1.1) */
    H2_FATE_USED,   /* opened; if it is closed now, then in order or by the peer */
    H2_FATE_RESET,  /* closed by this side: the peer may not know yet */
    H2_FATE_FORGOTTEN
} h2_fate;

/* All zero: no identifier was used. */
typedef struct h2_history {
    uint32_t newest; /* the highest identifier used; above it all are idle */
    uint64_t _bits[2 * H2_HISTORY_IDS / 64];
} h2_history;

/* `id` is used; it is above `newest` and of the same side. */
void h2_history_open(h2_history *history, uint32_t id);
/* `id` is not above `newest`. */
void h2_history_reset(h2_history *history, uint32_t id);
h2_fate h2_history_fate(const h2_history *history, uint32_t id);

#endif
