-- RFC 9113 5.2, 6.9: flow control and WINDOW_UPDATE.
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local payload = require("spec.support.payload")

describe("RFC 9113 6.9, WINDOW_UPDATE: a server", function()
    local world = conformance.server()

    world.ends_connection("an increment of 0 on the connection", "PROTOCOL_ERROR",
        frames.window_update(0, 0))
    world.ends_connection("an increment of 0 on a stream", "PROTOCOL_ERROR",
        frames.post(1) .. frames.window_update(1, 0))
    world.ends_connection("a length of 3", "FRAME_SIZE_ERROR",
        frames.frame(frames.WINDOW_UPDATE, 0, 0, "\0\0\1"))
    world.ends_connection("a length of 5", "FRAME_SIZE_ERROR",
        frames.frame(frames.WINDOW_UPDATE, 0, 0, "\0\0\0\1\0"))

    world.ends_connection("the connection's window past 2^31 - 1, in one step (6.9.1)",
        "FLOW_CONTROL_ERROR", frames.window_update(0, 0x7fffffff))
    world.ends_connection("the connection's window past 2^31 - 1, in two steps (6.9.1)",
        "FLOW_CONTROL_ERROR",
        frames.window_update(0, 0x7fffffff - 65535) .. frames.window_update(0, 1))

    it("resets a stream whose window passes 2^31 - 1, and ends the connection", function()
        local peer = world.connect()
        peer:send(frames.post(1), frames.window_update(1, 0x7fffffff))
        peer:await_reset(1, "FLOW_CONTROL_ERROR")
        peer:await_fault("FLOW_CONTROL_ERROR")
    end)

    world.accepts("windows of exactly 2^31 - 1", frames.window_update(0, 0x7fffffff - 65535)
        .. frames.post(1) .. frames.window_update(1, 0x7fffffff - 65535)
        .. frames.data(1, "", frames.END_STREAM))

    world.accepts("the reserved bit of an increment", frames.window_update(0, 0x80000001))
end)

describe("RFC 9113 5.2, what a server sends", function()
    local world = conformance.server()

    local function serve(size)
        world.handler = function(stream)
            stream:respond()
            stream:finish(payload.make(size))
        end
    end

    -- Reads DATA of stream 1 until a PING comes back; gives what came.
    local function body_so_far(peer)
        local body = {}
        for _, frame in ipairs(peer:await_pong()) do
            if frame.type == frames.DATA then
                body[#body + 1] = frame.payload
            end
        end
        return table.concat(body)
    end

    it("stays within the stream's window, and goes on when it gets more", function()
        serve(1000)
        local peer = world.connect({{frames.INITIAL_WINDOW_SIZE, 100}})
        peer:await_settings_ack()
        peer:send(frames.get(1))
        local body = body_so_far(peer)
        assert.equal(100, #body)
        peer:send(frames.window_update(1, 1))
        body = body .. body_so_far(peer)
        assert.equal(101, #body)
        peer:send(frames.window_update(1, 10000))
        body = body .. body_so_far(peer)
        assert.equal(payload.make(1000), body)
    end)

    it("stays within the connection's window, over all streams", function()
        serve(50000)
        local peer = world.connect({{frames.INITIAL_WINDOW_SIZE, 1000000}})
        peer:await_settings_ack()
        peer:send(frames.get(1), frames.get(3), frames.get(5))
        assert.equal(65535, #body_so_far(peer))
        peer:send(frames.window_update(0, 10))
        assert.equal(10, #body_so_far(peer))
        peer:send(frames.window_update(0, 1000000))
        assert.equal(150000 - 65545, #body_so_far(peer))
    end)

    it("keeps to a window that SETTINGS make negative (6.9.2)", function()
        serve(100000)
        local peer = world.connect({{frames.INITIAL_WINDOW_SIZE, 60000}})
        peer:await_settings_ack()
        peer:send(frames.get(1))
        assert.equal(60000, #body_so_far(peer))
        peer:send(frames.settings({{frames.INITIAL_WINDOW_SIZE, 0}}))
        peer:await_settings_ack()
        for _ = 1, 6 do
            peer:send(frames.window_update(1, 10000))
            assert.equal(0, #body_so_far(peer))
        end
        peer:send(frames.window_update(1, 1))
        assert.equal(1, #body_so_far(peer))
    end)

    it("goes on when SETTINGS enlarge the window (6.9.2)", function()
        serve(5000)
        local peer = world.connect({{frames.INITIAL_WINDOW_SIZE, 0}})
        peer:await_settings_ack()
        peer:send(frames.get(1))
        assert.equal(0, #body_so_far(peer))
        peer:send(frames.settings({{frames.INITIAL_WINDOW_SIZE, 4999}}))
        assert.equal(4999, #body_so_far(peer))
        peer:send(frames.settings({{frames.INITIAL_WINDOW_SIZE, 10000}}))
        assert.equal(1, #body_so_far(peer))
    end)

    it("ends an empty body without any window", function()
        serve(0)
        local peer = world.connect({{frames.INITIAL_WINDOW_SIZE, 0}})
        peer:await_settings_ack()
        peer:send(frames.get(1))
        assert.equal("", peer:await_answer(1).body)
    end)

    it("is in frames no larger than the peer allows", function()
        serve(50000)
        local peer = world.connect()
        peer:send(frames.get(1))
        for _, frame in ipairs(peer:await_pong()) do
            assert.is_true(#frame.payload <= 16384)
        end
    end)
end)

describe("RFC 9113 6.9.1, a server with small windows", function()
    local world = conformance.server({settings = {initialWindowSize = 10}})

    world.resets_stream("DATA past the stream's window", "FLOW_CONTROL_ERROR", function(peer)
        peer:await_settings_ack()
        peer:send(frames.post(1), frames.data(1, "01234567890"))
    end)

    world.resets_stream("padding past the stream's window", "FLOW_CONTROL_ERROR", function(peer)
        peer:await_settings_ack()
        peer:send(frames.post(1), frames.data(1, "012345", 0, 4))
    end)

    it("lets exactly the window pass, then gives it back when it has read it", function()
        local peer = world.connect()
        peer:await_settings_ack()
        peer:send(frames.post(1), frames.data(1, "0123456789"))
        assert.equal(10, peer:await_frame(frames.WINDOW_UPDATE, 1).increment)
        peer:send(frames.data(1, "0123456789", frames.END_STREAM))
        assert.equal(200, peer:await_answer(1).status)
    end)

    it("counts by the old window until its SETTINGS are acknowledged (6.5.3)", function()
        local peer = world.connect()
        peer:send(frames.post(1), frames.data(1, ("x"):rep(10), frames.END_STREAM))
        assert.equal(200, peer:await_answer(1).status)
    end)
end)

describe("RFC 9113 6.9, a server that discards what arrives", function()
    local world = conformance.server()

    it("gives the connection's window back for streams it has reset", function()
        world.handler = function(stream)
            stream:on("error", function() end)
            stream:close(frames.errors.CANCEL)
        end
        local peer = world.connect()
        local credit = 65535
        for id = 1, 41, 2 do
            peer:send(frames.post(id))
            peer:await_reset(id, "CANCEL")
            peer:send(frames.data(id, ("x"):rep(8000), 0, 190))
            credit = credit - 8191
            for _, frame in ipairs(peer:await_pong()) do
                if frame.type == frames.WINDOW_UPDATE and frame.id == 0 then
                    credit = credit + frame.increment
                end
            end
            assert.is_true(credit > 16384, "the connection's window leaks")
        end
    end)

    it("gives padding back", function()
        local peer = world.connect()
        peer:send(frames.post(1))
        local stream_credit, connection_credit = 65535, 65535
        for _ = 1, 600 do
            peer:send(frames.data(1, "x", 0, 255))
            stream_credit = stream_credit - 257
            connection_credit = connection_credit - 257
            for _, frame in ipairs(peer:await_pong()) do
                if frame.type == frames.WINDOW_UPDATE then
                    stream_credit = stream_credit + (frame.id == 1 and frame.increment or 0)
                    connection_credit = connection_credit + (frame.id == 0 and frame.increment or 0)
                end
            end
            assert.is_true(stream_credit > 0 and connection_credit > 0, "padding stalls the stream")
        end
        peer:send(frames.data(1, "", frames.END_STREAM))
        assert.equal(200, peer:await_answer(1).status)
    end)
end)

describe("RFC 9113 6.9, WINDOW_UPDATE: a client", function()
    local world = conformance.client(nil, "POST")

    world.ends_connection("an increment of 0 on the connection", "PROTOCOL_ERROR",
        frames.window_update(0, 0))
    world.ends_connection("an increment of 0 on a stream", "PROTOCOL_ERROR",
        frames.window_update(1, 0))
    world.ends_connection("the connection's window past 2^31 - 1", "FLOW_CONTROL_ERROR",
        frames.window_update(0, 0x7fffffff))
    world.ends_connection("on an idle stream", "PROTOCOL_ERROR", frames.window_update(3, 1))
end)
