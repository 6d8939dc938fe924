-- Pipes from and to Node's Duplex, tried on sockets to a server that echoes.
local net = require("http2.net")
local timers = require("http2.timers")
local sockets = require("spec.support.echo_socket")
local loop = require("spec.support.loop")

local echo = sockets.echo

describe("a pipe", function()
    after_each(loop.clean)

    -- A destination that is a plain table: it takes `room` chunks before it asks for patience.
    local function sink(room)
        local EventEmitter = require("http2_core").EventEmitter
        local emitter, chunks = EventEmitter(), {}
        local destination = {chunks = chunks, ended = false}
        function destination.on(_, ...)
            return emitter:on(...)
        end
        function destination.emit(_, ...)
            return emitter:emit(...)
        end
        function destination.removeListener(_, ...)
            return emitter:removeListener(...)
        end
        function destination.write(_, chunk)
            chunks[#chunks + 1] = chunk
            return #chunks < room
        end
        function destination:finish()
            self.ended = true
        end
        return destination
    end

    it("carries all, ends the destination and says so", function()
        local destination = sink(1000)
        local log = echo(function(socket, note)
            destination:on("pipe", function(source)
                note("pipe", source == socket)
            end)
            assert.equal(destination, socket:pipe(destination))
            socket:finish("through the pipe")
        end)
        assert.same({"pipe true"}, log)
        assert.equal("through the pipe", table.concat(destination.chunks))
        assert.is_true(destination.ended)
    end)

    it("leaves the destination open when told to", function()
        for _, options in ipairs{{finish = false}, {["end"] = false}} do
            local destination = sink(1000)
            echo(function(socket)
                socket:pipe(destination, options)
                socket:finish("x")
            end)
            assert.equal("x", table.concat(destination.chunks))
            assert.is_false(destination.ended)
        end
    end)

    it("waits until the destination has drained", function()
        local destination = sink(0)
        local size = 2000000
        echo(function(socket)
            socket:pipe(destination)
            socket:finish(("x"):rep(size))
            local last, beat = 0, nil
            beat = timers.setInterval(function()
                assert.is_true(#destination.chunks <= last + 1)
                last = #destination.chunks
                destination:emit("drain")
                if destination.ended then
                    timers.clearInterval(beat)
                end
            end, 1)
        end)
        assert.equal(size, #table.concat(destination.chunks))
    end)

    it("goes to several destinations at the pace of the slowest", function()
        local fast, slow = sink(1000), sink(0)
        echo(function(socket)
            socket:pipe(fast)
            socket:pipe(slow)
            socket:finish(("x"):rep(500000))
            local beat
            beat = timers.setInterval(function()
                assert.is_true(#fast.chunks <= #slow.chunks + 1)
                slow:emit("drain")
                if slow.ended then
                    timers.clearInterval(beat)
                end
            end, 1)
        end)
        assert.equal(table.concat(fast.chunks), table.concat(slow.chunks))
        assert.equal(500000, #table.concat(fast.chunks))
    end)

    it("can be taken apart", function()
        local destination = sink(1000)
        local log = echo(function(socket, note)
            destination:on("unpipe", function(source)
                note("unpipe", source == socket)
            end)
            socket:pipe(destination)
            assert.equal(socket, socket:unpipe(destination))
            note(socket:isPaused(), socket:listenerCount("data"))
            socket:unpipe()
            socket:resume()
            socket:finish("not seen")
        end)
        assert.same({"unpipe true", "true 0"}, log)
        assert.same({}, destination.chunks)
        assert.is_false(destination.ended)
    end)

    it("is over when the destination closes or fails", function()
        for _, event in ipairs{"close", "finish"} do
            local destination = sink(1000)
            local log = echo(function(socket, note)
                socket:pipe(destination)
                destination:emit(event)
                note(socket:listenerCount("data"))
                socket:destroy()
            end)
            assert.same({"0"}, log)
        end
        local destination, seen = sink(1000), nil
        echo(function(socket)
            socket:pipe(destination)
            destination:on("error", function(err)
                seen = err
            end)
            destination:emit("error", "broken")
            assert.equal(0, socket:listenerCount("data"))
            socket:destroy()
        end)
        assert.equal("broken", seen)
    end)

    it("moves octets from socket to socket", function()
        local size = 1000000
        local got = 0
        echo(function(first)
            local server
            server = loop.track(net.createServer(function(socket)
                socket:on("data", function(data)
                    got = got + #data
                end)
            end))
            server:listen(0, "127.0.0.1", function()
                local second = net.connect(server:address().port, "127.0.0.1")
                server:unref()
                first:pipe(second)
                second:resume()
                first:finish(("x"):rep(size))
            end)
        end)
        assert.equal(size, got)
    end)

    it("refuses what cannot be written to", function()
        local socket = net.Socket()
        for _, destination in ipairs{5, {}, "text"} do
            local ok, err = pcall(socket.pipe, socket, destination)
            assert.is_false(ok)
            assert.equal("ERR_INVALID_ARG_TYPE", err.code)
        end
    end)
end)
