-- respondWithFile and respondWithFD: whole files and ranges, special files, files that change or
-- are not there, and everything that can be wrong with the call.
local http2 = require("http2")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local process = require("spec.support.process")
local timers = require("http2.timers")

local function after(ms, fn)
    return timers.setTimeout(fn, ms)
end

local folder

local function path(name)
    return folder .. "/" .. name
end

local function write(name, content)
    process.write_file(path(name), content)
    return path(name)
end

-- Plays a scene in which the client sends one GET and the server's stream goes to `handler`. Gives
-- both views: {status, headers, body, trailers, code, err}, {code, err, handler_error, stream}.
local function serve(handler, request, options)
    local client_view, server_view = {}, {}
    pair.play{
        seconds = options and options.seconds,
        client_options = options and options.client_options,
        handler_error = function(err)
            server_view.handler_error = err
        end,
        server = function(server)
            server:on("stream", function(stream)
                server_view.stream = stream
                if not (options and options.no_error_listener) then
                    stream:on("error", function(err)
                        server_view.err = err
                    end)
                end
                stream:on("close", function()
                    server_view.code = stream.rstCode
                end)
                handler(stream)
            end)
        end,
        client = function(session)
            local stream = session:request(request or {[":path"] = "/"})
            stream:on("response", function(headers)
                client_view.status, client_view.headers = headers[":status"], headers
            end)
            stream:on("trailers", function(headers)
                client_view.trailers = headers
            end)
            stream:on("error", function(err)
                client_view.err = err
            end)
            pair.collect(stream, function(body)
                client_view.body = body
            end)
            stream:on("close", function()
                client_view.code = stream.rstCode
                session:close()
            end)
        end,
    }
    return client_view, server_view
end

local function raised_code(fn, ...)
    local ok, err = pcall(fn, ...)
    assert(not ok, "nothing was raised")
    assert(http2.isError(err), tostring(err))
    return err.code
end

setup(function()
    folder = process.folder()
end)

teardown(function()
    process.remove(folder)
end)

describe("respondWithFile", function()
    after_each(loop.clean)

    it("sends a file of any size with its length", function()
        for _, size in ipairs{1, 100, 16384, 16385, 65535, 1000000} do
            local file = write("some", payload.make(size))
            local view = serve(function(stream)
                stream:respondWithFile(file, {["content-type"] = "text/plain"})
            end)
            assert.equal(200, view.status)
            assert.equal(tostring(size), view.headers["content-length"])
            assert.equal("text/plain", view.headers["content-type"])
            assert.truthy(view.headers.date)
            assert.is_nil(payload.difference(view.body, payload.make(size)))
            assert.equal(0, view.code)
        end
    end)

    it("sends an empty file", function()
        local file = write("empty", "")
        local view = serve(function(stream)
            stream:respondWithFile(file)
        end)
        assert.equal("0", view.headers["content-length"])
        assert.equal("", view.body)
    end)

    it("is asynchronous: headersSent comes with the open file", function()
        local file = write("some", "abc")
        local log = {}
        local view, other = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                log[#log + 1] = "statCheck"
                assert.is_false(stream.headersSent)
            end})
            log[#log + 1] = "returned"
            assert.is_false(stream.headersSent)
        end)
        assert.equal("abc", view.body)
        assert.same({"returned", "statCheck"}, log)
        assert.is_true(other.stream.headersSent)
    end)

    it("overwrites a content-length and keeps what else was given", function()
        local file = write("some", "abcdef")
        local view, other = serve(function(stream)
            stream:respondWithFile(file, {
                [":status"] = 201, ["Content-Length"] = 5000, ["X-A"] = {"1", "2"}, date = "once",
            })
        end)
        assert.equal(201, view.status)
        assert.equal("6", view.headers["content-length"])
        assert.equal("1, 2", view.headers["x-a"])
        assert.equal("once", view.headers.date)
        assert.same({
            [":status"] = 201, ["content-length"] = 6, ["X-A"] = {"1", "2"}, date = "once",
        }, other.stream.sentHeaders)
    end)

    it("says 503 when a quarter of all descriptors are files being sent", function()
        local large = write("large", payload.make(1000000))
        local statuses = {}
        local script = write("limited.lua", ([[
            local http2 = require("http2")
            local server = http2.createServer({settings = {maxConcurrentStreams = 1000}})
            server:on("stream", function(stream)
                stream:on("error", function() end)
                stream:respondWithFile(%q)
            end)
            server:listen(0, "127.0.0.1", function()
                local session = http2.connect("http://127.0.0.1:" .. server:address().port)
                local left, counts = 20, {}
                session:once("remoteSettings", function()
                    for _ = 1, 20 do
                        local stream = session:request()
                        stream:on("response", function(headers)
                            local status = headers[":status"]
                            counts[status] = (counts[status] or 0) + 1
                            left = left - 1
                            if left == 0 then
                                print(counts[200], counts[503])
                                os.exit(0, true)
                            end
                        end)
                    end
                end)
            end)
            http2.run()
        ]]):format(large))
        local result = process.run({"sh", "-c", ("ulimit -n 64; exec %s %s"):format(
            process.interpreter(), script)}, {ours = true})
        statuses[1], statuses[2] = result.out:match("(%d+)%s+(%d+)")
        assert.same({"16", "4"}, statuses, result.err)
    end)

    it("leaves the headers table of the program alone", function()
        local file = write("some", "abc")
        local headers = {["x-a"] = "1"}
        serve(function(stream)
            stream:respondWithFile(file, headers, {statCheck = function(_, given)
                given["x-b"] = "2"
            end})
        end)
        assert.same({["x-a"] = "1"}, headers)
    end)

    it("takes headers in the shape of rawHeaders", function()
        local file = write("some", "abc")
        local view = serve(function(stream)
            stream:respondWithFile(file, {":status", 202, "x-a", "1", "x-a", "2"})
        end)
        assert.equal(202, view.status)
        assert.equal("1, 2", view.headers["x-a"])
        assert.equal("3", view.headers["content-length"])
    end)

    it("sends a range, cut to what there is", function()
        local file = write("some", "0123456789")
        for _, case in ipairs{
            {3, nil, "3456789"}, {0, 4, "0123"}, {3, 4, "3456"}, {3, -1, "3456789"},
            {8, 100, "89"}, {0, 0, ""}, {10, nil, ""}, {50, 5, ""}, {nil, 2, "01"},
        } do
            local view = serve(function(stream)
                stream:respondWithFile(file, {}, {offset = case[1], length = case[2]})
            end)
            assert.equal(case[3], view.body)
            assert.equal(tostring(#case[3]), view.headers["content-length"])
            assert.equal(0, view.code)
        end
    end)

    it("shows statCheck the file and the headers, and sends what it adds", function()
        local file = write("some", "0123456789")
        local seen
        local view = serve(function(stream)
            stream:respondWithFile(file, {["x-a"] = 1}, {statCheck = function(stat, headers, range)
                seen = {
                    stat = stat, status = headers[":status"], date = headers.date, range = range,
                }
                headers["last-modified"] = os.date("!%c", stat.mtime)
            end})
        end)
        assert.equal(10, seen.stat.size)
        assert.is_true(seen.stat:isFile())
        assert.is_false(seen.stat:isDirectory())
        assert.is_true(math.abs(seen.stat.mtime - os.time()) < 100)
        assert.is_true(math.abs(seen.stat.mtimeMs - os.time() * 1000) < 100000)
        assert.equal(200, seen.status)
        assert.is_string(seen.date)
        assert.is_nil(seen.range)
        assert.is_string(view.headers["last-modified"])
        assert.equal("0123456789", view.body)
    end)

    it("sends nothing of its own when statCheck returns false", function()
        local file = write("some", "abc")
        local view = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                stream:respond({[":status"] = 304})
                return false
            end})
        end)
        assert.equal(304, view.status)
        assert.equal("", view.body)
        local other
        view, other = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                return false
            end})
            after(30, function()
                assert.is_false(stream.closed)
                stream:respond({[":status"] = 404}, {endStream = true})
            end)
        end)
        assert.equal(404, view.status)
        assert.is_nil(other.err)
    end)

    it("skips the file when statCheck has answered by itself", function()
        local file = write("some", "abc")
        local view = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                stream:respond({[":status"] = 200})
                stream:finish("other")
            end})
        end)
        assert.equal("other", view.body)
    end)

    it("ends the stream for an error in statCheck, which the server hears of", function()
        local file = write("some", "abc")
        local view, other = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                error("no")
            end})
        end)
        assert.equal(2, view.code)
        assert.truthy(tostring(other.handler_error):find("no", 1, true))
    end)

    it("ends the stream for a header that statCheck has spoilt", function()
        local file = write("some", "abc")
        local view, other = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function(_, headers)
                headers.connection = "close"
            end})
        end)
        assert.equal(2, view.code)
        assert.equal(2, other.code)
        assert.equal("ERR_HTTP2_INVALID_CONNECTION_HEADERS", other.handler_error.code)
    end)

    it("tells onError of what is not there, and lets it answer", function()
        local seen
        local view = serve(function(stream)
            stream:respondWithFile(path("missing"), {}, {onError = function(err)
                seen = err
                stream:respond({[":status"] = 404})
                stream:finish("nothing")
            end})
        end)
        assert.equal("ENOENT", seen.code)
        assert.equal("open", seen.syscall)
        assert.equal(path("missing"), seen.path)
        assert.is_true(seen.errno < 0)
        assert.equal("Error [ENOENT]: ENOENT: no such file or directory, open '" ..
            path("missing") .. "'", tostring(seen))
        assert.equal(404, view.status)
        assert.equal("nothing", view.body)
    end)

    it("ends the stream with the error without an onError", function()
        local view, other = serve(function(stream)
            stream:respondWithFile(path("missing"))
        end)
        assert.equal("ENOENT", other.err.code)
        assert.equal(2, other.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", view.err.code)
        assert.equal(2, view.code)
    end)

    it("does not send directories", function()
        local _, other = serve(function(stream)
            stream:respondWithFile(folder)
        end)
        assert.equal("ERR_HTTP2_SEND_FILE", other.err.code)
    end)

    it("sends special files whole only", function()
        local view = serve(function(stream)
            stream:respondWithFile("/dev/null")
        end)
        assert.equal(200, view.status)
        assert.is_nil(view.headers["content-length"])
        assert.equal("", view.body)
        for _, options in ipairs{{offset = 0}, {length = 0}, {offset = 3, length = 4}} do
            local _, other = serve(function(stream)
                stream:respondWithFile("/dev/null", {}, options)
            end)
            assert.equal("ERR_HTTP2_SEND_FILE_NOSEEK", other.err.code)
        end
    end)

    it("streams a device without an end for as long as somebody reads", function()
        local got = 0
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    stream:respondWithFile("/dev/zero")
                end)
            end,
            client = function(session)
                local stream = session:request()
                stream:on("data", function(chunk)
                    got = got + #chunk
                    if got > 1000000 then
                        stream:close(8)
                    end
                end)
                stream:on("close", function()
                    session:close()
                end)
            end,
        }
        assert.is_true(got > 1000000)
    end)

    it("streams a FIFO as it is written, and nobody waits for it", function()
        assert(os.execute("mkfifo " .. path("fifo")))
        local log = {}
        local file = write("some", "plain")
        pair.play{
            server = function(server)
                server:on("stream", function(stream, headers)
                    stream:respondWithFile(headers[":path"]:sub(2))
                end)
            end,
            client = function(session)
                local left = 12
                local function get(target, name, done)
                    local stream = session:request({[":path"] = "/" .. target})
                    pair.collect(stream, function(body)
                        log[#log + 1] = name .. body
                        if done then
                            done()
                        end
                    end)
                    stream:on("close", function()
                        left = left - 1
                        if left == 0 then
                            session:close()
                        end
                    end)
                end
                get(path("fifo"), "fifo ")
                -- More than libuv has threads: they must not hold up anything.
                local idle = {}
                for i = 1, 10 do
                    os.execute(("mkfifo %s%d"):format(path("idle"), i))
                    idle[i] = session:request({[":path"] = "/" .. path("idle") .. i})
                    idle[i]:resume():on("close", function()
                        left = left - 1
                        if left == 0 then
                            session:close()
                        end
                    end)
                end
                get(file, "file ", function()
                    os.execute(("(printf abc; sleep 0.1; printf def) > %s &"):format(path("fifo")))
                    for i = 1, 10 do
                        idle[i]:close(8)
                    end
                end)
            end,
        }
        assert.same({"file plain", "fifo abcdef"}, log)
    end)

    it("never ends a file that shrinks as if it were whole", function()
        local size = 3000000
        local file = write("shrinking", payload.make(size))
        local view, other = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                -- Behind the sight of the length, before the octets.
                process.write_file(file, payload.make(1000000))
            end})
        end)
        assert.equal(tostring(size), view.headers["content-length"])
        assert.equal(2, view.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", view.err.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", other.err.code)
    end)

    it("does not send what a file has grown by", function()
        local file = write("growing", "0123456789")
        local view = serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                process.write_file(file, "0123456789abcdef")
            end})
        end)
        assert.equal("0123456789", view.body)
        assert.equal(0, view.code)
    end)

    it("opens what many want at once anew where it has changed meanwhile", function()
        local name = path("wanted")
        local function replace(content)
            process.write_file(name .. ".new", content)
            assert(os.rename(name .. ".new", name))
        end
        local before = {
            [1] = function() replace("octets") end, [3] = function() replace("longer octets") end,
            [5] = function() replace("other octets.") end, [7] = function() os.remove(name) end,
        }
        local bodies, asked, closed = {}, 0, 0
        pair.play{
            server = function(server)
                server:on("stream", function(stream) -- all of one read, and so of one turn
                    asked = asked + 1
                    if before[asked] then
                        before[asked]()
                    end
                    stream:respondWithFile(name, nil, {onError = function(err)
                        stream:respond{[":status"] = 404}
                        stream:finish(err.code)
                    end})
                end)
            end,
            client = function(session)
                for index = 1, 8 do
                    local stream = session:request{[":path"] = "/"}
                    pair.collect(stream, function(body)
                        bodies[index] = body
                    end)
                    stream:on("close", function()
                        closed = closed + 1
                        if closed == 8 then
                            session:close()
                        end
                    end)
                end
            end,
        }
        assert.same({"octets", "octets", "longer octets", "longer octets", "other octets.",
            "other octets.", "ENOENT", "ENOENT"}, bodies)
    end)

    it("closes the file, whatever becomes of the stream", function()
        local file = write("large", payload.make(1000000))
        local before = leaks.descriptors()
        serve(function(stream)
            stream:respondWithFile(file)
        end)
        serve(function(stream)
            stream:respondWithFile(file)
            stream:close(7)
        end)
        serve(function(stream)
            stream:respondWithFile(file)
            stream:destroy()
        end)
        serve(function(stream)
            stream:respondWithFile(file)
            after(10, function()
                stream:destroy()
            end)
        end, nil, {client_options = {settings = {initialWindowSize = 10}}})
        serve(function(stream)
            stream:respondWithFile(file)
            stream:respond({[":status"] = 404}, {endStream = true})
        end)
        assert.equal(before, leaks.descriptors())
    end)

    it("sends nothing when close() comes before the file is open", function()
        local file = write("some", "abc")
        local view, other = serve(function(stream)
            stream:respondWithFile(file)
            stream:close(8)
        end)
        assert.is_nil(view.status)
        assert.is_nil(other.err)
        assert.equal(8, view.code)
    end)

    it("closes the writing side of the stream", function()
        local file = write("some", "abc")
        local failure
        serve(function(stream)
            stream:respondWithFile(file, {}, {statCheck = function()
                after(0, function()
                    assert.is_true(stream.writableEnded)
                    stream:write("more", function(err)
                        failure = err
                    end)
                end)
            end})
        end, nil, {client_options = {settings = {initialWindowSize = 1}}})
        assert.equal("ERR_STREAM_WRITE_AFTER_END", failure.code)
    end)

    it("waits for trailers when asked to", function()
        for _, content in ipairs{"abc", ""} do
            local file = write("some", content)
            local view = serve(function(stream)
                stream:respondWithFile(file, {}, {waitForTrailers = true})
                stream:on("wantTrailers", function()
                    stream:sendTrailers({["x-sum"] = "1"})
                end)
            end)
            assert.equal(content, view.body)
            assert.equal("1", view.trailers["x-sum"])
            assert.equal(0, view.code)
        end
    end)

    it("omits the date at sendDate = false", function()
        local file = write("some", "abc")
        local view = serve(function(stream)
            stream:respondWithFile(file, {}, {sendDate = false})
        end)
        assert.is_nil(view.headers.date)
    end)

    it("raises for a wrong call at the caller, and changes nothing", function()
        local file = write("some", "fine")
        local codes = {}
        local view = serve(function(stream)
            local function try(...)
                codes[#codes + 1] = raised_code(stream.respondWithFile, stream, ...)
            end
            try(nil)
            try(12)
            try({})
            try("a\0b")
            try(file, "headers")
            try(file, {connection = "close"})
            try(file, {[":status"] = 99})
            try(file, {[":status"] = 204})
            try(file, {}, "options")
            try(file, {}, {1})
            try(file, {}, {offset = "1"})
            try(file, {}, {offset = -1})
            try(file, {}, {offset = 1.5})
            try(file, {}, {length = "1"})
            try(file, {}, {length = -2})
            try(file, {}, {statCheck = 1})
            try(file, {}, {onError = 1})
            stream:respondWithFile(file)
        end)
        assert.equal("fine", view.body)
        assert.same({
            "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE",
            "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_TYPE",
            "ERR_HTTP2_INVALID_CONNECTION_HEADERS", "ERR_HTTP2_STATUS_INVALID",
            "ERR_HTTP2_PAYLOAD_FORBIDDEN", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE",
            "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_VALUE",
            "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_VALUE",
            "ERR_INVALID_ARG_VALUE",
        }, codes)
    end)

    it("raises for HEAD, for a second response, and for a closed stream", function()
        local file = write("some", "fine")
        local codes = {}
        serve(function(stream)
            codes[1] = raised_code(stream.respondWithFile, stream, file)
            stream:respond()
            codes[2] = raised_code(stream.respondWithFile, stream, file)
            stream:on("close", function()
                codes[3] = raised_code(stream.respondWithFile, stream, file)
            end)
        end, {[":path"] = "/", [":method"] = "HEAD"})
        assert.same({
            "ERR_HTTP2_PAYLOAD_FORBIDDEN", "ERR_HTTP2_HEADERS_SENT", "ERR_HTTP2_INVALID_STREAM",
        }, codes)
    end)
end)

describe("respondWithFD", function()
    after_each(loop.clean)

    it("sends a file of the io library, which stays open", function()
        local file = assert(io.open(write("some", "0123456789"), "rb"))
        for _ = 1, 2 do
            local view, other = serve(function(stream)
                stream:respondWithFD(file, {["x-a"] = "1"})
                assert.is_true(stream.headersSent)
            end)
            assert.equal("0123456789", view.body)
            assert.equal("1", view.headers["x-a"])
            assert.is_nil(view.headers["content-length"])
            assert.equal(200, other.stream.sentHeaders[":status"])
            assert.equal("1", other.stream.sentHeaders["x-a"])
            assert.is_string(other.stream.sentHeaders.date)
        end
        assert.equal("0123456789", file:read("a"))
        file:close()
    end)

    it("sends a range", function()
        local file <close> = assert(io.open(write("some", "0123456789"), "rb"))
        for _, case in ipairs{
            {3, nil, "3456789"}, {3, 4, "3456"}, {8, 100, "89"}, {10, nil, ""}, {0, 0, ""},
        } do
            local view = serve(function(stream)
                stream:respondWithFD(file, {}, {offset = case[1], length = case[2]})
            end)
            assert.equal(case[3], view.body)
        end
    end)

    it("lets statCheck see and change the range", function()
        local file <close> = assert(io.open(write("some", "0123456789"), "rb"))
        local seen
        local view = serve(function(stream)
            stream:respondWithFD(file, {}, {offset = 1, statCheck = function(stat, headers, range)
                seen = {size = stat.size, offset = range.offset, length = range.length}
                range.offset, range.length = 2, 3
                headers["content-length"] = 3
            end})
            assert.is_false(stream.headersSent)
        end)
        assert.same({size = 10, offset = 1, length = -1}, seen)
        assert.equal("234", view.body)
        assert.equal("3", view.headers["content-length"])
    end)

    it("never ends before its content-length as if it were whole", function()
        local file <close> = assert(io.open(write("some", "0123456789"), "rb"))
        local view = serve(function(stream)
            stream:respondWithFD(file, {["content-length"] = 20})
        end)
        assert.equal(2, view.code)
    end)

    it("sends what comes out of a pipe", function()
        local pipe = assert(io.popen("printf abc; sleep 0.05; printf def"))
        local view = serve(function(stream)
            stream:respondWithFD(pipe)
        end)
        assert.equal("abcdef", view.body)
        pipe:close()
    end)

    it("answers a bad descriptor with a reset behind the headers", function()
        local view, other = serve(function(stream)
            stream:respondWithFD(9999)
        end)
        assert.equal(200, view.status)
        assert.equal(2, view.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", other.err.code)
    end)

    it("tells EBADF before the headers when there is a statCheck", function()
        local view, other = serve(function(stream)
            stream:respondWithFD(9999, {}, {statCheck = function() end})
        end)
        assert.is_nil(view.status)
        assert.equal("EBADF", other.err.code)
        assert.equal("fstat", other.err.syscall)
    end)

    it("answers a directory's descriptor with a reset", function()
        local view = serve(function(stream)
            local directory = assert(io.open(folder, "r"))
            stream:respondWithFD(directory)
            stream:on("close", function()
                directory:close()
            end)
        end)
        assert.equal(200, view.status)
        assert.equal(2, view.code)
    end)

    it("sends trailers when asked to wait for them", function()
        local file <close> = assert(io.open(write("some", "abc"), "rb"))
        local view = serve(function(stream)
            stream:respondWithFD(file, {}, {waitForTrailers = true})
            stream:on("wantTrailers", function()
                stream:sendTrailers({["x-sum"] = "1"})
            end)
        end)
        assert.equal("abc", view.body)
        assert.equal("1", view.trailers["x-sum"])
    end)

    it("raises for a wrong call", function()
        local closed = assert(io.open(write("some", "abc")))
        closed:close()
        local codes = {}
        serve(function(stream)
            local function try(...)
                codes[#codes + 1] = raised_code(stream.respondWithFD, stream, ...)
            end
            try(nil)
            try("3")
            try(1.5)
            try({})
            try(closed)
            try(1, 2)
            try(1, {}, {offset = "1"})
            try(1, {}, {statCheck = 1})
            stream:respond({}, {endStream = true})
        end)
        assert.same({
            "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE",
            "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_TYPE",
            "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_VALUE",
        }, codes)
    end)
end)
