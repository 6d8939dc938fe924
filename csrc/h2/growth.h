/* How far receive windows may grow, so that a far peer is not held to one small window for each round
 * trip (RFC 9113 §5.2.1).
 *
 * A round begins with a PING beside an update of a window, and ends with the first update after the
 * answer. What the program has read in it, over its time, is the pace at which octets come and are
 * read; the round trip times the pace is what has to be on the way for that. Windows may grow to four
 * times as much, so that a peer which speeds up is not held back before the next round tells of it.
 * A program that reads slowly makes slow rounds, and its windows stay as they are. */
#ifndef H2_GROWTH_H
#define H2_GROWTH_H

#include "h2/window.h"

#define H2_MAX_GROWN_WINDOW (16u << 20)         /* of a stream */
#define H2_MAX_GROWN_SESSION_WINDOW (24u << 20) /* of a session */

typedef enum h2_round { H2_ROUND_NONE, H2_ROUND_ASKED, H2_ROUND_ANSWERED } h2_round;

typedef struct h2_growth {
    uint32_t target;      /* the size that a stream's window may have */
    uint32_t budget;      /* the most that all windows of streams may have grown by */
    uint32_t granted;     /* by how much they have */
    uint32_t trip_ms;     /* the shortest round trip so far; 0: none is known */
    uint32_t read_octets; /* since the last round began */
    h2_round round : 8;
    uint8_t misses;   /* rounds in a row that were for nothing */
    uint64_t mark_ms; /* when the round began, or before when the next is not to begin */
} h2_growth;

/* `max_session_octets` is what a session may hold: growth stays within three quarters of it, so that
 * what the program leaves unread does not use it up. */
void h2_growth_init(h2_growth *growth, size_t max_session_octets);

/* Whether to send a PING and to begin a round: not for what the first window lets in anyway. Where
 * rounds are for nothing they become rare, as peers may count PING frames. */
bool h2_growth_wants_round(const h2_growth *growth, uint64_t now_ms);
void h2_growth_begin_round(h2_growth *growth, uint64_t now_ms);
/* The PING is answered. */
void h2_growth_answer(h2_growth *growth, uint64_t now_ms);
/* The program has read. */
void h2_growth_count(h2_growth *growth, uint32_t octets);
/* Ends the round if its PING is answered. True if the target is higher now. */
bool h2_growth_end_round(h2_growth *growth, uint64_t now_ms);

/* Raises the limit of a stream's window that is due for an update, at most to twice of what it was: a
 * stream has to have read much to be given much. Nothing for one that leaves octets unread. */
void h2_growth_apply(h2_growth *growth, h2_inflow *inflow);
/* The stream is gone. */
void h2_growth_give_back(h2_growth *growth, h2_inflow *inflow);

/* What the session's window may be. Its octets are never kept waiting, so it costs no memory. */
uint32_t h2_growth_session_window(const h2_growth *growth);

#endif
