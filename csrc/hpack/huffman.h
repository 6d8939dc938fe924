/* The Huffman code of RFC 7541 §5.2 and Appendix B, read in pieces of any size. */
#ifndef HPACK_HUFFMAN_H
#define HPACK_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that decoding `n` more octets needs: codes have at least 5 bits, one may have begun before,
 * and octets are stored by twos. */
#define HPACK_HUFFMAN_ROOM(n) ((n)*8 / 5 + 2)
/* The fewest symbols that a string of `n` octets holds: codes have at most 30 bits, padding 7. */
#define HPACK_HUFFMAN_LEAST(n) (((n)*8 + 22) / 30)

/* A decoder between two pieces. All zero at the beginning of a string. */
typedef struct hpack_huffman {
    uint64_t bits;  /* input not decoded yet, from the top */
    unsigned count; /* how many bits that is; under 30 */
} hpack_huffman;

/* Decodes `size` octets to `out`, which has HPACK_HUFFMAN_ROOM(size), and returns where the symbols
 * end, or NULL for a coded EOS. */
uint8_t *hpack_huffman_decode(hpack_huffman *state, const uint8_t *in, size_t size, uint8_t *out);
/* Whether a string may end here: less than an octet is left, and it is padding of ones. */
bool hpack_huffman_can_end(const hpack_huffman *state);

/* Writes the coded string if it is shorter than `size`, and returns where it ends; NULL, and up to
 * `size` octets at `out` are scratch, if it is not. */
uint8_t *hpack_huffman_encode(const uint8_t *in, size_t size, uint8_t *out);

#endif
