-- What every stream has of Node's Duplex besides reading, tried on sockets to a server that echoes.
local http2 = require("http2")
local net = require("http2.net")
local timers = require("http2.timers")
local sockets = require("spec.support.echo_socket")
local loop = require("spec.support.loop")

local setTimeout = timers.setTimeout

local echo, watch, named = sockets.echo, sockets.watch, sockets.named

describe("the writable side", function()
    after_each(loop.clean)

    it("calls back in order: writes, finish's callback, the event", function()
        local log = echo(function(socket, note)
            socket:resume()
            watch(note, socket, "finish", "close")
            assert.is_true(socket:write("a", named(note, "a")))
            assert.is_true(socket:write("b", "utf8", named(note, "b")))
            assert.equal(socket, socket:finish("c", named(note, "c")))
        end)
        assert.same({"a nil", "b nil", "c nil", "finish", "close"}, log)
    end)

    it("finishes under Node's name too", function()
        local socket = net.Socket()
        assert.equal(socket.finish, socket["end"])
    end)

    it("writes strings of every size whole, and from the caller's memory", function()
        for _, size in ipairs{0, 1, 1023, 1024, 1025, 16384, 1000000} do
            local got = {}
            echo(function(socket)
                socket:on("data", function(data)
                    got[#got + 1] = data
                end)
                socket:write(("y"):rep(size))
                socket:finish(("z"):rep(size))
                collectgarbage()
            end)
            assert.equal(("y"):rep(size) .. ("z"):rep(size), table.concat(got))
        end
    end)

    it("asks for patience at the water mark, and drains before it calls back", function()
        local log = echo(function(socket, note)
            socket:resume()
            note(socket:write(("x"):rep(16384), named(note, "written")), socket.writableNeedDrain,
                socket.writableLength)
            socket:on("drain", function()
                note("drain", socket.writableNeedDrain, socket.writableLength)
                note(socket:write("small"))
                socket:finish()
            end)
        end)
        assert.same({"false true 16384", "drain false 0", "true", "written nil"}, log)
    end)

    it("holds what is corked until the last uncork or finish", function()
        local log = echo(function(socket, note)
            socket:on("data", function(data)
                note("data", data)
            end)
            socket:cork()
            socket:cork()
            socket:write("a", named(note, "a"))
            socket:uncork()
            note(socket.writableCorked, socket.writableLength)
            setTimeout(function()
                note("uncork")
                socket:write("b")
                socket:uncork()
                socket:uncork()
                socket:cork()
                socket:finish("c")
            end, 20)
        end)
        assert.same({"1 1", "uncork", "a nil", "data abc"}, log)
    end)

    it("calls back for empty writes in their turn", function()
        local log = echo(function(socket, note)
            socket:resume()
            socket:write("", named(note, "one"))
            socket:write("x", named(note, "two"))
            socket:write("", named(note, "three"))
            socket:finish("", named(note, "four"))
        end)
        assert.same({"one nil", "two nil", "three nil", "four nil"}, log)
    end)

    it("fails a write after the end, and the stream with it", function()
        local log = echo(function(socket, note)
            watch(note, socket, "error", "close", "finish")
            socket:finish("x")
            note(socket:write("y", named(note, "y")), socket.destroyed, socket.writable,
                socket.writableEnded)
        end)
        assert.same({"false true false true", "y ERR_STREAM_WRITE_AFTER_END",
            "error ERR_STREAM_WRITE_AFTER_END", "close"}, log)
    end)

    it("takes a second finish for what it is", function()
        local log = echo(function(socket, note)
            socket:resume()
            socket:finish(named(note, "one"))
            socket:finish(named(note, "two"))
            socket:on("finish", function()
                socket:finish(named(note, "three"))
            end)
        end)
        assert.same({"one nil", "two nil", "three ERR_STREAM_ALREADY_FINISHED"}, log)
    end)

    it("raises for what cannot be written, and stays as it was", function()
        local log = echo(function(socket, note)
            socket:resume()
            for _, case in ipairs{{"ERR_STREAM_NULL_VALUES", nil}, {"ERR_INVALID_ARG_TYPE", 1},
                {"ERR_INVALID_ARG_TYPE", {}}, {"ERR_INVALID_ARG_TYPE", print},
                {"ERR_INVALID_ARG_TYPE", "x", "utf8", "no callback"}} do
                local ok, err = pcall(socket.write, socket, case[2], case[3], case[4])
                assert.is_false(ok)
                assert.equal(case[1], err.code)
            end
            local ok, err = pcall(socket.finish, socket, 5)
            assert.is_false(ok)
            assert.equal("ERR_INVALID_ARG_TYPE", err.code)
            note(socket.destroyed, socket.writable, socket.writableLength)
            socket:finish("fine", named(note, "end"))
        end)
        assert.same({"false true 0", "end nil"}, log)
    end)

    it("knows its own state", function()
        local log = echo(function(socket, note)
            local function state()
                note(socket.writable, socket.writableEnded, socket.writableFinished)
            end
            state()
            socket:resume()
            socket:on("finish", state)
            socket:finish("x")
            state()
        end)
        assert.same({"true false false", "false true false", "false true true"}, log)
    end)

    it("never calls back from within the call", function()
        local log = echo(function(socket, note)
            socket:resume()
            socket:write("x", named(note, "written"))
            socket:finish(named(note, "finished"))
            note("after")
        end)
        assert.same({"after", "written nil", "finished nil"}, log)
    end)
end)

describe("a stream of HTTP/2", function()
    after_each(loop.clean)

    it("writes chunks of every size, empty ones between them, in order and once", function()
        local chunks = {"", "a", "", ("x"):rep(200000), "", ("y"):rep(16384), ("z"):rep(1025), ""}
        local written, got = {}, {}
        local server = loop.track(http2.createServer())
        server:on("stream", function(stream)
            stream:respond({[":status"] = 200})
            for i, chunk in ipairs(chunks) do
                stream:write(chunk, function(err)
                    assert.is_nil(err)
                    written[#written + 1] = i
                end)
            end
            stream:finish("", function()
                written[#written + 1] = "finished"
            end)
        end)
        server:listen(0, "127.0.0.1", function()
            local session = http2.connect("http://127.0.0.1:" .. server:address().port)
            local stream = session:request({[":path"] = "/"})
            stream:on("data", function(data)
                got[#got + 1] = data
            end)
            stream:on("close", function()
                session:close()
                server:close()
            end)
        end)
        loop.run()
        assert.equal(table.concat(chunks), table.concat(got))
        assert.same({1, 2, 3, 4, 5, 6, 7, 8, "finished"}, written)
    end)
end)

describe("destroying", function()
    after_each(loop.clean)

    it("tells the error, then close, and fails what waits", function()
        local log = echo(function(socket, note)
            watch(note, socket, "error", "close", "end", "finish")
            socket:write("a", named(note, "a"))
            socket:finish(named(note, "end"))
            assert.equal(socket, socket:destroy("my reason"))
            note(socket.destroyed, socket.errored)
            socket:destroy("another reason")
        end)
        assert.same({"true my reason", "a my reason", "end my reason", "error my reason", "close"},
            log)
    end)

    it("without an error fails what waits all the same", function()
        local log = echo(function(socket, note)
            watch(note, socket, "error", "close")
            socket:write("a", named(note, "a"))
            socket:destroy()
            note(socket:write("b", named(note, "b")), socket.errored)
            socket:finish(named(note, "end"))
        end)
        assert.same({"false nil", "a ERR_STREAM_DESTROYED", "b ERR_STREAM_DESTROYED",
            "end ERR_STREAM_DESTROYED", "close"}, log)
    end)

    it("works on what was never connected", function()
        local events = {}
        local socket = net.Socket()
        socket:on("close", function()
            events[#events + 1] = "close"
        end)
        socket:write("held", function(err)
            events[#events + 1] = err.code
        end)
        socket:destroy()
        loop.run()
        assert.is_true(socket.closed)
        assert.same({"ERR_STREAM_DESTROYED", "close"}, events)
    end)

    it("comes by itself when both sides are done", function()
        local log = echo(function(socket, note)
            watch(note, socket, "close")
            socket:resume()
            socket:finish("x")
            socket:on("close", function()
                note(socket.destroyed, socket.closed, socket.errored)
            end)
        end)
        assert.same({"close", "true true nil"}, log)
    end)

    it("is what a variable to be closed does", function()
        if _VERSION == "Lua 5.1" then
            return
        end
        local log = echo(function(socket, note)
            watch(note, socket, "close")
            assert(load("local socket <close> = ..."))(socket)
            note(socket.destroyed)
        end)
        assert.same({"true", "close"}, log)
    end)
end)
