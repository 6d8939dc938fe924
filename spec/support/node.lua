--- Node as the other half of the differential scenarios: one process, to which the programs go over
--- a socket (see spec/differential/agent.js for the orders).
local cjson = require("cjson")
local socket = require("socket")
local process = require("spec.support.process")
local rawpeer = require("spec.support.rawpeer")

local node = {}

local agent -- the process and its connection, once there is one
local count = 0

local Program = {}
Program.__index = Program

local function start()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    listener:settimeout(60)
    local child = process.start{"node", "spec/differential/agent.js", tostring(port)}
    local connection = listener:accept()
    listener:close()
    assert(connection, "Node does not start:\n" .. child:output())
    connection:settimeout(0)
    agent = {child = child, connection = connection, input = "", programs = {}}
end

--- Ends the process; for `teardown`.
function node.stop()
    if agent then
        agent.connection:close()
        agent.child:stop()
        agent = nil
    end
end

local function send(order)
    agent.connection:settimeout(60)
    assert(agent.connection:send(cjson.encode(order) .. "\n"))
    agent.connection:settimeout(0)
end

local function dispatch(message)
    if message.synced then
        agent.synced = math.tointeger(message.synced)
        return
    end
    local program = agent.programs[message.id]
    if not program then
        return -- what its sessions still say after the end
    end
    if message.after then
        program.on_after(message.ms, math.tointeger(message.after))
    end
    if message.line then
        program.lines[#program.lines + 1] = message.line
    end
    program.port = math.tointeger(message.port) or program.port
    program.is_done = program.is_done or message.done
    program.is_finished = program.is_finished or message.finished
end

--- Takes what Node has reported.
function node.turn()
    if not agent then
        return
    end
    local data, err, partial = agent.connection:receive(65536)
    local input = agent.input .. (data or partial)
    assert(err ~= "closed", "Node has ended:\n" .. agent.child:output())
    agent.input = input:match("[^\n]*$")
    for line in input:gmatch("([^\n]*)\n") do
        dispatch(cjson.decode(line))
    end
end

--- Asks Node to let its event loop turn; gives a number for `node.is_synced`.
function node.sync()
    if not agent then
        start()
    end
    agent.syncs = (agent.syncs or 0) + 1
    send{sync = agent.syncs}
    return agent.syncs
end

--- Whether it has turned since then.
function node.is_synced(number)
    return (agent.synced or 0) >= number
end

--- Starts a program, the body of a function of (t, http2, require), that connects to `port`, or
--- serves: an object with the fields of a tracer. What it puts off, `on_after(ms, number)` is told.
function node.new(code, port, on_after)
    if not agent then
        start()
    end
    count = count + 1
    local program = setmetatable({id = count, lines = {}, port = port, is_done = false,
        on_after = on_after}, Program)
    agent.programs[count] = program
    send{start = count, code = code, port = port}
    return program
end

--- Calls what was put off.
function Program:fire(number)
    send{fire = self.id, after = number}
end

--- Ends what is left, and gives the trace.
function Program:finish()
    send{finish = self.id}
    assert(rawpeer.turn_until(function()
        node.turn()
        return self.is_finished
    end), "Node does not answer")
    agent.programs[self.id] = nil
    return self.lines
end

return node
