-- A response that nobody read was kept for ever, though its session had ended and the program had
-- let go of it.
local http2 = require("http2")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("A stream with a body that nobody read", function()
    after_each(loop.clean)

    local function fetch(listener)
        local server = loop.track(http2.createServer())
        server:on("stream", function(stream)
            stream:respond()
            stream:finish("unread")
        end)
        server:listen(0, "127.0.0.1")
        local session = loop.track(http2.connect("http://127.0.0.1:" .. rawpeer.port_of(server)))
        local stream = session:request()
        stream:on("response", function() end)
        rawpeer.turn_until(function() return stream.closed or nil end)
        session:destroy()
        server:close()
        loop.run()
        return listener(stream)
    end

    it("dies with the program's last reference", function()
        local watch = leaks.watch()
        fetch(watch)
        loop.clean()
        assert.equal(0, watch:alive())
    end)

    it("can still be read when its session is gone", function()
        local events = {}
        local stream = fetch(function(stream)
            stream:on("data", function(chunk)
                events[#events + 1] = chunk
            end)
            stream:on("end", function()
                events[#events + 1] = "end"
            end)
            stream:on("close", function()
                events[#events + 1] = "close"
            end)
            return stream
        end)
        collectgarbage()
        loop.run()
        assert.same({"unread", "end", "close"}, events)
        assert.is_true(stream.destroyed)
    end)
end)
