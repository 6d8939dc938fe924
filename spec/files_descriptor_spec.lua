-- respondWithFD: descriptors and files of the io library.
local files = require("spec.support.files")
local loop = require("spec.support.loop")
local raised_code = require("spec.support.raised")

local path, serve, write = files.path, files.serve, files.write

files.use_folder()

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
            local directory = assert(io.open(path("."), "r"))
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
