-- close() of a stream whose sending side had ended already waited for an end that had been: no
-- RST_STREAM went out, and "close" never came while the peer went on sending.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("close() behind the end of a response", function()
    after_each(loop.clean)

    local function serve(handler)
        local server = loop.track(http2.createServer())
        local closed = {}
        server:on("stream", function(stream)
            stream:on("close", function()
                closed[#closed + 1] = stream.rstCode
            end)
            handler(stream)
        end)
        server:listen(0, "127.0.0.1")
        local peer = rawpeer.connect(rawpeer.port_of(server))
        return server, peer, closed
    end

    it("resets a stream that a response without a body has ended", function()
        local server, peer, closed = serve(function(stream)
            stream:resume()
            stream:respond({}, {endStream = true})
            stream:close()
        end)
        peer:send(frames.post(1))
        local headers = peer:await_frame(frames.HEADERS, 1)
        assert.is_true(frames.has(headers, frames.END_STREAM))
        peer:await_reset(1, "NO_ERROR")
        rawpeer.turn_until(function() return closed[1] end)
        assert.same({0}, closed)
        peer:close()
        server:close()
        loop.run()
    end)

    it("sends what was written before, where trailers were to follow", function()
        local body = ("x"):rep(50000)
        local server, peer, closed = serve(function(stream)
            stream:respond({}, {waitForTrailers = true})
            stream:finish(body)
            stream:close()
        end)
        peer:send(frames.get(1))
        local got = ""
        repeat
            local frame = peer:await("DATA or RST_STREAM", function(f)
                return f.type == frames.DATA or f.type == frames.RST_STREAM
            end)
            if frame.type == frames.DATA then
                got = got .. frame.payload
            end
        until frame.type == frames.RST_STREAM
        assert.equal(#body, #got)
        rawpeer.turn_until(function() return closed[1] end)
        assert.same({0}, closed)
        peer:close()
        server:close()
        loop.run()
    end)
end)
