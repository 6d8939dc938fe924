-- respondWithFile: whole files and ranges, statCheck and onError, and everything that can be wrong
-- with the call.
local files = require("spec.support.files")
local loop = require("spec.support.loop")
local payload = require("spec.support.payload")
local raised_code = require("spec.support.raised")
local timers = require("http2.timers")

local path, serve, write = files.path, files.serve, files.write

local function after(ms, fn)
    return timers.setTimeout(fn, ms)
end

files.use_folder()

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
