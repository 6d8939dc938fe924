--- Bodies of a given size that differ at every offset: lines of 16 octets, each with its number.
--- Works under Lua 5.4 and LuaJIT; the same in JavaScript is in spec/interop/payload.js.
local payload = {}

local master = ""

local function grow(size)
    local lines = {master}
    for number = #master / 16, math.floor(size / 16) do
        lines[#lines + 1] = ("%015.0f\n"):format(number)
    end
    master = table.concat(lines)
end

--- The first `size` octets.
function payload.make(size)
    return payload.slice(0, size)
end

--- `size` octets from `offset` (from 0) on.
function payload.slice(offset, size)
    if offset + size > #master then
        grow(offset + size)
    end
    return master:sub(offset + 1, offset + size)
end

--- Where two strings begin to differ, for messages; nil when they are the same.
function payload.difference(got, wanted)
    if got == wanted then
        return nil
    end
    local offset = 1
    while got:byte(offset) == wanted:byte(offset) do
        offset = offset + 1
    end
    return ("%d octets instead of %d, different from octet %d on"):format(
        #got, #wanted, offset - 1)
end

return payload
