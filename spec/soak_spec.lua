-- A million requests, one in ten of them reset, one in a hundred cut off with its connection: the
-- server ends with the memory, the handles and the objects it began with. SOAK_REQUESTS is another
-- number of requests.
local socket = require("socket")
local frames = require("spec.support.frames")
local process = require("spec.support.process")

local total = tonumber(os.getenv("SOAK_REQUESTS")) or 1000000

-- --------------------------------------------------------------------- a client that is fast

local Client = {}
Client.__index = Client

local end_headers, end_stream = frames.END_HEADERS, frames.END_STREAM
local window = frames.window_update(0, 0x3fffffff)

local function connect(port)
    local connection = assert(socket.tcp4())
    assert(connection:connect("127.0.0.1", port))
    connection:settimeout(0)
    connection:setoption("tcp-nodelay", true)
    local self = setmetatable({socket = connection, input = "", at = 1, next_id = 1}, Client)
    self:send(frames.preface .. frames.settings() .. frames.settings_ack() .. window)
    return self
end

function Client:send(octets)
    local sent = 0
    repeat
        local last, err, partial = self.socket:send(octets, sent + 1)
        assert(last or err == "timeout", err)
        sent = last or partial
        if sent < #octets then
            socket.select(nil, {self.socket}, 60)
        end
    until sent == #octets
end

-- A header block is the same for all requests of a path; only the stream differs.
local blocks = {}
local function block_of(path)
    blocks[path] = blocks[path] or frames.get(1, path):sub(10)
    return blocks[path]
end

-- Sends so many requests for the path at once; gives their identifiers.
function Client:request(path, count)
    local block = block_of(path)
    local octets, ids = {}, {}
    for index = 1, count do
        ids[index] = self.next_id
        octets[index] = string.pack(">I3BBI4", #block, frames.HEADERS, end_headers | end_stream,
            self.next_id) .. block
        self.next_id = self.next_id + 2
    end
    self:send(table.concat(octets))
    return ids
end

-- The type, flags and payload of the next frame.
function Client:read()
    while true do
        local left = #self.input - self.at + 1
        if left >= 9 then
            local length, type, flags = string.unpack(">I3BB", self.input, self.at)
            if left >= 9 + length then
                local first = self.at + 9
                self.at = first + length
                return type, flags, first, first + length - 1
            end
        end
        local data, err, some = self.socket:receive(65536)
        if err == "timeout" and some == "" then
            assert(#socket.select({self.socket}, nil, 60) > 0, "the server is silent")
        else
            assert(err ~= "closed", "the server has closed the connection")
            self.input = self.input:sub(self.at) .. (data or some)
            self.at = 1
        end
    end
end

-- Reads until so many streams have ended; gives the last body.
function Client:await_ends(count)
    local body
    while count > 0 do
        local type, flags, first, last = self:read()
        assert(type == frames.DATA or type == frames.HEADERS or type == frames.SETTINGS
            or type == frames.PING or type == frames.WINDOW_UPDATE, "a frame of type " .. type)
        if type == frames.DATA then
            body = self.input:sub(first, last)
        end
        if (type == frames.DATA or type == frames.HEADERS) and flags & end_stream ~= 0 then
            count = count - 1
        end
    end
    return body
end

-- Waits until all that was sent has been read.
function Client:await_pong()
    self:send(frames.ping())
    repeat
        local type, flags = self:read()
    until type == frames.PING and flags & frames.ACK ~= 0
end

function Client:reset(ids)
    local octets = {}
    for index, id in ipairs(ids) do
        octets[index] = frames.rst_stream(id, frames.errors.CANCEL)
    end
    self:send(table.concat(octets))
end

-- The connection dies: a TCP reset.
function Client:die()
    self.socket:setoption("linger", {on = true, timeout = 0})
    self.socket:close()
end

-- ------------------------------------------------------------------------------- the traffic

-- A thousand requests: 890 answered, 100 reset, 10 cut off with their connection.
local function thousand(client, port)
    for _ = 1, 10 do
        client:request("/", 89)
        client:await_ends(89)
    end
    local ids = client:request("/hang", 100)
    client:await_pong()
    client:reset(ids)
    local doomed = connect(port)
    doomed:request("/hang", 10)
    doomed:await_pong()
    doomed:die()
end

-- What the server holds: numbers by name.
local function ask_state(port)
    local client = connect(port)
    client:request("/state", 1)
    local state = {}
    local next_number = client:await_ends(1):gmatch("%d+")
    for _, name in ipairs{"lua", "resident", "descriptors", "references", "objects"} do
        state[name] = tonumber(next_number())
    end
    client.socket:close()
    return state
end

-- What it holds when it has found out who is dead: when `is_over(state)`, which is soon, or in the
-- end.
local function await_state(port, is_over)
    local deadline = socket.gettime() + 60
    local state
    repeat
        socket.sleep(0.05)
        state = ask_state(port)
    until is_over(state) or socket.gettime() > deadline
    return state
end

local function run(port, requests)
    local client = connect(port)
    for _ = 1, requests // 1000 do
        thousand(client, port)
    end
    client:await_pong()
    client:die()
end

local has_asan = (os.getenv("LD_PRELOAD") or ""):find("asan") -- which keeps what is freed

describe(("%d requests"):format(total), function()
    it("leave a server as it was", function()
        local server, port = process.start_server("spec/support/soak_server.lua")
        finally(function() server:stop() end)
        run(port, math.max(total // 20, 3000))
        local last
        local before = await_state(port, function(state)
            local is_steady = last and last.descriptors == state.descriptors
                and last.references == state.references and last.lua == state.lua
            last = state
            return is_steady and state.objects == 0
        end)
        run(port, total)
        local after = await_state(port, function(state)
            return state.objects == 0 and state.descriptors == before.descriptors
                and state.references == before.references and state.lua <= before.lua + 16
        end)
        assert.equal(0, before.objects)
        assert.equal(0, after.objects)
        assert.equal(before.descriptors, after.descriptors)
        assert.equal(before.references, after.references)
        assert.is_true(after.lua - before.lua <= 16, ("Lua's memory: %d KiB, then %d"):format(
            before.lua, after.lua))
        if not has_asan then
            assert.is_true(after.resident - before.resident <= 1024,
                ("the resident memory: %d KiB, then %d"):format(before.resident, after.resident))
        end
    end)
end)
