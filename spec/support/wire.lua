--- The frames of one direction of a connection as lines of text: type, stream, flags, and what they
--- hold. Lengths are told of DATA, where they do not depend on the compression.
local frames = require("spec.support.frames")
local hpack = require("spec.support.hpack")

local wire = {}

local Wire = {}
Wire.__index = Wire

-- What is only told on request: when these go out is each implementation's own affair.
local hidden = {
    [frames.WINDOW_UPDATE] = "WINDOW_UPDATE",
    [frames.SETTINGS] = "SETTINGS",
    [frames.PING] = "PING",
}

local flag_names = {
    {frames.END_STREAM, "END_STREAM"}, {frames.PADDED, "PADDED"},
    {frames.HAS_PRIORITY, "PRIORITY"},
}

--- A recorder of what a client or a server sends; `shows` names the frames that are told besides.
function wire.new(is_client, shows)
    local self = setmetatable({
        lines = {}, input = "", skip = is_client and #frames.preface or 0,
        inflate = hpack.decoder(), shows = {}, octets = 0,
    }, Wire)
    for _, name in ipairs(shows or {}) do
        self.shows[name] = true
    end
    return self
end

--- A recorder of what is sealed: it counts octets.
function wire.sealed()
    return {lines = {}, octets = 0, feed = function(self, octets)
        self.octets = self.octets + #octets
    end}
end

local function show_fields(fields)
    local texts = {}
    for index, field in ipairs(fields) do
        local value = field[1] == "date" and "*" or field[2]
        texts[index] = ("%s: %s%s"):format(field[1], value,
            fields.never[field[1]] and " (never indexed)" or "")
    end
    table.sort(texts)
    return "{" .. table.concat(texts, ", ") .. "}"
end

local function show_settings(payload)
    local texts = {}
    for at = 1, #payload, 6 do
        texts[#texts + 1] = ("%d=%d"):format(string.unpack(">I2 I4", payload, at))
    end
    return "[" .. table.concat(texts, " ") .. "]"
end

local details = {
    [frames.DATA] = function(frame)
        return #frame.payload
    end,
    [frames.SETTINGS] = function(frame)
        return frames.has(frame, frames.ACK) and "ACK" or show_settings(frame.payload)
    end,
    [frames.PING] = function(frame)
        return frames.has(frame, frames.ACK) and "ACK" or ""
    end,
    [frames.GOAWAY] = function(frame)
        return ("last=%d"):format(frame.last_id)
    end,
    [frames.WINDOW_UPDATE] = function(frame)
        return "+" .. frame.increment
    end,
    [frames.ALTSVC] = function(frame)
        local origin, after = string.unpack(">s2", frame.payload)
        return ("%q %q"):format(origin, frame.payload:sub(after))
    end,
    [frames.PUSH_PROMISE] = function(frame)
        return "promises " .. frame.promised_id
    end,
}

-- END_HEADERS is not told: blocks are joined.
local function show_flags(frame)
    local names = ""
    if frame.type == frames.DATA or frame.type == frames.HEADERS then
        for _, flag in ipairs(flag_names) do
            if frames.has(frame, flag[1]) then
                names = names .. " " .. flag[2]
            end
        end
    end
    return names
end

function Wire:_tell(frame)
    local is_answer = frame.type == frames.PING and frames.has(frame, frames.ACK)
    if hidden[frame.type] and not self.shows[hidden[frame.type]] and not is_answer then
        return
    end
    local text = frames.describe{type = frame.type, id = frame.id, code = frame.code}
        .. show_flags(frame)
    local detail = details[frame.type]
    if detail then
        text = text .. " " .. detail(frame)
    end
    if frame.fields then
        text = text .. " " .. show_fields(frame.fields)
    end
    self.lines[#self.lines + 1] = (text:gsub("%s+$", ""))
end

function Wire:_take(frame)
    local open = self.open
    if frame.type == frames.HEADERS or frame.type == frames.PUSH_PROMISE then
        open = frame
        open.block = frames.block(frame)
    elseif frame.type == frames.CONTINUATION and open then
        open.block = open.block .. frame.payload
    else
        self:_tell(frame)
        return
    end
    self.open = open
    if frames.has(frame, frames.END_HEADERS) then
        open.fields = self.inflate:decode(open.block)
        self.open = nil
        self:_tell(open)
    end
end

--- Takes octets as they came.
function Wire:feed(octets)
    self.input = self.input .. octets
    self.octets = self.octets + #octets
    if self.skip > 0 then
        if #self.input < self.skip then
            return
        end
        self.input = self.input:sub(self.skip + 1)
        self.skip = 0
    end
    local at = 1
    while true do
        local frame, after = frames.parse(self.input, at)
        if not frame then
            break
        end
        self:_take(frame)
        at = after
    end
    self.input = self.input:sub(at)
end

return wire
