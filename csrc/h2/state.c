#include "h2/state.h"

/*                              +--------+
 *                      send PP |        | recv PP
 *                     ,--------+  idle  +--------.
 *                    /         |        |         \
 *                   v          +--------+          v
 *            +----------+          |           +----------+
 *            |          |          | send H /  |          |
 *     ,------+ reserved |          | recv H    | reserved +------.
 *     |      | (local)  |          |           | (remote) |      |
 *     |      +---+------+          v           +------+---+      |
 *     |          |             +--------+             |          |
 *     |          |     recv ES |        | send ES     |          |
 *     |   send H |     ,-------+  open  +-------.     | recv H   |
 *     |          |    /        |        |        \    |          |
 *     |          v   v         +---+----+         v   v          |
 *     |      +----------+          |           +----------+      |
 *     |      |   half-  |          |           |   half-  |      |
 *     |      |  closed  |          | send R /  |  closed  |      |
 *     |      | (remote) |          | recv R    | (local)  |      |
 *     |      +----+-----+          |           +-----+----+      |
 *     |           | send ES /      |       recv ES / |           |
 *     |           |  send R /      v        send R / |           |
 *     |           |  recv R    +--------+   recv R   |           |
 *     | send R /  `----------->|        |<-----------'  send R / |
 *     | recv R                 | closed |               recv R   |
 *     `----------------------->|        |<-----------------------'
 *                              +--------+
 *
 * H: HEADERS, ES: END_STREAM, R: RST_STREAM, PP: PUSH_PROMISE (of this stream). */

enum {
    I = H2_STATE_IDLE,
    O = H2_STATE_OPEN,
    RL = H2_STATE_RESERVED_LOCAL,
    RR = H2_STATE_RESERVED_REMOTE,
    HL = H2_STATE_HALF_CLOSED_LOCAL,
    HR = H2_STATE_HALF_CLOSED_REMOTE,
    C = H2_STATE_CLOSED,
    PE, /* the peer: connection error PROTOCOL_ERROR */
    SC, /* the peer: stream error STREAM_CLOSED */
    CC, /* the peer: connection error STREAM_CLOSED */
    MU, /* this side: not yet, or never */
    GO  /* this side: no more */
};

static const uint8_t transitions[H2_INPUTS][H2_STATE_CLOSED + 1] = {
    /*                          -  I   O   RL  RR  HL  HR  C  */
    [H2_SEND_HEADERS] = /*   */ {0, O, O, HR, MU, GO, HR, GO},
    [H2_SEND_DATA] = /*      */ {0, MU, O, MU, MU, GO, HR, GO},
    [H2_SEND_END] = /*       */ {0, MU, HL, MU, MU, GO, C, GO},
    [H2_SEND_PROMISE] = /*   */ {0, RL, MU, MU, MU, MU, MU, GO},
    [H2_SEND_RESET] = /*     */ {0, MU, C, C, C, C, C, GO},
    [H2_RECV_HEADERS] = /*   */ {0, O, O, PE, HL, HL, SC, CC},
    [H2_RECV_DATA] = /*      */ {0, PE, O, PE, PE, HL, SC, CC},
    [H2_RECV_END] = /*       */ {0, PE, HR, PE, PE, C, SC, CC},
    [H2_RECV_PROMISE] = /*   */ {0, RR, PE, PE, PE, PE, PE, PE},
    [H2_RECV_RESET] = /*     */ {0, PE, C, C, C, C, C, C},
    [H2_RECV_WINDOW_UPDATE] = {0, PE, O, RL, PE, HL, HR, C},
};

int h2_state_advance(h2_stream_state *state, h2_input input, uint32_t stream_id, h2_fault *fault) {
    uint8_t next = transitions[input][*state];
    switch (next) {
    case PE:
        return h2_fault_session(fault, H2_PROTOCOL_ERROR,
                                "frame that the stream's state does not allow");
    case SC:
        return h2_fault_stream(fault, stream_id, H2_STREAM_CLOSED, "frame after END_STREAM");
    case CC:
        return h2_fault_session(fault, H2_STREAM_CLOSED, "frame on a closed stream");
    case MU:
        return H2_MISUSE;
    case GO:
        return H2_GONE;
    default:
        *state = (h2_stream_state)next;
        return H2_OK;
    }
}
