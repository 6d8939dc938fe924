-- Bodies of streams: writing, reading, pipes.
local http2 = require("http2")
local expect = require("spec.support.expect")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local raised_code = require("spec.support.raised")
local scene = require("spec.support.stream_scene")

local after, answer, exchange = scene.after, scene.answer, scene.play

describe("a stream's writing side", function()
    after_each(loop.clean)

    it("is ended for HEAD, 204, 205, 304 and endStream; later writes fail there alone", function()
        for _, case in ipairs{
            {{[":method"] = "HEAD"}, {}}, {{}, {[":status"] = 204}}, {{}, {[":status"] = 205}},
            {{}, {[":status"] = 304}}, {{}, {}, {endStream = true}},
        } do
            local result, failure
            local here, there = exchange(function(stream)
                stream:respond(case[2], case[3])
                assert.is_true(stream.writableEnded)
                result = stream:write("x", function(err)
                    failure = err
                end)
            end, {headers = case[1]})
            assert.is_false(result)
            assert.equal("ERR_STREAM_WRITE_AFTER_END", failure.code)
            assert.equal("ERR_STREAM_WRITE_AFTER_END", there.err.code)
            assert.is_nil(here.err)
            assert.equal(0, here.code)
        end
    end)

    it("keeps a content-length of a HEAD response", function()
        local here, there = exchange(function(stream)
            assert.is_true(stream.headRequest)
            stream:respond({["content-length"] = 1000})
        end, {headers = {[":method"] = "HEAD"}})
        assert.equal("1000", here.headers["content-length"])
        assert.equal(0, there.code)
    end)

    it("is ended by GET, HEAD and DELETE requests, not by others", function()
        for method, ended in pairs{
            GET = true, HEAD = true, DELETE = true, POST = false, PUT = false, PATCH = false,
            OPTIONS = false, BREW = false,
        } do
            local seen
            exchange(answer, {headers = {[":method"] = method}}, function(stream)
                stream:on("ready", function()
                    seen = stream.writableEnded
                    stream:finish()
                end)
                stream:resume()
            end)
            assert.equal(ended, seen, method)
        end
    end)

    it("fails what is written when the stream is gone", function()
        local failure
        local here = exchange(answer)
        assert.is_false(here.stream:write("x", function(err)
            failure = err
        end))
        loop.run()
        assert.equal("ERR_STREAM_WRITE_AFTER_END", failure.code)
    end)

    it("counts what it holds, and drains", function()
        local expected = expect.new()
        local here = exchange(function(stream)
            stream:respond()
            assert.is_false(stream:write(payload.make(100000)))
            assert.equal(100000, stream.bufferSize)
            assert.equal(100000, stream.writableLength)
            assert.is_true(stream.writableNeedDrain)
            stream:on("drain", expected("drain", 1, function()
                assert.equal(0, stream.bufferSize)
                stream:finish()
            end))
        end)
        assert.equal(100000, #here.body)
        expected:verify()
    end)

    it("corks and uncorks", function()
        local here = exchange(function(stream)
            stream:respond()
            stream:cork()
            stream:write("a")
            stream:write("b")
            assert.equal(1, stream.writableCorked)
            after(10, function()
                stream:uncork()
                stream:cork()
                stream:finish("c")
            end)
        end)
        assert.equal("abc", here.body)
    end)
end)

describe("a stream's reading side", function()
    after_each(loop.clean)

    it("gives text when an encoding is set, never half a character", function()
        local chunks = {}
        exchange(function(stream)
            stream:respond()
            stream:write("a\xe2\x82")
            after(20, function()
                stream:finish("\xacb")
            end)
        end, nil, function(stream)
            stream:setEncoding("utf8")
            assert.equal("utf8", stream.readableEncoding)
            stream:on("data", function(chunk)
                chunks[#chunks + 1] = chunk
            end)
        end)
        assert.equal("a", chunks[1])
        assert.equal("a\u{20ac}b", table.concat(chunks))
    end)

    it("takes back what was read too far", function()
        local seen = {}
        exchange(function(stream)
            stream:respond()
            stream:finish("head|body")
        end, nil, function(stream)
            stream:once("readable", function()
                local chunk = stream:read()
                local at = chunk:find("|", 1, true)
                seen[1] = chunk:sub(1, at - 1)
                assert.is_true(stream:unshift(chunk:sub(at + 1)))
                pair.collect(stream, function(body)
                    seen[2] = body
                    seen[3] = raised_code(stream.unshift, stream, "x")
                end)
            end)
        end)
        assert.same({"head", "body", "ERR_STREAM_UNSHIFT_AFTER_END_EVENT"}, seen)
    end)
end)

describe("pipe", function()
    after_each(loop.clean)

    it("carries large bodies both ways between streams of two servers", function()
        local size = 3000000
        local back
        local inner = loop.track(http2.createServer())
        inner:on("stream", function(stream)
            stream:respond()
            stream:pipe(stream)
        end)
        inner:listen(0, "127.0.0.1")
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    local onward = http2.connect(
                        "http://127.0.0.1:" .. inner:address().port)
                    local request = onward:request({[":method"] = "POST"})
                    stream:pipe(request)
                    request:on("response", function()
                        stream:respond()
                        request:pipe(stream)
                    end)
                    request:on("close", function()
                        onward:close()
                        inner:close()
                    end)
                end)
            end,
            client = function(session)
                local stream = session:request({[":method"] = "POST"})
                pair.collect(stream, function(body)
                    back = body
                end)
                stream:on("close", function()
                    session:close()
                end)
                stream:finish(payload.make(size))
            end,
        }
        assert.is_nil(payload.difference(back, payload.make(size)))
    end)

    it("holds the source back while the destination is slow", function()
        local size, largest, got = 4000000, 0, 0
        local source
        pair.play{
            client_options = {maxSessionMemory = 1},
            server = function(server)
                server:on("stream", function(stream, headers)
                    stream:respond()
                    if headers[":path"] == "/source" then
                        stream:finish(payload.make(size))
                    else
                        source:pipe(stream)
                        stream:on("pipe", function() end)
                        stream:on("drain", function()
                            largest = math.max(largest, stream.bufferSize)
                        end)
                    end
                end)
            end,
            client = function(session)
                source = session:request({[":path"] = "/source"})
                local slow = session:request({[":path"] = "/slow", [":method"] = "POST"})
                slow:finish()
                slow:on("data", function(chunk)
                    got = got + #chunk
                    slow:pause()
                    largest = math.max(largest, source.readableLength)
                    after(1, function()
                        slow:resume()
                    end)
                end)
                slow:on("close", function()
                    session:close()
                end)
            end,
        }
        assert.equal(size, got)
        -- Windows grow with the pace, but not past what the session may hold.
        assert.is_true(largest < 1000000, largest)
    end)
end)
