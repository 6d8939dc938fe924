-- What every stream has of Node's Duplex, tried on sockets to a server that echoes.
local http2 = require("http2")
local net = require("http2.net")
local timers = require("http2.timers")
local loop = require("spec.support.loop")

local setTimeout = timers.setTimeout

-- Connects to an echo server, calls `fn(socket, note)`, runs until all is over, gives the notes.
local function echo(fn, options)
    local log = {}
    local function note(...)
        local words = {...}
        for i = 1, select("#", ...) do
            words[i] = http2.isError(words[i]) and (words[i].code or words[i].message)
                or tostring(words[i])
        end
        log[#log + 1] = table.concat(words, " ")
    end
    local server = loop.track(net.createServer(function(socket)
        socket:on("error", function() end)
        socket:pipe(socket)
    end))
    server:listen(0, "127.0.0.1", function()
        options = options or {}
        options.port, options.host = server:address().port, "127.0.0.1"
        local socket = net.connect(options)
        server:unref()
        fn(socket, note)
    end)
    loop.run()
    server:close()
    return log
end

-- Notes the events named, in the order they come.
local function watch(note, stream, ...)
    for _, event in ipairs{...} do
        stream:on(event, function(arg)
            if event == "error" then
                note(event, arg)
            else
                note(event)
            end
        end)
    end
end

-- A callback that notes its name and its error.
local function named(note, name)
    return function(err)
        note(name, err)
    end
end

describe("the readable side", function()
    after_each(loop.clean)

    it("flows to a data listener, and ends", function()
        local log = echo(function(socket, note)
            watch(note, socket, "finish", "end", "close")
            socket:on("data", function(data)
                note("data", data)
            end)
            socket:finish("hello")
        end)
        assert.same({"finish", "data hello", "end", "close"}, log)
    end)

    it("reads nothing before somebody asks", function()
        local log = echo(function(socket, note)
            socket:write("hello")
            setTimeout(function()
                note(socket.bytesRead, socket.readableLength, socket.readableFlowing)
                socket:on("data", function(data)
                    note(data, socket.bytesRead)
                    socket:finish()
                end)
            end, 30)
        end)
        assert.same({"0 0 nil", "hello 5"}, log)
    end)

    it("holds the peer back while it is paused", function()
        local size, got, most = 3000000, 0, 0
        echo(function(socket)
            socket:on("data", function(data)
                got = got + #data
                most = math.max(most, #data)
                socket:pause()
                assert.is_true(socket:isPaused())
                local before = socket.bytesRead
                setTimeout(function()
                    assert.equal(before, socket.bytesRead)
                    socket:resume()
                end, 1)
            end)
            socket:finish(("x"):rep(size))
        end)
        assert.equal(size, got)
        assert.is_true(most < size)
    end)

    it("tells of pause and resume, and how it flows", function()
        local log = echo(function(socket, note)
            watch(note, socket, "pause", "resume")
            note(socket.readableFlowing, socket:isPaused())
            assert.equal(socket, socket:resume())
            note(socket.readableFlowing, socket:isPaused())
            assert.equal(socket, socket:pause())
            note(socket.readableFlowing, socket:isPaused())
            socket:on("data", function() end)
            note(socket.readableFlowing)
            socket:resume()
            socket:finish()
        end)
        assert.same({"nil false", "true false", "pause", "false true", "false", "resume"}, log)
    end)

    it("stays paused though a data listener comes", function()
        local log = echo(function(socket, note)
            socket:pause()
            socket:on("data", function(data)
                note(data)
            end)
            socket:finish("later")
            setTimeout(function()
                note("resume")
                socket:resume()
            end, 20)
        end)
        assert.same({"resume", "later"}, log)
    end)

    it("lets go of what nobody hears", function()
        local log = echo(function(socket, note)
            watch(note, socket, "end", "close")
            socket:resume()
            socket:finish("unheard")
        end)
        assert.same({"end", "close"}, log)
    end)

    it("is read in pieces with readable and read(n)", function()
        local log = echo(function(socket, note)
            watch(note, socket, "end")
            socket:on("readable", function()
                note("readable", socket.readableLength)
                local piece = socket:read(3)
                while piece do
                    note("read", piece)
                    piece = socket:read(3)
                end
                note("left", socket.readableLength)
            end)
            socket:finish("abcdefgh")
        end)
        assert.same({"readable 8", "read abc", "read def", "left 2", "readable 2", "read gh",
            "left 0", "end"}, log)
    end)

    it("is read whole with read()", function()
        local log = echo(function(socket, note)
            watch(note, socket, "end")
            socket:on("readable", function()
                note("read", socket:read())
            end)
            socket:finish("abcdefgh")
        end)
        assert.same({"read abcdefgh", "read nil", "end"}, log)
    end)

    it("emits data for what read() gives", function()
        local log = echo(function(socket, note)
            socket:on("readable", function()
                note("read", socket:read())
            end)
            socket:on("data", function(data)
                note("data", data)
            end)
            note(socket.readableFlowing)
            socket:finish("abc")
        end)
        assert.same({"false", "data abc", "read abc", "read nil"}, log)
    end)

    it("flows again when the readable listener goes", function()
        local log = echo(function(socket, note)
            local function listener()
                note("readable")
            end
            socket:on("readable", listener)
            socket:off("readable", listener)
            socket:on("data", function(data)
                note("data", data)
            end)
            socket:finish("q")
        end)
        assert.same({"data q"}, log)
    end)

    it("knows its own state", function()
        local log = echo(function(socket, note)
            local function state()
                note(socket.readable, socket.readableEnded, socket.readableDidRead,
                    socket.readableAborted)
            end
            state()
            socket:on("data", state)
            socket:on("end", state)
            socket:on("close", state)
            socket:finish("x")
        end)
        assert.same({"true false false false", "true false true false", "false true true false",
            "false true true false"}, log)
    end)

    it("is aborted when destroyed before its end", function()
        local log = echo(function(socket, note)
            socket:on("data", function()
                socket:destroy()
            end)
            watch(note, socket, "end", "close")
            socket:on("close", function()
                note(socket.readableAborted, socket.readable)
            end)
            socket:write("x")
        end)
        assert.same({"close", "true false"}, log)
    end)
end)

describe("an encoding", function()
    after_each(loop.clean)

    -- What comes back of the pieces, sent apart, with setEncoding.
    local function decoded(encoding, ...)
        local pieces, out = {...}, {}
        echo(function(socket)
            socket:setEncoding(encoding)
            socket:on("data", function(text)
                out[#out + 1] = text
            end)
            local function send(i)
                if i > #pieces then
                    return socket:finish()
                end
                socket:write(pieces[i])
                setTimeout(send, 15, i + 1)
            end
            send(1)
        end)
        return out
    end

    it("utf8 cuts no character", function()
        assert.same({"a", "€b"}, decoded("utf8", "a\226", "\130", "\172b"))
        assert.same({"\240\159\152\128"}, decoded("UTF-8", "\240\159", "\152\128"))
    end)

    it("utf8 replaces what is not valid, also at the end", function()
        local bad = "\239\191\189"
        assert.same({"a" .. bad .. "b"}, decoded("utf8", "a\255b"))
        assert.same({"a", bad}, decoded("utf8", "a\226\130"))
        assert.same({bad .. "(" .. bad .. bad .. "x"}, decoded("utf8", "\226(\192\128x"))
        assert.same({bad .. bad .. bad}, decoded("utf8", "\237\160\128"))
    end)

    it("latin1 and binary leave the octets alone", function()
        assert.same({"\0\127\128\255"}, decoded("latin1", "\0\127\128\255"))
        assert.same({"\233"}, decoded("binary", "\233"))
    end)

    it("ascii drops the highest bit", function()
        assert.same({"aA"}, decoded("ascii", "\225A"))
    end)

    it("hex and base64 are whole groups", function()
        assert.same({"00ff10"}, decoded("hex", "\0\255\16"))
        assert.same({"YWJj", "ZGU="}, decoded("base64", "ab", "cde"))
        assert.same({"_-8"}, decoded("base64url", "\255\239"))
    end)

    it("utf16le becomes UTF-8, surrogates together", function()
        assert.same({"a", "\240\159\152\128€"}, decoded("utf16le", "a\0\61", "\216\0\222\172\32"))
        assert.same({"\239\191\189"}, decoded("ucs2", "\0\220"))
    end)

    it("is the one of the property", function()
        local socket = net.Socket()
        assert.is_nil(socket.readableEncoding)
        assert.equal(socket, socket:setEncoding("UCS-2"))
        assert.equal("utf16le", socket.readableEncoding)
        socket:setEncoding()
        assert.equal("utf8", socket.readableEncoding)
    end)

    it("counts for what is read in pieces", function()
        local log = echo(function(socket, note)
            socket:setEncoding("hex")
            socket:on("readable", function()
                local piece = socket:read(3)
                while piece do
                    note(piece)
                    piece = socket:read(3)
                end
            end)
            socket:finish("\1\2")
        end)
        assert.same({"010", "2"}, log)
    end)

    it("turns text into octets when it is written", function()
        local cases = {
            {"68656c6c6f", "hex", "hello"},
            {"6865zz", "hex", "he"},
            {"aGVsbG8=", "base64", "hello"},
            {"aGVs\nbG8", "base64", "hello"},
            {"_-8", "base64url", "\255\239"},
            {"a€\240\159\152\128", "utf16le", "a\0\172\32\61\216\0\222"},
            {"€", "utf8", "€"},
            {"\233", "latin1", "\233"},
        }
        for _, case in ipairs(cases) do
            local got = ""
            echo(function(socket)
                socket:on("data", function(data)
                    got = got .. data
                end)
                socket:finish(case[1], case[2])
            end)
            assert.equal(case[3], got)
        end
    end)

    it("can be the default of writes", function()
        local log = echo(function(socket, note)
            assert.equal(socket, socket:setDefaultEncoding("hex"))
            socket:on("data", function(data)
                note(data)
            end)
            socket:finish("6162")
        end)
        assert.same({"ab"}, log)
    end)

    it("is refused when it is none", function()
        local socket = net.Socket()
        for _, method in ipairs{"setEncoding", "setDefaultEncoding"} do
            local ok, err = pcall(socket[method], socket, "klingon")
            assert.is_false(ok)
            assert.equal("ERR_UNKNOWN_ENCODING", err.code)
        end
        local ok, err = pcall(socket.write, socket, "x", "klingon")
        assert.is_false(ok)
        assert.equal("ERR_UNKNOWN_ENCODING", err.code)
    end)
end)

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
