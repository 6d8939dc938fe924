local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local rawpeer = require("spec.support.rawpeer")

local wrong = {
    {"on a stream", "PROTOCOL_ERROR", frames.frame(frames.GOAWAY, 0, 1, ("\0"):rep(8))},
    {"a length of 7", "FRAME_SIZE_ERROR", frames.frame(frames.GOAWAY, 0, 0, ("\0"):rep(7))},
    {"a second one with a higher last stream", "PROTOCOL_ERROR",
        frames.goaway(1, 0) .. frames.goaway(3, 0)},
}

describe("RFC 9113 6.8, GOAWAY: a server", function()
    local world = conformance.server()

    world.ends_connection(wrong[1][1], wrong[1][2], wrong[1][3])
    world.ends_connection(wrong[2][1], wrong[2][2], wrong[2][3])

    it("finishes what is open when the client goes away", function()
        local peer = world.connect()
        peer:send(frames.post(1), frames.goaway(0, 0), frames.data(1, "x", frames.END_STREAM))
        assert.equal(200, peer:await_answer(1).status)
        peer:await_end()
    end)

    it("closed by the program, finishes what is open and ignores what is new", function()
        local peer = world.connect()
        peer:send(frames.post(1))
        peer:await_pong()
        world.streams[1].session:close()
        assert.equal(0, peer:await_frame(frames.GOAWAY).code)
        peer:send(frames.get(3), frames.data(1, "x", frames.END_STREAM))
        assert.equal(200, peer:await_answer(1).status)
        local last = peer:await_frame(frames.GOAWAY)
        assert.equal(0, last.code)
        assert.equal(1, last.last_id)
        peer:await_end()
        assert.equal(1, #world.requests)
    end)

    it("keeps compression in step with requests that it ignores", function()
        local hpack = require("spec.support.hpack")
        local start = hpack.encode(frames.request_fields("POST", "/"))
        local peer = world.connect()
        peer:send(frames.post(1))
        peer:await_pong()
        world.streams[1].session:close()
        peer:await_frame(frames.GOAWAY)
        local trailers
        world.streams[1]:on("trailers", function(headers)
            trailers = headers
        end)
        peer:send(frames.headers(3, start .. hpack.literal("x-kept", "1", "indexed"), 5),
            frames.headers(1, hpack.index(62), 5))
        assert.equal(200, peer:await_answer(1).status)
        assert.equal("1", trailers["x-kept"])
    end)
end)

describe("RFC 9113 6.8, GOAWAY: a client", function()
    local world = conformance.client()

    for _, case in ipairs(wrong) do
        world.ends_connection(case[1], case[2], case[3])
    end

    it("takes several that lower the last stream", function()
        local peer = world.connect()
        peer:send(frames.goaway(0x7fffffff, 0, "soon"), frames.goaway(1, 0, "now"),
            frames.response(1, 200), frames.data(1, "", frames.END_STREAM))
        assert(rawpeer.turn_until(function() return world.stream.closed or nil end))
        assert.equal(0, world.stream.rstCode)
        assert.is_nil(world.session_err)
    end)

    it("ends streams above the last one as not processed", function()
        local peer = world.connect()
        local later_err
        world.session:request():on("error", function(err)
            later_err = err
        end)
        peer:await_frame(frames.HEADERS, 3)
        peer:send(frames.goaway(1, 0), frames.response(1, 200),
            frames.data(1, "", frames.END_STREAM))
        assert(rawpeer.turn_until(function() return world.stream.closed and later_err end))
        assert.equal(0, world.stream.rstCode)
        assert.is_false(later_err.processed)
        assert.is_true(later_err.retryable)
    end)
end)
