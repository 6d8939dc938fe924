#include "h2/text.h"

#include "h2/h2.h"

/* One bit for each question that is asked of a character. */
enum {
    TOKEN = 0x01, /* RFC 9110 §5.6.2 tchar */
    NAME = 0x02,  /* tchar but upper-case letters */
    VALUE = 0x04, /* HTAB, SP, VCHAR, obs-text */
    PATH = 0x08,  /* VCHAR but '#' */
    HOST = 0x10,  /* RFC 3986 reg-name but ',' : unreserved, '%', sub-delims */
    DIGIT = 0x20,
    HEX = 0x40
};

#define T (TOKEN | NAME | VALUE | PATH)        /* a tchar that no host has */
#define H (TOKEN | NAME | VALUE | PATH | HOST) /* a tchar that a host may have */
#define S (VALUE | PATH | HOST)                /* a sub-delim that is no tchar */
#define P (VALUE | PATH)
#define D (H | DIGIT | HEX)
#define U (TOKEN | VALUE | PATH | HOST)
#define X (H | HEX)
#define Y (U | HEX)
#define V VALUE

/* clang-format off */
static const uint8_t kinds[256] = {
    /* 0x00 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0,
    /* 0x10 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /*  !"#$%&'()*+,-./ */ V, H, P, T & ~PATH, H, H, H, H, S, S, H, H, P, H, H, P,
    /* 0-9:;<=>?        */ D, D, D, D, D, D, D, D, D, D, P, S, P, S, P, P,
    /* @A-O             */ P, Y, Y, Y, Y, Y, Y, U, U, U, U, U, U, U, U, U,
    /* P-Z[\]^_         */ U, U, U, U, U, U, U, U, U, U, U, P, P, P, T, H,
    /* `a-o             */ T, X, X, X, X, X, X, H, H, H, H, H, H, H, H, H,
    /* p-z{|}~ DEL      */ H, H, H, H, H, H, H, H, H, H, H, P, T, P, H, 0,
    /* 0x80 */ V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
    /* 0x90 */ V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
    /* 0xa0 */ V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
    /* 0xb0 */ V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
    /* 0xc0 */ V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
    /* 0xd0 */ V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
    /* 0xe0 */ V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
    /* 0xf0 */ V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
};
/* clang-format on */

#undef T
#undef H
#undef S
#undef P
#undef D
#undef U
#undef X
#undef Y
#undef V

static bool is_all(bytes_slice text, uint8_t kind) {
    for (size_t i = 0; i < text.size; i++)
        if (!(kinds[text.data[i]] & kind))
            return false;
    return true;
}

bool h2_text_is_token(bytes_slice text) {
    return text.size > 0 && is_all(text, TOKEN);
}

bool h2_text_is_field_name(bytes_slice text) {
    return text.size > 0 && is_all(text, NAME);
}

/* Whether one of eight octets is below 0x20 or is 0x7f: never wrong when it says no. */
static bool may_hold_control(const uint8_t *octets) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t word;
    memcpy(&word, octets, sizeof(word));
    uint64_t low = (word - ones * 0x20) & ~word;
    uint64_t del = word ^ ones * 0x7f;
    return ((low | ((del - ones) & ~del)) & tops) != 0;
}

bool h2_text_is_field_value(bytes_slice text) {
    if (text.size == 0)
        return true;
    uint8_t first = text.data[0], last = text.data[text.size - 1];
    if (first == ' ' || first == '\t' || last == ' ' || last == '\t')
        return false;
    size_t i = 0;
    if (text.size >= 8) { /* the last eight may be some of those before them, too */
        while (text.size - i > 8 && !may_hold_control(text.data + i))
            i += 8;
        if (text.size - i <= 8 && !may_hold_control(text.data + text.size - 8))
            return true;
    }
    return is_all(bytes_slice_of(text.data + i, text.size - i), VALUE);
}

bool h2_text_is_target(bytes_slice text) {
    return text.size > 0 && is_all(text, PATH);
}

/* Splits off the port. The host of an IPv6 literal keeps its brackets (RFC 3986 §3.2.2). */
static bool split_authority(bytes_slice text, bytes_slice *host, bytes_slice *port) {
    size_t end = 0;
    if (text.size > 0 && text.data[0] == '[') {
        const uint8_t *bracket = memchr(text.data, ']', text.size);
        if (!bracket)
            return false;
        end = (size_t)(bracket - text.data) + 1;
    } else {
        const uint8_t *colon = text.size ? memchr(text.data, ':', text.size) : NULL;
        end = colon ? (size_t)(colon - text.data) : text.size;
    }
    *host = bytes_slice_of(text.data, end);
    *port = bytes_slice_of(text.data + end, text.size - end);
    if (port->size > 0) {
        if (port->data[0] != ':' || port->size == 1)
            return false;
        *port = bytes_slice_of(port->data + 1, port->size - 1);
    }
    return true;
}

static bool is_address_literal(bytes_slice host) {
    if (host.size < 4)
        return false;
    for (size_t i = 1; i < host.size - 1; i++)
        if (!(kinds[host.data[i]] & HEX) && host.data[i] != ':' && host.data[i] != '.')
            return false;
    return true;
}

static bool is_reg_name(bytes_slice host) {
    if (host.size == 0 || !is_all(host, HOST))
        return false;
    const uint8_t *end = host.data + host.size, *p = host.data;
    for (; (p = memchr(p, '%', (size_t)(end - p))); p++)
        if (end - p < 3 || !(kinds[p[1]] & HEX) || !(kinds[p[2]] & HEX))
            return false;
    return true;
}

static bool is_port(bytes_slice port) {
    uint32_t number = 0;
    if (port.size > 5 || !is_all(port, DIGIT))
        return false;
    for (size_t i = 0; i < port.size; i++)
        number = number * 10 + (uint32_t)(port.data[i] - '0');
    return number <= 65535;
}

bool h2_text_is_authority(bytes_slice text) {
    bytes_slice host, port;
    if (!split_authority(text, &host, &port) || !is_port(port))
        return false;
    return host.size > 0 && host.data[0] == '[' ? is_address_literal(host) : is_reg_name(host);
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool h2_text_equal_caseless(bytes_slice a, bytes_slice b) {
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool h2_text_same_authority(bytes_slice a, bytes_slice b, bool is_https) {
    bytes_slice host_a, port_a, host_b, port_b;
    if (!split_authority(a, &host_a, &port_a) || !split_authority(b, &host_b, &port_b))
        return false;
    bytes_slice scheme_port = is_https ? BYTES_LITERAL("443") : BYTES_LITERAL("80");
    return h2_text_equal_caseless(host_a, host_b) &&
           bytes_slice_equal(port_a.size ? port_a : scheme_port,
                             port_b.size ? port_b : scheme_port);
}

int64_t h2_text_parse_length(bytes_slice text) {
    int64_t value = 0;
    if (text.size == 0 || !is_all(text, DIGIT))
        return -1;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (text.data[i] - '0');
        if (value > (INT64_C(1) << 53) - 1)
            return -1;
    }
    return value;
}
