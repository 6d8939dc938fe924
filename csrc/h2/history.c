#include "h2/history.h"

#include <stdbool.h>

/* Two bits for each of the last identifiers, in a ring: a side's identifiers are all odd or all even,
 * so half the identifier numbers them. */

static void set(h2_history *history, uint32_t id, h2_fate fate) {
    uint32_t bit = id / 2 % H2_HISTORY_IDS * 2;
    uint64_t *word = &history->_bits[bit / 64];
    *word = (*word & ~(UINT64_C(3) << bit % 64)) | (uint64_t)fate << bit % 64;
}

static bool is_forgotten(const h2_history *history, uint32_t id) {
    return (history->newest - id) / 2 >= H2_HISTORY_IDS;
}

void h2_history_open(h2_history *history, uint32_t id) {
    uint32_t skipped = (id - history->newest) / 2;
    if (skipped > H2_HISTORY_IDS)
        skipped = H2_HISTORY_IDS;
    for (uint32_t i = 1; i < skipped; i++)
        set(history, id - 2 * i, H2_FATE_UNUSED);
    set(history, id, H2_FATE_USED);
    history->newest = id;
}

void h2_history_reset(h2_history *history, uint32_t id) {
    if (!is_forgotten(history, id))
        set(history, id, H2_FATE_RESET);
}

h2_fate h2_history_fate(const h2_history *history, uint32_t id) {
    uint32_t bit = id / 2 % H2_HISTORY_IDS * 2;
    if (is_forgotten(history, id))
        return H2_FATE_FORGOTTEN;
    return (h2_fate)(history->_bits[bit / 64] >> bit % 64 & 3);
}
