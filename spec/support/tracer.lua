--- The Lua half of a differential scenario: what a program that uses the library is told, as lines
--- of text. Its twin for Node is the Tracer of spec/differential/agent.js; both must print alike.
local http2 = require("http2")
local timers = require("http2.timers")
local clock = require("spec.support.clock")

local tracer = {}

local Tracer = {}
Tracer.__index = Tracer

local active = {} -- all that run now: whose an uncaught error is cannot be known

-- ---------------------------------------------------------------------------- values as text

local show

local function quote(text)
    return '"' .. text:gsub('[%c"\\\x80-\xff]', function(char)
        local code = char:byte()
        if char == '"' or char == "\\" then
            return "\\" .. char
        end
        return code >= 0x80 and utf8.char(code)
            or ({["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"})[char]
            or ("\\u%04x"):format(code)
    end) .. '"'
end

local function show_error(err)
    local name = err.name == "Error" and "" or err.name .. " "
    local has_cause = err.cause ~= nil and err.cause ~= err.message -- one that is not wrapped
    local cause = has_cause and " because of " .. show(err.cause) or ""
    return name .. (err.code or quote(err.message)) .. cause
end

local function show_list(list)
    local items = {}
    for index, value in ipairs(list) do
        items[index] = show(value)
    end
    return "[" .. table.concat(items, ", ") .. "]"
end

local function show_table(object)
    local keys, entries = {}, {}
    for key in pairs(object) do
        if key ~= http2.sensitiveHeaders and key ~= "date" then
            keys[#keys + 1] = key
        end
    end
    table.sort(keys, function(a, b)
        return tostring(a) < tostring(b)
    end)
    for _, key in ipairs(keys) do
        entries[#entries + 1] = key .. ": " .. show(object[key])
    end
    local sensitive = object[http2.sensitiveHeaders]
    if sensitive and #sensitive > 0 then
        entries[#entries + 1] = "sensitive: " .. show_list(sensitive)
    end
    return "{" .. table.concat(entries, ", ") .. "}"
end

function show(value)
    if type(value) == "string" then
        return quote(value)
    elseif type(value) == "table" then
        return http2.isError(value) and show_error(value)
            or #value > 0 and show_list(value)
            or show_table(value)
    elseif type(value) == "userdata" then
        return "object"
    end
    return tostring(value)
end

-- -------------------------------------------------------------------------------- the tracer

local stream_events = {
    ready = 0, response = 2, headers = 2, continue = 0, push = 2, trailers = 2, aborted = 0,
    frameError = 3, finish = 0, ["end"] = 0, error = 1,
}
local session_events = {connect = 0, goaway = 3, frameError = 3, error = 1}

--- A tracer of a program that connects to `port`, or serves.
function tracer.new(port)
    local self = setmetatable({
        port = port, lines = {}, sessions = {}, servers = {}, open = 0,
        is_done = false,
    }, Tracer)
    active[self] = true
    http2.onUncaught(function(err)
        for each in pairs(active) do
            each:log("uncaught", err)
        end
    end)
    return self
end

function Tracer:_line(text)
    if not self.is_finishing then
        self.lines[#self.lines + 1] = text
    end
end

function Tracer:_flush()
    local pending = self.pending
    self.pending = nil
    if pending then
        self:_line(("%s data %d"):format(pending.label, pending.octets))
    end
end

function Tracer:log(...)
    self:_flush()
    local words = {}
    for index = 1, select("#", ...) do
        local value = select(index, ...)
        words[index] = type(value) == "string" and value or show(value)
    end
    self:_line(table.concat(words, " "))
end

--- What a call gives or raises.
function Tracer:attempt(label, fn)
    local ok, result = pcall(fn)
    self:log(label, ok and "gave" or "threw", show(result))
    return ok and result or nil
end

--- Notes events of an object with so many of their arguments.
function Tracer:watch(object, label, events)
    for name, count in pairs(events) do
        object:on(name, function(...)
            local words = {}
            for index = 1, count do
                words[index] = show((select(index, ...)))
            end
            self:log(label, name, table.unpack(words))
        end)
    end
end

function Tracer:stream(stream, label)
    label = label or "stream " .. stream.id
    self:watch(stream, label, stream_events)
    stream:on("close", function()
        self:log(label, "close", stream.rstCode .. (stream.aborted and " aborted" or ""))
    end)
    return stream
end

function Tracer:read(stream, label)
    label = label or "stream " .. stream.id
    stream:on("data", function(chunk)
        if self.pending and self.pending.label ~= label then
            self:_flush()
        end
        self.pending = self.pending or {label = label, octets = 0}
        self.pending.octets = self.pending.octets + #chunk
    end)
    return stream
end

function Tracer:session(session, label)
    label = label or "session"
    self.open = self.open + 1
    self.sessions[session] = true
    self:watch(session, label, session_events)
    session:on("close", function()
        self:log(label, "close")
        self.open = self.open - 1
        self.sessions[session] = nil
        self.is_done = self.open == 0
    end)
    return session
end

function Tracer:connect(options, label)
    return self:session(http2.connect("http://127.0.0.1:" .. self.port, options), label)
end

--- A request whose events are noted.
function Tracer:request(session, headers, options, label)
    return self:stream(session:request(headers, options), label or "request")
end

--- Closes the session after its last request, when what else belongs to that has happened.
function Tracer:close_after(request, session)
    request:on("close", function()
        self:after(20, function() session:close() end)
    end)
end

--- A server whose streams go to the handler, all of them noted.
function Tracer:serve(options, handler)
    local server = http2.createServer(options)
    server:on("stream", function(stream, headers, flags, raw)
        self:log("server stream", stream.id, headers, flags)
        self:stream(stream)
        if handler then
            handler(stream, headers, flags, raw)
        end
    end)
    return self:listen(server)
end

function Tracer:listen(server)
    self.servers[#self.servers + 1] = server
    self:watch(server, "server", {sessionError = 1, error = 1, handlerError = 1})
    server:on("session", function(session)
        self:session(session)
    end)
    server:listen(0, "127.0.0.1", function()
        self.port = server:address().port
    end)
    return server
end

--- Puts a call off: spec/support/clock.lua says when it is time.
function Tracer:after(ms, fn)
    clock.after(ms, function()
        timers.setImmediate(fn)
    end, self.rank)
end

--- The same by the clock on the wall, beside timeouts of the library.
function Tracer.later(_, ms, fn)
    timers.setTimeout(fn, ms)
end

--- Ends what is left, and gives the trace.
function Tracer:finish()
    self:_flush()
    self.is_finishing = true
    for session in pairs(self.sessions) do
        session:destroy()
    end
    for _, server in ipairs(self.servers) do
        server:close()
    end
    for _ = 1, 100 do
        if not http2.run("nowait") then
            break
        end
    end
    active[self] = nil
    if next(active) == nil then
        http2.onUncaught(nil)
    end
    return self.lines
end

return tracer
