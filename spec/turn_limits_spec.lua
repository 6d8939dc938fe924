-- The options that bound what one connection has of a turn of the loop: maxBytesPerTick,
-- maxStreamsPerTick.
local http2 = require("http2")
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("requests in one turn of the loop: a server", function()
    local world = conformance.server{maxStreamsPerTick = 10}

    it("takes so many, and refuses the others until the next", function()
        local peer, octets = world.connect(), {}
        for index = 0, 24 do
            octets[#octets + 1] = frames.get(index * 2 + 1)
        end
        peer:send(table.concat(octets))
        local refused = 0
        for _, frame in ipairs(peer:await_pong()) do
            if frame.type == frames.RST_STREAM then
                assert.equal(frames.errors.REFUSED_STREAM, frame.code)
                refused = refused + 1
            end
        end
        assert.equal(25, #world.requests + refused)
        assert.is_true(#world.requests >= 10 and refused > 0)
        world.serves(peer)
    end)
end)

describe("requests in one turn of the loop: a server by itself", function()
    local world = conformance.server{settings = {maxConcurrentStreams = 20}}

    it("takes twice as many as it offers at once, when they are reset at once", function()
        local peer, octets = world.connect(), {}
        for id = 1, 119, 2 do
            octets[#octets + 1] = frames.get(id) .. frames.rst_stream(id, frames.errors.CANCEL)
        end
        peer:send(table.concat(octets))
        local refused = 0
        for _, frame in ipairs(peer:await_pong()) do
            refused = refused + (frame.type == frames.RST_STREAM and 1 or 0)
        end
        assert.is_true(refused > 0 and refused <= 20)
        world.serves(peer)
    end)
end)

describe("a connection that has much to say", function()
    local window = 2 ^ 24

    -- A peer with a stream open on a server that reads it, and the count of what was read.
    local function upload(options)
        local count = {octets = 0}
        options.settings = {initialWindowSize = window}
        local server = loop.track(http2.createServer(options))
        server:on("session", function(session)
            session:setLocalWindowSize(window)
        end)
        server:on("stream", function(stream)
            stream:on("error", function() end)
            stream:on("data", function(chunk)
                count.octets = count.octets + #chunk
            end)
        end)
        server:listen(0, "127.0.0.1")
        local peer = rawpeer.connect(rawpeer.port_of(server))
        peer:send(frames.post(1))
        peer:await_pong()
        return peer, count
    end

    -- Sends as much of a body as the kernel takes while nobody reads it, or enough of it.
    local function fill(peer)
        local sent = 0
        repeat
            local last, _, partial = peer.socket:send(frames.data(1, ("x"):rep(16384)))
            sent = sent + (last or partial)
        until not last or sent > 2000000
        return sent
    end

    after_each(loop.clean)

    it("has its share of a turn, and the rest in the next ones", function()
        local peer, count = upload{maxBytesPerTick = 20000}
        local sent = fill(peer)
        local most, last = 0, 0
        assert.is_true(sent >= 60000, sent .. " octets went into the kernel")
        assert(rawpeer.turn_until(function()
            most = math.max(most, count.octets - last)
            last = count.octets
            return last > sent - 20000 or nil -- the last frame may be cut
        end))
        assert.is_true(most <= 20000, most .. " octets in a turn")
        peer:abort()
    end)

    it("has all of it where the share is one octet", function()
        local peer, count = upload{maxBytesPerTick = 1}
        peer:send(frames.data(1, "in pieces", frames.END_STREAM))
        assert(rawpeer.turn_until(function() return count.octets == 9 or nil end))
        peer:abort()
    end)

    it("is asked for a number of octets", function()
        for value, code in pairs{
            [0] = "ERR_OUT_OF_RANGE", [2 ^ 32] = "ERR_OUT_OF_RANGE", [1.5] = "ERR_OUT_OF_RANGE",
            ["1"] = "ERR_INVALID_ARG_TYPE",
        } do
            for _, name in ipairs{"maxBytesPerTick", "maxStreamsPerTick"} do
                local ok, err = pcall(http2.createServer, {[name] = value})
                assert.is_false(ok)
                assert.equal(code, err.code)
            end
        end
    end)
end)
