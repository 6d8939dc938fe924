-- The reading side of Node's Duplex, tried on sockets to a server that echoes.
local net = require("http2.net")
local timers = require("http2.timers")
local sockets = require("spec.support.echo_socket")
local loop = require("spec.support.loop")

local setTimeout = timers.setTimeout

local echo, watch = sockets.echo, sockets.watch

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
