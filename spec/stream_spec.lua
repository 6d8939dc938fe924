-- Members of streams: priorities, states, the ways of ending, those of the first releases, and
-- wrong calls.
local http2 = require("http2")
local expect = require("spec.support.expect")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local raised_code = require("spec.support.raised")
local rawpeer = require("spec.support.rawpeer")
local scene = require("spec.support.stream_scene")

local after, answer, exchange, post = scene.after, scene.answer, scene.play, scene.post

describe("the priority of a stream", function()
    after_each(loop.clean)

    it("goes out as PRIORITY_UPDATE, once the stream has its identifier", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        local stream = session:request()
        stream:priority({urgency = 1, incremental = true})
        local peer = listener:accept()
        local update = peer:await("PRIORITY_UPDATE", function(frame)
            return frame.type == 0x10
        end)
        assert.equal("\0\0\0\1u=1, i", update.payload)
        session:destroy()
        peer:close()
        listener.close()
    end)

    it("takes the options of RFC 7540 and does nothing with them", function()
        exchange(function(stream)
            stream:priority({weight = 200, parent = 0, exclusive = true, silent = true})
            stream:priority()
            answer(stream)
        end, {headers = {}, options = {weight = 1, parent = 0, exclusive = false}})
    end)

    it("raises for what is wrong", function()
        local here = exchange(function(stream)
            for _, wrong in ipairs{
                {"ERR_INVALID_ARG_TYPE", 1}, {"ERR_INVALID_ARG_TYPE", {weight = "1"}},
                {"ERR_INVALID_ARG_TYPE", {parent = "1"}}, {"ERR_OUT_OF_RANGE", {parent = -1}},
                {"ERR_INVALID_ARG_TYPE", {exclusive = 1}}, {"ERR_INVALID_ARG_TYPE", {silent = 1}},
                {"ERR_OUT_OF_RANGE", {urgency = 8}}, {"ERR_INVALID_ARG_TYPE", {urgency = "1"}},
                {"ERR_INVALID_ARG_TYPE", {incremental = 1}},
            } do
                assert.equal(wrong[1], raised_code(stream.priority, stream, wrong[2]))
            end
            answer(stream)
        end)
        assert.equal("ERR_HTTP2_INVALID_STREAM",
            raised_code(here.stream.priority, here.stream, {}))
    end)
end)

describe("the state of a stream", function()
    after_each(loop.clean)

    it("has Node's figures while the stream lives", function()
        local arrived, later
        local here = exchange(function(stream)
            arrived = stream.state
            stream:respond()
            stream:finish()
            later = stream.state
        end, post, function(stream)
            assert.same({}, stream.state)
            stream:on("response", function()
                stream:finish()
            end)
            stream:resume()
        end)
        assert.same({
            state = http2.constants.NGHTTP2_STREAM_STATE_OPEN, weight = 16,
            sumDependencyWeight = 0, localClose = 0, remoteClose = 0, localWindowSize = 65535,
        }, arrived)
        assert.equal(1, later.localClose)
        assert.equal(http2.constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL, later.state)
        assert.same({}, here.stream.state)
    end)

    it("is idle while the peer's limit holds the request back", function()
        local states = {}
        pair.play{
            server_options = {settings = {maxConcurrentStreams = 1}},
            server = function(server)
                server:on("stream", function(stream)
                    after(20, function()
                        answer(stream)
                    end)
                end)
            end,
            client = function(session)
                session:once("remoteSettings", function()
                    session:request():resume()
                    local second = session:request()
                    assert.equal(3, second.id)
                    assert.is_false(second.pending)
                    states[1] = second.state.state
                    states[2] = second.state.weight
                    second:resume():on("close", function()
                        session:close()
                    end)
                end)
            end,
        }
        assert.same({1, 0}, states)
    end)

    it("keeps id and rstCode after the end, and nothing else", function()
        local here, there = exchange(answer)
        for _, view in ipairs{here, there} do
            local stream = view.stream
            assert.equal(1, stream.id)
            assert.equal(0, stream.rstCode)
            assert.is_true(stream.closed)
            assert.is_true(stream.destroyed)
            assert.is_false(stream.pending)
            assert.is_nil(stream.session)
            assert.equal(0, stream.bufferSize)
        end
        assert.is_true(there.stream.endAfterHeaders)
        assert.is_false(here.stream.endAfterHeaders)
    end)
end)

describe("close and destroy of a stream", function()
    after_each(loop.clean)

    local function outcome(view)
        return {view.code, view.err and view.err.code or false, view.stream.aborted}
    end

    -- `act(stream)` on a client's stream whose request and response are both under way.
    local function client_acts(act)
        local here, there = exchange(function(stream)
            stream:respond()
            stream:write("part")
            stream:resume()
        end, post, function(stream)
            stream:write("part")
            stream:once("data", function()
                act(stream)
            end)
        end)
        return outcome(here), outcome(there)
    end

    local function server_acts(act)
        local here, there = exchange(function(stream)
            stream:respond()
            stream:write("part")
            stream:resume():once("data", function()
                act(stream)
            end)
        end, post, function(stream)
            stream:write("part")
            stream:resume()
        end)
        return outcome(here), outcome(there)
    end

    local stream_error = "ERR_HTTP2_STREAM_ERROR"

    it("end both sides by Node's table, whoever begins", function()
        local _, own = pcall(http2.connect, "no url")
        for _, case in ipairs{
            -- name, act, code, error here, error there
            {"close()", function(s) s:close() end, 0, false, false},
            {"close(8)", function(s) s:close(8) end, 8, false, false},
            {"close(7)", function(s) s:close(7) end, 7, stream_error, stream_error},
            {"close(255)", function(s) s:close(255) end, 255, stream_error, stream_error},
            {"destroy()", function(s) s:destroy() end, 0, false, false},
            {"destroy(e)", function(s) s:destroy(own) end, 2, own.code, stream_error},
            {"destroy after close", function(s) s:close(7) s:destroy(own) end, 7, own.code,
                stream_error},
        } do
            local name, act, code, here_error, there_error = table.unpack(case)
            local here, there = client_acts(act)
            assert.same({code, here_error, true}, here, name .. " by the client, here")
            assert.same({code, there_error, true}, there, name .. " by the client, there")
            here, there = server_acts(act)
            assert.same({code, here_error, true}, there, name .. " by the server, there")
            assert.same({code, there_error, true}, here, name .. " by the server, here")
        end
    end)

    it("do not abort a side that was ended", function()
        local here, there = exchange(function(stream)
            stream:close(8)
        end)
        assert.same({8, false, false}, outcome(here))
        assert.same({8, false, true}, outcome(there))
        assert.same({"aborted", "finish", "close"}, there.events)
    end)

    it("take any value as the error of destroy", function()
        local _, there = exchange(function(stream)
            stream:destroy("just text")
        end)
        assert.equal("just text", there.err.message)
        assert.equal(there.err, there.stream.errored)
    end)

    it("call back when the stream is closed; a second close() is nothing", function()
        local expected = expect.new()
        exchange(function(stream)
            stream:close(8, expected("callback"))
            stream:close(7, expected("second callback", 0))
            stream:close(expected("third callback", 0))
        end)
        expected:verify()
    end)

    it("raise for a wrong code, though the stream be closed", function()
        local here = exchange(answer)
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(here.stream.close, here.stream, "1"))
        assert.equal("ERR_OUT_OF_RANGE", raised_code(here.stream.close, here.stream, -1))
        assert.equal("ERR_OUT_OF_RANGE", raised_code(here.stream.close, here.stream, 2 ^ 32))
        assert.equal("ERR_OUT_OF_RANGE", raised_code(here.stream.close, here.stream, 1.5))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(here.stream.close, here.stream, 1, 1))
    end)

    it("fail the writes that wait", function()
        local failures = {}
        exchange(function(stream)
            stream:respond()
            stream:write(payload.make(200000), function(err)
                failures[#failures + 1] = err and err.code or "none"
            end)
        end, nil, function(stream)
            stream:on("response", function()
                after(10, function()
                    stream:close(0)
                    stream:resume() -- what has arrived can still be read
                end)
            end)
        end)
        assert.same({"ERR_STREAM_DESTROYED"}, failures)
    end)

    it("by the client before its connection stands: HEADERS and the reset, or nothing", function()
        local here, there = exchange(answer, nil, function(stream)
            stream:close(8)
        end)
        assert.equal(8, here.code)
        assert.equal(1, here.stream.id)
        assert.is_nil(there.stream) -- reset in the same breath: no handler is troubled
        here = exchange(answer, nil, function(stream)
            stream:destroy()
        end)
        assert.equal(0, here.code)
        assert.is_nil(here.stream.id)
    end)

    it("of a variable that goes out of scope cancel what is not ended", function()
        local here = exchange(function(stream)
            local _ <close> = stream
            stream:respond()
        end)
        assert.equal(8, here.code)
    end)
end)

describe("requests that cannot be sent", function()
    after_each(loop.clean)

    it("tell of a header block that is too large by frameError", function()
        local seen
        local here = exchange(function(stream)
            stream:on("frameError", function(...)
                seen = {...}
            end)
            stream:respond({["x-large"] = ("x"):rep(100000)})
        end)
        assert.same({1, 6, 1}, seen)
        assert.equal(6, here.code)
    end)

    it("are refused when their header block is too large, before or after connecting", function()
        for _, is_early in ipairs{true, false} do
            local seen = {}
            pair.play{
                server = function(server)
                    server:on("stream", answer)
                end,
                client = function(session)
                    local function ask()
                        local stream = session:request({["x-large"] = ("x"):rep(100000)})
                        stream:on("frameError", function(kind, code, id)
                            seen[#seen + 1] = kind .. " " .. code .. " " .. id
                        end)
                        stream:on("error", function(err)
                            seen[#seen + 1] = err.code
                        end)
                        stream:on("close", function()
                            seen[#seen + 1] = stream.rstCode
                        end)
                    end
                    if is_early then
                        ask()
                    else
                        session:on("connect", ask)
                    end
                end,
            }
            assert.same({"1 6 1", "ERR_HTTP2_STREAM_ERROR", 7}, seen)
        end
    end)

    it("end with ERR_HTTP2_OUT_OF_STREAMS when no identifier is left", function()
        local codes = {}
        pair.play{
            server = function(server)
                server:on("stream", answer)
            end,
            client = function(session)
                session:on("connect", function()
                    session:setNextStreamID(2 ^ 31 - 1)
                    local last = session:request()
                    assert.equal(2 ^ 31 - 1, last.id)
                    local none = session:request()
                    none:on("error", function(err)
                        codes[1] = err.code
                    end)
                    none:on("close", function()
                        codes[2] = none.rstCode
                    end)
                    last:resume():on("close", function()
                        codes[3] = last.rstCode
                        session:close()
                    end)
                end)
            end,
        }
        assert.same({"ERR_HTTP2_OUT_OF_STREAMS", 2, 0}, codes)
    end)

    it("raise for wrong options, and none is made", function()
        pair.play{
            server = function(server)
                server:on("stream", answer)
            end,
            client = function(session)
                for _, wrong in ipairs{
                    {"ERR_INVALID_ARG_TYPE", {endStream = 1}},
                    {"ERR_INVALID_ARG_TYPE", {exclusive = 1}},
                    {"ERR_INVALID_ARG_TYPE", {parent = "1"}}, {"ERR_OUT_OF_RANGE", {parent = -1}},
                    {"ERR_INVALID_ARG_TYPE", {weight = "1"}},
                    {"ERR_INVALID_ARG_TYPE", {silent = "1"}},
                    {"ERR_HTTP2_STREAM_SELF_DEPENDENCY", {parent = 1}},
                    {"ERR_INVALID_ARG_VALUE", {getTrailers = 1}},
                    {"ERR_INVALID_ARG_TYPE", "options"},
                } do
                    assert.equal(wrong[1], raised_code(session.request, session, {}, wrong[2]))
                end
                assert.equal("ERR_INVALID_ARG_TYPE",
                    raised_code(session.request, session, "headers"))
                local stream = session:request()
                stream:resume():on("close", function()
                    assert.equal(1, stream.id)
                    session:close()
                end)
            end,
        }
    end)
end)

describe("members of the first releases", function()
    after_each(loop.clean)

    it("reset by their names, and tell streamClosed", function()
        for name, code in pairs{
            rstWithNoError = 0, rstWithProtocolError = 1, rstWithInternalError = 2,
            rstWithRefuse = 7, rstWithCancel = 8,
        } do
            local told
            local here = exchange(function(stream)
                stream:on("streamClosed", function(...)
                    told = {...}
                end)
                stream[name](stream)
            end)
            assert.equal(code, here.code)
            assert.same({code}, told)
        end
        local here = exchange(function(stream)
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(stream.rstStream, stream, "1"))
            stream:rstStream(3)
        end)
        assert.equal(3, here.code)
    end)

    it("send trailers by the option getTrailers", function()
        local fetched
        local here = exchange(function(stream)
            stream:on("fetchTrailers", function(trailers)
                fetched = trailers["x-a"]
                trailers["x-b"] = "2"
            end)
            stream:respond({}, {getTrailers = function(trailers)
                trailers["x-a"] = "1"
            end})
            stream:finish("body")
        end)
        assert.equal("1", fetched)
        assert.equal("1", here.trailers["x-a"])
        assert.equal("2", here.trailers["x-b"])
    end)
end)

describe("what a reset in the same breath as its request leaves", function()
    after_each(loop.clean)

    it("is nothing: no handler, no stream", function()
        local expected = expect.new()
        local server = pair.serve({}, function() end)
        server:on("stream", expected("stream", 0))
        local peer = rawpeer.connect(rawpeer.port_of(server))
        peer:send(frames.get(1), frames.rst_stream(1, 8))
        peer:await_pong()
        peer:close()
        server:close()
        expected:verify()
    end)
end)
