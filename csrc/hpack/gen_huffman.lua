-- Writes huffman_table.h: lua5.4 gen_huffman.lua > huffman_table.h
--
-- The code of RFC 7541 Appendix B is canonical: it follows from the code lengths alone, shorter
-- codes first and equal lengths in the order of the symbols. So only the lengths stand here.

-- Code lengths of the symbols 0 to 255, and of EOS (256).
local lengths = {[0] =
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
}

local EOS = 256
local LONGEST = 30
local STEP_BITS = 11 -- what one look into the table of steps takes from the input at most

-- Symbols in canonical order, and the code of each.
local order, codes = {}, {}
for symbol = 0, EOS do
    order[#order + 1] = symbol
end
table.sort(order, function(a, b)
    if lengths[a] ~= lengths[b] then
        return lengths[a] < lengths[b]
    end
    return a < b
end)
local next_code, length = 0, lengths[order[1]]
for _, symbol in ipairs(order) do
    next_code = next_code << (lengths[symbol] - length)
    length = lengths[symbol]
    codes[symbol] = next_code
    next_code = next_code + 1
end
assert(next_code == 1 << LONGEST, "the code is not complete")

-- The symbol whose code begins the `width` bits of `window`, or nil where it is longer than that.
local function first_symbol(window, width)
    for _, symbol in ipairs(order) do
        local n = lengths[symbol]
        if n > width then
            return nil
        end
        if window >> (width - n) == codes[symbol] then
            return symbol
        end
    end
end

-- One step: up to two whole symbols in the next STEP_BITS bits.
local function step(window)
    local first = first_symbol(window, STEP_BITS)
    if not first then
        return 0
    end
    local rest = STEP_BITS - lengths[first]
    local second = first_symbol(window & (1 << rest) - 1, rest)
    local count = second and 2 or 1
    local total = lengths[first] + (second and lengths[second] or 0)
    return first | (second or 0) << 8 | total << 16 | lengths[first] << 20 | count << 24
end

local function write_array(declaration, values, per_line, format)
    io.write("static const ", declaration, " = {\n")
    for i = 1, #values, per_line do
        local line = {}
        for j = i, math.min(i + per_line - 1, #values) do
            line[#line + 1] = format:format(values[j])
        end
        io.write("    ", table.concat(line, ", "), ",\n")
    end
    io.write("};\n")
end

local function encoding_tables()
    local code_list, length_list = {}, {}
    for symbol = 0, EOS - 1 do
        code_list[#code_list + 1] = codes[symbol]
        length_list[#length_list + 1] = lengths[symbol]
    end
    io.write("\n/* The code of each octet, right-aligned, and its length in bits. */\n")
    write_array("uint32_t huffman_codes[256]", code_list, 8, "0x%07x")
    write_array("uint8_t huffman_lengths[256]", length_list, 16, "%2d")
end

local function step_table()
    local steps = {}
    for window = 0, (1 << STEP_BITS) - 1 do
        steps[#steps + 1] = step(window)
    end
    io.write([[

/* What the next HUFFMAN_STEP_BITS bits hold: the first symbol in bits 0-7, the second in 8-15,
 * the bits of both in 16-19, those of the first in 20-23, and the number of symbols in 24-25: none
 * where the first code is longer than a step. */
]])
    io.write("#define HUFFMAN_STEP_BITS ", STEP_BITS, "\n")
    write_array("uint32_t huffman_steps[1 << HUFFMAN_STEP_BITS]", steps, 8, "0x%07x")
end

local function long_codes()
    local symbols, rows = {}, {}
    for _, symbol in ipairs(order) do
        local n = lengths[symbol]
        if n > STEP_BITS and symbol ~= EOS then
            local row = rows[#rows]
            if not row or row.length ~= n then
                row = {length = n, first = codes[symbol], offset = #symbols}
                rows[#rows + 1] = row
            end
            row.limit = (codes[symbol] + 1) << (32 - n)
            symbols[#symbols + 1] = symbol
        end
    end
    io.write([[

/* The longer codes, by length. `limit` is the first value of 32 bits past the codes of a length,
 * `first` the first of these codes, `offset` its symbol's place below. EOS is past them all. */
static const struct {
    uint32_t limit;
    uint32_t first;
    uint8_t length;
    uint8_t offset;
} huffman_long[] = {
]])
    local line = "    {0x%08x, 0x%07x, %d, %d},\n"
    for _, row in ipairs(rows) do
        io.write(line:format(row.limit, row.first, row.length, row.offset))
    end
    io.write("};\n")
    write_array("uint8_t huffman_long_symbols[]", symbols, 16, "%3d")
end

io.write([[
/* Made by gen_huffman.lua from the code lengths of RFC 7541 Appendix B; not to be edited. */
#ifndef HPACK_HUFFMAN_TABLE_H
#define HPACK_HUFFMAN_TABLE_H

#include <stdint.h>
]])
encoding_tables()
step_table()
long_codes()
io.write("\n#endif\n")
