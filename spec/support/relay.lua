--- A relay between a client and a server that notes the frames of both.
local socket = require("socket")
local wire = require("spec.support.wire")

local relay = {}

local Relay = {}
Relay.__index = Relay

--- Listens on a free port, and passes what comes to the server on `port`: {port, client, server},
--- the latter two being the recorders of what each has sent, which cannot be read if it is sealed.
function relay.new(port, shows, is_sealed)
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, own_port = listener:getsockname()
    listener:settimeout(0)
    return setmetatable({
        listener = listener, port = tonumber(own_port), to = port,
        client = is_sealed and wire.sealed() or wire.new(true, shows),
        server = is_sealed and wire.sealed() or wire.new(false, shows), pipes = {},
    }, Relay)
end

local function pipe(from, to, recorder)
    return {from = from, to = to, recorder = recorder, queue = ""}
end

function Relay:_accept()
    local near = self.listener:accept()
    if not near then
        return
    end
    local far = assert(socket.connect("127.0.0.1", self.to))
    for _, end_ in ipairs{near, far} do
        end_:settimeout(0)
        end_:setoption("tcp-nodelay", true)
    end
    self.pipes[#self.pipes + 1] = pipe(near, far, self.client)
    self.pipes[#self.pipes + 1] = pipe(far, near, self.server)
end

-- Reads on only when all has gone on, so that back-pressure passes.
local function pump(each)
    if each.queue == "" and not each.is_ended then
        local data, err, partial = each.from:receive(65536)
        data = data or partial
        each.queue = data
        each.recorder:feed(data)
        each.is_ended = err == "closed"
    end
    if each.queue ~= "" then
        local last, err, partial = each.to:send(each.queue)
        each.queue = err == "closed" and "" or each.queue:sub((last or partial) + 1)
    end
    if each.is_ended and each.queue == "" and not each.is_shut then
        each.is_shut = true
        each.to:shutdown("send")
    end
end

--- Passes on what there is.
function Relay:turn()
    self:_accept()
    for _, each in ipairs(self.pipes) do
        pump(each)
    end
end

--- How much has passed.
function Relay:octets()
    return self.client.octets + self.server.octets
end

function Relay:close()
    self.listener:close()
    for _, each in ipairs(self.pipes) do
        each.from:close()
    end
end

return relay
