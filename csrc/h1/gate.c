#include "h1/gate.h"

void h1_gate_reset(h1_gate *gate) {
    *gate = (h1_gate){.place = H1_GATE_START, .is_line_start = true};
}

void h1_gate_begin_chunks(h1_gate *gate) {
    *gate = (h1_gate){.place = H1_GATE_SIZE, .is_line_start = true, .is_last_chunk = true};
}

static void begin_line(h1_gate *gate, h1_gate_place place) {
    gate->place = place;
    gate->is_line_start = true;
    gate->line_octets = 0;
}

/* A line has ended. */
static const char *end_line(h1_gate *gate) {
    bool is_empty = gate->is_line_start;
    switch (gate->place) {
    case H1_GATE_START: /* RFC 9112 §2.2: empty lines before a request are passed over */
        begin_line(gate, H1_GATE_START);
        return NULL;
    case H1_GATE_REQUEST:
        begin_line(gate, H1_GATE_FIELDS);
        return gate->spaces == 2 ? NULL : "malformed request line";
    case H1_GATE_FIELDS:
        begin_line(gate, is_empty ? H1_GATE_OVER : H1_GATE_FIELDS);
        return NULL;
    case H1_GATE_SIZE:
    case H1_GATE_EXTENSION:
        if (is_empty)
            return "a chunk without a size";
        begin_line(gate, gate->is_last_chunk ? H1_GATE_FIELDS : H1_GATE_DATA);
        gate->octets = 0;
        return NULL;
    case H1_GATE_DATA:
        begin_line(gate, H1_GATE_SIZE);
        gate->is_last_chunk = true;
        return NULL;
    default:
        return "octets where none can be";
    }
}

static bool is_hex(uint8_t c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* One space each before the target and before the version (RFC 9112 §3). */
static bool pass_request(h1_gate *gate, uint8_t c) {
    static const char version[] = "HTTP/";
    if (c == ' ')
        return ++gate->spaces <= 2;
    if (gate->spaces == 2 && gate->version_octets < sizeof(version) - 1)
        return c == (uint8_t)version[gate->version_octets++];
    return c > ' ' && c < 0x7f;
}

/* An octet within a line. */
static const char *pass_text(h1_gate *gate, uint8_t c) {
    bool is_first = gate->is_line_start;
    gate->is_line_start = false;
    switch (gate->place) {
    case H1_GATE_START:
        gate->place = H1_GATE_REQUEST;
        gate->spaces = gate->version_octets = 0;
        return h1_is_token(bytes_slice_of(&c, 1)) ? NULL : "malformed request line";
    case H1_GATE_REQUEST:
        return pass_request(gate, c) ? NULL : "malformed request line";
    case H1_GATE_FIELDS: /* RFC 9112 §5.2: the obsolete folding begins with white space */
        return is_first && (c == ' ' || c == '\t') ? "a folded field line" : NULL;
    case H1_GATE_SIZE:
        if (c == ';' && !is_first) {
            gate->place = H1_GATE_EXTENSION;
            return NULL;
        }
        gate->is_last_chunk = gate->is_last_chunk && c == '0';
        return is_hex(c) ? NULL : "malformed chunk size";
    case H1_GATE_EXTENSION:
        return NULL;
    default:
        return "octets where none can be";
    }
}

static const char *pass_octet(h1_gate *gate, uint8_t c) {
    if (gate->is_after_cr) {
        gate->is_after_cr = false;
        return c == '\n' ? end_line(gate) : "a carriage return without its line feed";
    }
    if (c == '\r') {
        gate->is_after_cr = true;
        return NULL;
    }
    if (c == '\n')
        return "a line feed without its carriage return";
    if ((c < 0x20 && c != '\t') || c == 0x7f)
        return "a control character";
    return pass_text(gate, c);
}

/* Counts one octet more; false when that is too many. */
static bool count(h1_gate *gate, const h1_limits *limits) {
    if (gate->place == H1_GATE_SIZE || gate->place == H1_GATE_EXTENSION)
        return ++gate->line_octets <= limits->max_chunk_octets;
    return ++gate->octets <= limits->max_head_octets;
}

const char *h1_gate_pass(h1_gate *gate, const h1_limits *limits, bytes_slice octets, int *status) {
    for (size_t i = 0; i < octets.size; i++) {
        bool is_chunk = gate->place == H1_GATE_SIZE || gate->place == H1_GATE_EXTENSION;
        if (!count(gate, limits)) {
            *status = is_chunk ? 400 : 431;
            return is_chunk ? "chunk extensions without end" : "a head that is too large";
        }
        const char *text = pass_octet(gate, octets.data[i]);
        if (text != NULL) {
            *status = 400;
            return text;
        }
    }
    return NULL;
}
