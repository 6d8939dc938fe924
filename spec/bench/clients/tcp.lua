-- What plain TCP does, for comparison: tcp.lua serve ADDRESS PORT, and tcp.lua get|put ADDRESS PORT
-- OCTETS, which prints the seconds it took.
local socket = require("socket")

local what, address, port, octets = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4])
local piece = ("x"):rep(1 << 18)

local function send(peer, left)
    while left > 0 do
        local size = math.min(left, #piece)
        assert(peer:send(piece, 1, size))
        left = left - size
    end
end

local function receive(peer, left)
    while left > 0 do
        left = left - #assert(peer:receive(math.min(left, #piece)))
    end
end

if what == "serve" then
    local listener = assert(socket.bind(address, port))
    while true do
        local peer = listener:accept()
        local order, size = peer:receive("*l"):match("(%w+) (%d+)")
        if order == "get" then
            send(peer, tonumber(size))
        else
            receive(peer, tonumber(size))
            peer:send("done\n")
        end
        peer:close()
    end
end

local begun = socket.gettime()
local peer = assert(socket.connect(address, port))
peer:send(("%s %d\n"):format(what, octets))
if what == "get" then
    receive(peer, octets)
else
    send(peer, octets)
    assert(peer:receive("*l"))
end
print(("%.6f"):format(socket.gettime() - begun))
