-- How much may wait for a peer that does not read what it has asked for.
local http2 = require("http2")
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("PING: a server", function()
    local world = conformance.server()

    it("answers ten thousand that are read", function()
        local peer = world.connect()
        for _ = 1, 100 do
            peer:send((frames.ping():rep(100)))
            for _ = 1, 100 do
                peer:await_frame(frames.PING)
            end
        end
        world.serves(peer)
    end)

    it("stops reading or closes when its answers are not read, and keeps its memory", function()
        local batch = frames.ping():rep(1000)
        local peer = rawpeer.connect(world.port, {}, 8192)
        local before = leaks.resident()
        peer:flood(1000, function()
            return batch
        end)
        assert.is_false(leaks.has_grown(before, 8192))
    end)
end)

describe("frames of all kinds whose answers are not read: a server", function()
    local world = conformance.server({
        streamResetBurst = 1000000, maxSessionInvalidFrames = 1000000,
    })

    it("stops reading or closes, and keeps its memory", function()
        local peer = rawpeer.connect(world.port, {}, 8192)
        local before = leaks.resident()
        peer:flood(3000, function(count)
            local octets = {}
            for index = 1, 100 do
                local id = (count * 100 + index) * 2 + 1
                octets[index] = frames.ping() .. frames.get(id, "", {})
            end
            return table.concat(octets)
        end)
        assert.is_false(leaks.has_grown(before, 8192))
    end)
end)

describe("maxOutboundBytes", function()
    -- A peer that does not read while much is sent to it asks for more. Gives how many requests the
    -- server is told of before the peer reads, and after.
    local function requests_told(options)
        local told, socket_of_session = 0, nil
        options.maxSessionMemory = 100
        local server = loop.track(http2.createServer(options))
        server:on("stream", function(stream)
            stream:on("error", function() end)
            told = told + 1
            socket_of_session = stream.session.socket
            stream:respond()
            stream:finish(told == 1 and ("x"):rep(32 << 20) or "")
        end)
        server:listen(0, "127.0.0.1")
        local settings = {{frames.INITIAL_WINDOW_SIZE, 2 ^ 31 - 1}}
        local peer = rawpeer.connect(rawpeer.port_of(server), settings, 8192)
        peer:send(frames.window_update(0, 2 ^ 30), frames.get(1))
        local written
        assert(rawpeer.turn_until(function() -- until the kernel takes no more
            local before = written
            rawpeer.turn_for(0.1)
            written = socket_of_session and socket_of_session.bytesWritten
            return before and before == written and written < 32 << 20 or nil
        end))
        peer:send(frames.get(3))
        rawpeer.turn_for(0.3)
        local before = told
        assert(rawpeer.turn_until(function()
            peer.socket:receive(1 << 20)
            return told == 2 or nil
        end))
        peer:abort()
        return before, told
    end

    after_each(loop.clean)

    it("keeps a server from reading while so much waits for the peer", function()
        assert.same({1, 2}, {requests_told{maxOutboundBytes = 65536}})
    end)

    it("lets DATA alone wait without that", function()
        assert.same({2, 2}, {requests_told{}})
    end)
end)
