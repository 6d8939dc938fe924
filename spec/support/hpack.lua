--- HPACK (RFC 7541) for the scripted peer: an encoder of plain literals, wrong ones where wanted,
--- and a whole decoder. Made for clarity, and independent of the library.
local hpack = {}

-- Appendix A.
local static_table = {}
for name, values in ([[
:authority= :method=GET|POST :path=/|/index.html :scheme=http|https
:status=200|204|206|304|400|404|500 accept-charset= accept-encoding=gzip,_deflate
accept-language= accept-ranges= accept= access-control-allow-origin= age= allow= authorization=
cache-control= content-disposition= content-encoding= content-language= content-length=
content-location= content-range= content-type= cookie= date= etag= expect= expires= from= host=
if-match= if-modified-since= if-none-match= if-range= if-unmodified-since= last-modified= link=
location= max-forwards= proxy-authenticate= proxy-authorization= range= referer= refresh=
retry-after= server= set-cookie= strict-transport-security= transfer-encoding= user-agent= vary=
via= www-authenticate=]]):gmatch("(:?[%w-]+)=(%S*)") do
    for value in (values .. "|"):gmatch("([^|]*)|") do
        static_table[#static_table + 1] = {name, (value:gsub("_", " "))}
    end
end
assert(#static_table == 61)

-- Appendix B is a canonical code: the symbols of each length, shortest first, are all there is to
-- know of it. Runs are written as first-last.
local symbols_by_length = {
    [5] = "48-50 97 99 101 105 111 115 116",
    [6] = "32 37 45-47 51-57 61 65 95 98 100 102-104 108-110 112 114 117",
    [7] = "58 66-87 89 106 107 113 118-122",
    [8] = "38 42 44 59 88 90",
    [10] = "33 34 40 41 63",
    [11] = "39 43 124",
    [12] = "35 62",
    [13] = "0 36 64 91 93 126",
    [14] = "94 125",
    [15] = "60 96 123",
    [19] = "92 195 208",
    [20] = "128 130 131 162 184 194 224 226",
    [21] = "153 161 167 172 176 177 179 209 216 217 227 229 230",
    [22] = "129 132 133 134 136 146 154 156 160 163 164 169 170 173 178 181 185 186 187 189 190 "
        .. "196 198 228 232 233",
    [23] = "1 135 137-141 143 147 149-152 155 157 158 165 166 168 174 175 180 182 183 188 191 197 "
        .. "231 239",
    [24] = "9 142 144 145 148 159 171 206 215 225 236 237",
    [25] = "199 207 234 235",
    [26] = "192 193 200-202 205 210 213 218 219 238 240 242 243 255",
    [27] = "203 204 211 212 214 221-223 241 244-247 248 250-254",
    [28] = "2-8 11 12 14-21 23-31 127 220 249",
    [30] = "10 13 22 256",
}

local huffman_codes = {} -- [length][code] = symbol

local function assign_codes()
    local code = 0
    for length = 1, 30 do
        local codes = {}
        for first, last in (symbols_by_length[length] or ""):gmatch("(%d+)%-?(%d*)") do
            for symbol = tonumber(first), tonumber(last) or tonumber(first) do
                codes[code] = symbol
                code = code + 1
            end
        end
        huffman_codes[length] = codes
        code = code << 1
    end
    assert(code == 1 << 31, "the Huffman code is not complete")
end
assign_codes()

local function huffman_decode(text)
    local out, code, length = {}, 0, 0
    for index = 1, #text do
        local byte = text:byte(index)
        for bit = 7, 0, -1 do
            code = code << 1 | (byte >> bit & 1)
            length = length + 1
            local symbol = huffman_codes[length] and huffman_codes[length][code]
            if symbol then
                out[#out + 1] = string.char(symbol)
                code, length = 0, 0
            end
        end
    end
    assert(length < 8 and code == (1 << length) - 1, "wrong padding of a Huffman string")
    return table.concat(out)
end

--- §5.1: an integer in the low `prefix` bits of an octet whose high bits are `pattern`.
function hpack.integer(value, prefix, pattern)
    local limit = (1 << prefix) - 1
    if value < limit then
        return string.char(pattern | value)
    end
    local octets = {string.char(pattern | limit)}
    value = value - limit
    while value >= 128 do
        octets[#octets + 1] = string.char(value & 127 | 128)
        value = value >> 7
    end
    octets[#octets + 1] = string.char(value)
    return table.concat(octets)
end

--- §5.2, without Huffman.
function hpack.string(text)
    return hpack.integer(#text, 7, 0) .. text
end

--- §6.2: a literal with a literal name. The form is "plain" (without indexing), "indexed" (with
--- incremental indexing) or "never".
function hpack.literal(name, value, form)
    local first = ({plain = 0x00, indexed = 0x40, never = 0x10})[form or "plain"]
    return string.char(first) .. hpack.string(name) .. hpack.string(value)
end

--- §6.1.
function hpack.index(index)
    return hpack.integer(index, 7, 0x80)
end

--- §6.3.
function hpack.table_size(octets)
    return hpack.integer(octets, 5, 0x20)
end

--- A block of plain literals from {name, value, name, value, ...}.
function hpack.encode(fields)
    local block = {}
    for index = 1, #fields, 2 do
        block[#block + 1] = hpack.literal(fields[index], fields[index + 1])
    end
    return table.concat(block)
end

local Decoder = {}
Decoder.__index = Decoder

function hpack.decoder()
    return setmetatable({entries = {}, size = 0, limit = 4096}, Decoder)
end

function Decoder:_evict(limit)
    while self.size > limit do
        local entry = table.remove(self.entries)
        self.size = self.size - #entry[1] - #entry[2] - 32
    end
end

function Decoder:_add(entry)
    local octets = #entry[1] + #entry[2] + 32
    self:_evict(math.max(self.limit - octets, 0))
    if octets <= self.limit then
        table.insert(self.entries, 1, entry)
        self.size = self.size + octets
    end
end

function Decoder:_entry(index)
    return assert(static_table[index] or self.entries[index - 61], "no entry with this index")
end

function Decoder:_integer(prefix)
    local limit = (1 << prefix) - 1
    local value = self.block:byte(self.at) & limit
    self.at = self.at + 1
    local shift = 0
    while value >= limit do
        local octet = self.block:byte(self.at)
        self.at = self.at + 1
        value = value + ((octet & 127) << shift)
        shift = shift + 7
        if octet < 128 then
            break
        end
    end
    return value
end

function Decoder:_string()
    local is_huffman = self.block:byte(self.at) >= 128
    local length = self:_integer(7)
    local text = self.block:sub(self.at, self.at + length - 1)
    self.at = self.at + length
    return is_huffman and huffman_decode(text) or text
end

function Decoder:_literal(prefix)
    local index = self:_integer(prefix)
    local name = index == 0 and self:_string() or self:_entry(index)[1]
    return {name, self:_string()}
end

-- The next field, or nil for a size update; and whether it is a never-indexed one.
function Decoder:_field()
    local first = self.block:byte(self.at)
    if first >= 0x80 then
        return (self:_entry(self:_integer(7)))
    elseif first >= 0x40 then
        local entry = self:_literal(6)
        self:_add(entry)
        return entry
    elseif first >= 0x20 then
        self.limit = self:_integer(5)
        self:_evict(self.limit)
        return nil
    end
    return self:_literal(4), first >= 0x10
end

--- Decodes a whole block: a list {{name, value}, ...} that has also each (first) value under its
--- name, and under `never` the names that were never-indexed.
function Decoder:decode(block)
    self.block, self.at = block, 1
    local fields = {never = {}}
    while self.at <= #block do
        local entry, is_never = self:_field()
        if entry then
            fields[#fields + 1] = entry
            fields[entry[1]] = fields[entry[1]] or entry[2]
            fields.never[entry[1]] = is_never or nil
        end
    end
    return fields
end

return hpack
