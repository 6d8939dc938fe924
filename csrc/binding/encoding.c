#include "binding/encoding.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    lh2_encoding encoding;
} names[] = {{"utf8", LH2_UTF8},        {"utf-8", LH2_UTF8},          {"latin1", LH2_LATIN1},
             {"binary", LH2_LATIN1},    {"ascii", LH2_ASCII},         {"hex", LH2_HEX},
             {"base64", LH2_BASE64},    {"base64url", LH2_BASE64URL}, {"utf16le", LH2_UTF16LE},
             {"utf-16le", LH2_UTF16LE}, {"ucs2", LH2_UTF16LE},        {"ucs-2", LH2_UTF16LE}};

int lh2_encoding_of(const char *name) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i].name, name) == 0)
            return (int)names[i].encoding;
    return -1;
}

const char *lh2_encoding_name(lh2_encoding encoding) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].encoding == encoding)
            return names[i].name;
    return NULL;
}

/* ------------------------------------------------------------------------------------- UTF-8 */

static uint8_t *put_replacement(uint8_t *text) {
    memcpy(text, "\xEF\xBF\xBD", 3);
    return text + 3;
}

static uint8_t *put_character(uint8_t *text, uint32_t character) {
    if (character < 0x80) {
        *text++ = (uint8_t)character;
    } else if (character < 0x800) {
        *text++ = (uint8_t)(0xC0 | character >> 6);
        *text++ = (uint8_t)(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        *text++ = (uint8_t)(0xE0 | character >> 12);
        *text++ = (uint8_t)(0x80 | (character >> 6 & 0x3F));
        *text++ = (uint8_t)(0x80 | (character & 0x3F));
    } else {
        *text++ = (uint8_t)(0xF0 | character >> 18);
        *text++ = (uint8_t)(0x80 | (character >> 12 & 0x3F));
        *text++ = (uint8_t)(0x80 | (character >> 6 & 0x3F));
        *text++ = (uint8_t)(0x80 | (character & 0x3F));
    }
    return text;
}

/* Octets of the character that `lead` begins; 0: it begins none. */
static int utf8_length(uint8_t lead) {
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Whether `octet` may follow what is carried (RFC 3629 §4). */
static bool utf8_follows(const lh2_carry *carry, uint8_t octet) {
    uint8_t min = 0x80, max = 0xBF;
    if (carry->size == 1) {
        switch (carry->octets[0]) {
        case 0xE0:
            min = 0xA0;
            break;
        case 0xED:
            max = 0x9F; /* surrogates */
            break;
        case 0xF0:
            min = 0x90;
            break;
        case 0xF4:
            max = 0x8F;
            break;
        default:
            break;
        }
    }
    return octet >= min && octet <= max;
}

static uint8_t *utf8_octet(lh2_carry *carry, uint8_t octet, uint8_t *text) {
    if (carry->size > 0 && !utf8_follows(carry, octet)) {
        text = put_replacement(text);
        carry->size = 0;
    }
    if (carry->size == 0 && utf8_length(octet) == 0)
        return put_replacement(text);
    carry->octets[carry->size++] = octet;
    if (carry->size < utf8_length(carry->octets[0]))
        return text;
    memcpy(text, carry->octets, carry->size);
    text += carry->size;
    carry->size = 0;
    return text;
}

static uint8_t *utf8_text(lh2_carry *carry, const uint8_t *octets, size_t size, uint8_t *text) {
    for (size_t i = 0; i < size; i++) {
        if (carry->size == 0 && octets[i] < 0x80)
            *text++ = octets[i];
        else
            text = utf8_octet(carry, octets[i], text);
    }
    return text;
}

/* Reads a character; returns the octets it took (1 for what is not valid, read as U+FFFD). */
static size_t get_character(const uint8_t *text, size_t size, uint32_t *character) {
    static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    lh2_carry carry = {{text[0]}, 1};
    int length = utf8_length(text[0]);
    uint32_t value = text[0] & masks[length];
    while (carry.size < length) {
        if (carry.size >= size || !utf8_follows(&carry, text[carry.size])) {
            length = 0;
            break;
        }
        value = value << 6 | (text[carry.size] & 0x3F);
        carry.size++;
    }
    *character = length == 0 ? 0xFFFD : value;
    return length == 0 ? 1 : (size_t)length;
}

/* ------------------------------------------------------------------------------------ UTF-16 */

static uint32_t carried_unit(const lh2_carry *carry, int at) {
    return (uint32_t)carry->octets[at] | (uint32_t)carry->octets[at + 1] << 8;
}

static bool is_high_surrogate(uint32_t unit) {
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low_surrogate(uint32_t unit) {
    return unit >= 0xDC00 && unit < 0xE000;
}

/* Carries at most a high surrogate and half of what follows it. */
static uint8_t *utf16_octet(lh2_carry *carry, uint8_t octet, uint8_t *text) {
    carry->octets[carry->size++] = octet;
    if (carry->size == 4) {
        uint32_t high = carried_unit(carry, 0), low = carried_unit(carry, 2);
        if (is_low_surrogate(low)) {
            carry->size = 0;
            return put_character(text, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
        }
        text = put_replacement(text);
        memmove(carry->octets, carry->octets + 2, 2);
        carry->size = 2;
    }
    if (carry->size == 2) {
        uint32_t unit = carried_unit(carry, 0);
        if (is_high_surrogate(unit))
            return text;
        carry->size = 0;
        return is_low_surrogate(unit) ? put_replacement(text) : put_character(text, unit);
    }
    return text;
}

static uint8_t *put_unit(uint8_t *octets, uint32_t unit) {
    *octets++ = (uint8_t)unit;
    *octets++ = (uint8_t)(unit >> 8);
    return octets;
}

static uint8_t *utf16_octets(const uint8_t *text, size_t size, uint8_t *octets) {
    uint32_t character;
    for (size_t at = 0; at < size;) {
        at += get_character(text + at, size - at, &character);
        if (character >= 0x10000) {
            octets = put_unit(octets, 0xD800 + ((character - 0x10000) >> 10));
            character = 0xDC00 + ((character - 0x10000) & 0x3FF);
        }
        octets = put_unit(octets, character);
    }
    return octets;
}

/* ------------------------------------------------------------------------------ hex, base64 */

static uint8_t *hex_octet(uint8_t octet, uint8_t *text) {
    static const char digits[] = "0123456789abcdef";
    *text++ = (uint8_t)digits[octet >> 4];
    *text++ = (uint8_t)digits[octet & 15];
    return text;
}

static int hex_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static uint8_t *hex_octets(const uint8_t *text, size_t size, uint8_t *octets) {
    for (size_t i = 0; i + 1 < size; i += 2) {
        int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        if (high < 0 || low < 0)
            break;
        *octets++ = (uint8_t)(high << 4 | low);
    }
    return octets;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Writes a group of up to three octets as digits, padded where the alphabet pads (RFC 4648 §4, §5). */
static uint8_t *base64_group(lh2_encoding encoding, lh2_carry *carry, uint8_t *text) {
    const char *digits = encoding == LH2_BASE64 ? base64_digits : base64url_digits;
    uint32_t group = 0;
    for (int i = 0; i < 3; i++)
        group = group << 8 | (i < carry->size ? carry->octets[i] : 0);
    for (int i = 0; i < 4; i++) {
        if (i <= carry->size)
            *text++ = (uint8_t)digits[group >> (18 - 6 * i) & 63];
        else if (encoding == LH2_BASE64)
            *text++ = '=';
    }
    carry->size = 0;
    return text;
}

static uint8_t *base64_octet(lh2_encoding encoding, lh2_carry *carry, uint8_t octet,
                             uint8_t *text) {
    carry->octets[carry->size++] = octet;
    return carry->size == 3 ? base64_group(encoding, carry, text) : text;
}

/* Of either alphabet; -1: no digit. */
static int base64_value(uint8_t digit) {
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    if (digit == '+' || digit == '-')
        return 62;
    return digit == '/' || digit == '_' ? 63 : -1;
}

/* What is no digit is skipped, as line ends are; '=' ends. */
static uint8_t *base64_octets(const uint8_t *text, size_t size, uint8_t *octets) {
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < size && text[i] != '='; i++) {
        int value = base64_value(text[i]);
        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *octets++ = (uint8_t)(bits >> count);
        }
    }
    return octets;
}

/* -------------------------------------------------------------------------- both directions */

size_t lh2_text_bound(lh2_encoding encoding, size_t size) {
    switch (encoding) {
    case LH2_UTF8:
    case LH2_UTF16LE:
        return (size + 4) * 3;
    case LH2_HEX:
        return size * 2;
    case LH2_BASE64:
    case LH2_BASE64URL:
        return (size + 2) / 3 * 4 + 4;
    default:
        return size;
    }
}

size_t lh2_text_of(lh2_encoding encoding, lh2_carry *carry, const uint8_t *octets, size_t size,
                   uint8_t *text) {
    uint8_t *at = text;
    if (encoding == LH2_UTF8)
        return (size_t)(utf8_text(carry, octets, size, text) - text);
    for (size_t i = 0; i < size; i++) {
        switch (encoding) {
        case LH2_ASCII:
            *at++ = octets[i] & 0x7F;
            break;
        case LH2_HEX:
            at = hex_octet(octets[i], at);
            break;
        case LH2_BASE64:
        case LH2_BASE64URL:
            at = base64_octet(encoding, carry, octets[i], at);
            break;
        case LH2_UTF16LE:
            at = utf16_octet(carry, octets[i], at);
            break;
        default:
            *at++ = octets[i];
        }
    }
    return (size_t)(at - text);
}

size_t lh2_text_end(lh2_encoding encoding, lh2_carry *carry, uint8_t *text) {
    uint8_t *at = text;
    if (carry->size > 0 && (encoding == LH2_BASE64 || encoding == LH2_BASE64URL))
        at = base64_group(encoding, carry, at);
    else if (carry->size > 0)
        at = put_replacement(at);
    carry->size = 0;
    return (size_t)(at - text);
}

bool lh2_is_identity(lh2_encoding encoding) {
    return encoding <= LH2_ASCII;
}

size_t lh2_octets_bound(lh2_encoding encoding, size_t size) {
    return encoding == LH2_UTF16LE ? size * 2 : size;
}

size_t lh2_octets_of(lh2_encoding encoding, const uint8_t *text, size_t size, uint8_t *octets) {
    uint8_t *end;
    switch (encoding) {
    case LH2_HEX:
        end = hex_octets(text, size, octets);
        break;
    case LH2_BASE64:
    case LH2_BASE64URL:
        end = base64_octets(text, size, octets);
        break;
    case LH2_UTF16LE:
        end = utf16_octets(text, size, octets);
        break;
    default:
        memcpy(octets, text, size);
        end = octets + size;
    }
    return (size_t)(end - octets);
}
