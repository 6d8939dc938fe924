-- Calls that raised in the middle kept what they had taken hold of: the object could never die.
local http2 = require("http2")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local net = require("http2.net")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

local function raises(fn, ...)
    assert.is_false((pcall(fn, ...)))
end

describe("A call that raises", function()
    after_each(loop.clean)

    it("lets its object die", function()
        local watch = leaks.watch()
        local unprintable = setmetatable({}, {__tostring = function()
            error("no text")
        end})
        do
            local socket = watch(net.Socket())
            raises(socket.write, socket, nil)
            raises(socket.write, socket, 5)
            raises(socket.write, socket, "x", "no encoding")
            raises(socket.finish, socket, {})
            raises(socket.destroy, socket, unprintable)
            assert.is_false(socket.destroyed)
        end
        assert.equal(0, watch:alive())
    end)

    it("lets a stream die whose listener fails within read() or pause()", function()
        local watch = leaks.watch()
        local server = loop.track(http2.createServer())
        server:on("stream", function(stream)
            stream:respond()
            stream:write("first")
            timers.setTimeout(stream.finish, 2, stream, "second")
        end)
        server:listen(0, "127.0.0.1")
        local session = loop.track(http2.connect("http://127.0.0.1:" .. rawpeer.port_of(server)))
        local raised = false
        do
            local stream = watch(session:request())
            local function fail()
                error("on purpose")
            end
            stream:on("pause", fail)
            stream:once("data", function()
                raises(stream.pause, stream)
                local poll
                poll = timers.setInterval(function()
                    if stream.readableLength == 0 then
                        return
                    end
                    poll:close()
                    stream:on("data", fail)
                    raises(stream.read, stream)
                    stream:off("data", fail)
                    stream:resume()
                    raised = true
                end, 1)
            end)
            stream:on("close", function()
                session:close()
                server:close()
            end)
        end
        loop.run()
        assert.is_true(raised)
        assert.equal(0, watch:alive())
    end)
end)
