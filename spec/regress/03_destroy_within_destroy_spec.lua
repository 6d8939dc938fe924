-- destroy(err) makes text of what is no error: a __tostring that destroys the same object had it
-- torn down twice, and its anchor given back twice.
local http2 = require("http2")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

describe("destroy() within destroy()", function()
    after_each(loop.clean)

    it("destroys a stream once", function()
        local watch = leaks.watch()
        local server = loop.track(http2.createServer())
        local failures, closed = {}, 0
        server:on("stream", function(stream)
            watch(stream)
            stream:on("error", function(err)
                failures[#failures + 1] = err.message
            end)
            stream:on("close", function()
                closed = closed + 1
            end)
            stream:destroy(setmetatable({}, {__tostring = function()
                stream:destroy("inner")
                return "outer"
            end}))
            server:close()
        end)
        server:listen(0, "127.0.0.1")
        local session = loop.track(http2.connect("http://127.0.0.1:" .. rawpeer.port_of(server)))
        local stream = session:request()
        stream:on("error", function() end)
        stream:on("close", function()
            session:close()
        end)
        loop.run()
        assert.same({"inner"}, failures)
        assert.equal(1, closed)
        stream, session = nil, nil -- luacheck: ignore
        assert.equal(0, watch:alive())
    end)
end)
