local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local rawpeer = require("spec.support.rawpeer")

describe("RFC 9113 5.1.1, stream identifiers: a server", function()
    local world = conformance.server()

    world.ends_connection("a request on an even stream", "PROTOCOL_ERROR", frames.get(2))
    world.ends_connection("a request on stream 0", "PROTOCOL_ERROR", frames.get(0))
    world.ends_connection("a request below an earlier one", "PROTOCOL_ERROR",
        frames.get(5) .. frames.get(3))

    it("takes identifiers that leave others out", function()
        local peer = world.connect()
        for _, id in ipairs{1, 7, 1001, 0x7ffffff1} do
            peer:send(frames.get(id))
            assert.equal(200, peer:await_answer(id).status)
        end
    end)

    it("serves the last identifier there is, then says that it is the last", function()
        local peer = world.connect()
        peer:send(frames.get(0x7fffffff))
        assert.equal(200, peer:await_answer(0x7fffffff).status)
        assert.equal(0, peer:await_frame(frames.GOAWAY, 0).code)
    end)
end)

describe("RFC 9113 5.1.1, stream identifiers: a client", function()
    local world = conformance.client()

    it("uses odd identifiers, each above the last", function()
        local peer = world.connect()
        for id = 3, 9, 2 do
            world.session:request():resume()
            assert.equal(id, peer:await_frame(frames.HEADERS).id)
        end
    end)
end)

describe("RFC 9113 5.1.2, concurrent streams: a server", function()
    local world = conformance.server({settings = {maxConcurrentStreams = 3}})

    before_each(function()
        world.handler = function(stream)
            stream:on("error", function() end)
        end
    end)

    it("announces its limit", function()
        local peer = rawpeer.open(world.port)
        assert.equal(3, peer:read().settings[frames.MAX_CONCURRENT_STREAMS])
    end)

    it("refuses the streams above it, and takes others when one has closed", function()
        local peer = world.connect()
        peer:await_settings_ack()
        peer:send(frames.get(1), frames.get(3), frames.get(5), frames.get(7))
        peer:await_reset(7, "REFUSED_STREAM")
        peer:send(frames.rst_stream(1, 8))
        world.handler = nil
        world.serves(peer)
    end)
end)

describe("RFC 9113 5.1.2, concurrent streams: a server by default", function()
    local world = conformance.server()

    it("announces 100, and serves as many at once", function()
        local streams = {}
        world.handler = function(stream)
            streams[#streams + 1] = stream
            if #streams == 100 then
                for _, waiting in ipairs(streams) do
                    waiting:respond()
                    waiting:finish("ok")
                end
            end
        end
        local peer = world.connect()
        for id = 1, 199, 2 do
            peer:send(frames.get(id))
        end
        local answered = 0
        while answered < 100 do
            local frame = assert(peer:read(), "not all were answered")
            assert.not_equal(frames.RST_STREAM, frame.type)
            if frame.type == frames.DATA and frames.has(frame, frames.END_STREAM) then
                answered = answered + 1
            end
        end
    end)
end)
