#include "hpack/huffman.h"

#include "hpack/huffman_table.h"
#include "hpack/words.h"

#define LONGEST_CODE 30
#define LONG_LENGTHS (sizeof(huffman_long) / sizeof(huffman_long[0]))

/* The parts of a step; huffman_table.h tells their places. */
static inline unsigned step_symbols(uint32_t step) {
    return step >> 24;
}

static inline unsigned step_bits(uint32_t step) {
    return step >> 16 & 15;
}

static inline unsigned step_first_bits(uint32_t step) {
    return step >> 20 & 15;
}

static inline uint32_t next_step(uint64_t bits) {
    return huffman_steps[bits >> (64 - HUFFMAN_STEP_BITS)];
}

static inline void spend(hpack_huffman *state, unsigned n) {
    state->bits <<= n;
    state->count -= n;
}

enum long_outcome { LONG_DECODED, LONG_INCOMPLETE, LONG_EOS };

/* Decodes one code that is longer than a step. */
static enum long_outcome decode_long(hpack_huffman *state, uint8_t *out) {
    uint32_t window = (uint32_t)(state->bits >> 32);
    size_t i = 0;
    while (i < LONG_LENGTHS && window >= huffman_long[i].limit)
        i++;
    unsigned length = i < LONG_LENGTHS ? huffman_long[i].length : LONGEST_CODE;
    if (length > state->count)
        return LONG_INCOMPLETE;
    if (i == LONG_LENGTHS)
        return LONG_EOS;
    uint32_t nth = (window >> (32 - length)) - huffman_long[i].first;
    *out = huffman_long_symbols[huffman_long[i].offset + nth];
    spend(state, length);
    return LONG_DECODED;
}

/* Decodes while eight octets can be loaded at once. Bits past state->count may stand in state->bits
 * already; loading their octet again sets them to the same values. NULL for EOS. */
static uint8_t *decode_bulk(hpack_huffman *state, const uint8_t **in, const uint8_t *end,
                            uint8_t *out) {
    hpack_huffman s = *state;
    const uint8_t *p = *in;
    while (end - p >= 8) {
        s.bits |= words_load_be64(p) >> s.count;
        p += (63 - s.count) >> 3;
        s.count |= 56;
        do {
            uint32_t step = next_step(s.bits);
            out[0] = (uint8_t)step;
            out[1] = (uint8_t)(step >> 8);
            out += step_symbols(step);
            spend(&s, step_bits(step));
            if (step_symbols(step) == 0) {
                enum long_outcome outcome = decode_long(&s, out);
                if (outcome == LONG_EOS)
                    return NULL;
                if (outcome == LONG_INCOMPLETE)
                    break;
                out++;
            }
        } while (s.count >= HUFFMAN_STEP_BITS);
    }
    *state = s;
    *in = p;
    return out;
}

/* Decodes what is whole in the bits at hand. */
static uint8_t *decode_rest(hpack_huffman *state, uint8_t *out) {
    for (;;) {
        uint32_t step = next_step(state->bits);
        if (step_symbols(step) == 0) {
            enum long_outcome outcome = decode_long(state, out);
            if (outcome != LONG_DECODED)
                return outcome == LONG_EOS ? NULL : out;
            out++;
        } else if (step_bits(step) <= state->count) {
            out[0] = (uint8_t)step;
            out[1] = (uint8_t)(step >> 8);
            out += step_symbols(step);
            spend(state, step_bits(step));
        } else if (step_first_bits(step) <= state->count) {
            *out++ = (uint8_t)step;
            spend(state, step_first_bits(step));
        } else {
            return out;
        }
    }
}

uint8_t *hpack_huffman_decode(hpack_huffman *state, const uint8_t *in, size_t size, uint8_t *out) {
    const uint8_t *end = in + size;
    out = decode_bulk(state, &in, end, out);
    while (out && in < end) {
        while (in < end && state->count <= 56) {
            state->bits |= (uint64_t)*in++ << (56 - state->count);
            state->count += 8;
        }
        out = decode_rest(state, out);
    }
    return out;
}

bool hpack_huffman_can_end(const hpack_huffman *state) {
    return state->count < 8 && state->bits >> 56 == (0xffu << (8 - state->count) & 0xff);
}

uint8_t *hpack_huffman_encode(const uint8_t *in, size_t size, uint8_t *out) {
    const uint8_t *end = out + size;
    uint64_t bits = 0; /* the last `count` bits are to be written, what is above has been */
    unsigned count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << huffman_lengths[in[i]] | huffman_codes[in[i]];
        count += huffman_lengths[in[i]];
        if (count >= 32) {
            if (end - out <= 4)
                return NULL;
            count -= 32;
            words_store_be32(out, (uint32_t)(bits >> count));
            out += 4;
        }
    }
    if (end - out <= (count + 7) / 8)
        return NULL;
    for (; count >= 8; count -= 8)
        *out++ = (uint8_t)(bits >> (count - 8));
    if (count > 0) /* §5.2: the rest is the first bits of EOS, ones */
        *out++ = (uint8_t)(bits << (8 - count) | 0xffu >> count);
    return out;
}
