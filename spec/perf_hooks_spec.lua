-- Performance entries tell true figures, and nothing is measured while nobody observes.
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised_code = require("spec.support.raised")
local perf_hooks = require("http2.perf_hooks")
local timers = require("http2.timers")

local function after(ms, fn)
    return timers.setTimeout(fn, ms)
end

-- One POST of 5000 octets answered with 20000 after 30 ms, and a ping. Gives the moments at which
-- the program came to what.
local function play()
    local at = {}
    local function note(moment)
        at[moment] = perf_hooks.performance.now()
    end
    note("start")
    pair.play{
        server = function(server)
            server:on("stream", function(stream)
                note("request")
                stream:on("data", function()
                    at.data = at.data or perf_hooks.performance.now()
                end)
                stream:on("end", function()
                    note("received")
                    after(30, function()
                        note("respond")
                        stream:respond()
                        stream:finish(("y"):rep(20000))
                    end)
                end)
            end)
        end,
        client = function(session)
            session:on("connect", function()
                note("ping")
                session:ping(function(_, duration)
                    note("pong")
                    at.duration = duration
                end)
            end)
            note("ask")
            local stream = session:request({[":method"] = "POST"})
            stream:finish(("x"):rep(5000))
            stream:on("response", function() note("response") end)
            stream:resume():on("close", function()
                session:close()
            end)
        end,
    }
    note("over")
    return at
end

local function assert_in_order(...)
    local moments = {...}
    for index = 2, #moments do
        assert(moments[index - 1] <= moments[index] + 0.001,
            ("moment %d is before the one it follows: %s"):format(index,
            table.concat(moments, ", ")))
    end
end

describe("PerformanceObserver", function()
    local observer
    after_each(function()
        if observer then
            observer:disconnect()
        end
        loop.clean()
    end)

    local function observe()
        local entries = {}
        observer = perf_hooks.PerformanceObserver(function(list, who)
            assert.equal(observer, who)
            for _, entry in ipairs(list:getEntries()) do
                entries[#entries + 1] = entry
            end
        end)
        observer:observe{entryTypes = {"http2"}}
        return entries
    end

    local function find(entries, name, field, value)
        for _, entry in ipairs(entries) do
            if entry.name == name and entry[field] == value then
                return entry
            end
        end
    end

    -- The entries of play(), by what they are of, and its moments.
    local function measure()
        local entries = observe()
        local at = play()
        assert.equal(4, #entries)
        return {
            all = entries, at = at,
            served = find(entries, "Http2Stream", "bytesRead", 5000),
            asked = find(entries, "Http2Stream", "bytesRead", 20000),
            server = find(entries, "Http2Session", "type", "server"),
            client = find(entries, "Http2Session", "type", "client"),
        }
    end

    it("is told of each stream and session, streams first", function()
        local seen = measure()
        local position = {}
        for index, entry in ipairs(seen.all) do
            assert.equal("http2", entry.entryType)
            position[entry] = index
        end
        assert.is_true(position[seen.served] < position[seen.server])
        assert.is_true(position[seen.asked] < position[seen.client])
    end)

    it("is told the true figures of a server's stream", function()
        local seen = measure()
        local served, at = seen.served, seen.at
        assert.equal(1, served.id)
        assert.equal(20000, served.bytesWritten)
        local start = served.startTime
        assert.is_true(served.timeToFirstHeader >= 0)
        assert_in_order(at.ask, start, start + served.timeToFirstHeader, at.request)
        assert_in_order(start, start + served.timeToFirstByte, at.data)
        assert_in_order(at.respond, start + served.timeToFirstByteSent,
            start + served.duration, at.over)
    end)

    it("is told the true figures of a client's stream", function()
        local seen = measure()
        local asked, at = seen.asked, seen.at
        assert.equal(1, asked.id)
        assert.equal(5000, asked.bytesWritten)
        local start = asked.startTime
        assert_in_order(at.ask, start, start + asked.timeToFirstByteSent, at.received)
        assert_in_order(at.respond, start + asked.timeToFirstHeader, at.response)
        assert_in_order(asked.timeToFirstHeader, asked.timeToFirstByte, asked.duration)
        assert_in_order(start + asked.duration, at.over)
    end)

    it("is told the true figures of both sessions", function()
        local seen = measure()
        local server, client, at = seen.server, seen.client, seen.at
        for session, stream in pairs{[server] = seen.served, [client] = seen.asked} do
            assert.equal(1, session.streamCount)
            assert.equal(1, session.maxConcurrentStreams)
            assert.equal(stream.duration, session.streamAverageDuration)
            assert_in_order(at.start, session.startTime, stream.startTime,
                session.startTime + session.duration, at.over)
        end
        -- Whoever ends first does not see the other's last words, frames of 17 octets at most.
        for reader, writer in pairs{[server] = client, [client] = server} do
            local octets = writer.bytesWritten - reader.bytesRead
            local frames = writer.framesSent - reader.framesReceived
            assert.is_true(octets >= 0 and octets <= 17 * frames and frames <= 3)
        end
        assert.is_true(client.bytesRead > 20000 and client.bytesRead < 20300)
        -- SETTINGS, its ACK, PING or its ACK, HEADERS, DATA twice at least, GOAWAY.
        assert.is_true(server.framesSent >= 7 and server.framesSent < 20)
        assert.equal(at.duration, client.pingRTT)
        assert.is_true(client.pingRTT > 0)
        assert_in_order(at.ping + client.pingRTT, at.pong)
        assert.equal(0, server.pingRTT)
    end)

    it("is told how many streams there were at once, and in all", function()
        local entries = observe()
        pair.play{
            server = function(server)
                local waiting = {}
                server:on("stream", function(stream)
                    waiting[#waiting + 1] = stream
                    if #waiting == 3 or #waiting == 5 then
                        for index = #waiting == 3 and 1 or 4, #waiting do
                            waiting[index]:finish("x")
                        end
                    end
                end)
            end,
            client = function(session)
                local left = 5
                local function ask()
                    session:request():resume():on("close", function()
                        left = left - 1
                        if left == 2 then
                            ask()
                            ask()
                        elseif left == 0 then
                            session:close()
                        end
                    end)
                end
                for _ = 1, 3 do
                    ask()
                end
            end,
        }
        for _, role in ipairs{"server", "client"} do
            local session = find(entries, "Http2Session", "type", role)
            assert.equal(5, session.streamCount)
            assert.equal(3, session.maxConcurrentStreams)
        end
        assert.equal(0, find(entries, "Http2Session", "type", "client").pingRTT)
    end)

    it("has the figures under detail too", function()
        local entries = observe()
        play()
        local entry = find(entries, "Http2Stream", "bytesRead", 5000)
        assert.equal(5000, entry.detail.bytesRead)
        assert.is_nil(entry.detail.duration)
    end)

    it("says 0 for what did not happen", function()
        local entries = observe()
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond({}, {endStream = true})
                end)
            end,
            client = function(session)
                session:request():resume():on("close", function()
                    session:close()
                end)
            end,
        }
        for _, entry in ipairs(entries) do
            if entry.name == "Http2Stream" then
                assert.equal(0, entry.timeToFirstByte)
                assert.equal(0, entry.timeToFirstByteSent)
                assert.equal(0, entry.bytesRead)
                assert.equal(0, entry.bytesWritten)
            end
        end
    end)

    it("finds entries by name and by type", function()
        local names, types, none
        observer = perf_hooks.PerformanceObserver(function(list)
            names = names or #list:getEntriesByName("Http2Stream", "http2")
            types = types or #list:getEntriesByType("http2")
            none = none or #list:getEntriesByType("mark") + #list:getEntriesByName("x")
        end)
        observer:observe{type = "http2"}
        play()
        assert.is_true(names > 0)
        assert.is_true(types > 0)
        assert.equal(0, none)
    end)

    it("hears nothing after disconnect, and of other types", function()
        local entries = observe()
        observer:disconnect()
        play()
        assert.equal(0, #entries)
        observer:observe{entryTypes = {"mark"}}
        play()
        assert.equal(0, #entries)
    end)

    it("counts what was cut off, and survives bodies that wait", function()
        local entries = observe()
        pair.play{
            client_options = {settings = {initialWindowSize = 1000}},
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond()
                    stream:write(("y"):rep(100000))
                end)
            end,
            client = function(session)
                local stream = session:request()
                stream:on("response", function()
                    session:ping(function() -- when all that fits the window is here
                        stream:close(8)
                    end)
                end)
                stream:on("close", function()
                    session:close()
                end)
            end,
        }
        assert.truthy(find(entries, "Http2Stream", "bytesWritten", 1000))
        assert.truthy(find(entries, "Http2Stream", "bytesRead", 1000))
    end)

    it("raises for a wrong call", function()
        local o = perf_hooks.PerformanceObserver(function() end)
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(perf_hooks.PerformanceObserver))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(perf_hooks.PerformanceObserver, 1))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(o.observe, o))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(o.observe, o, {entryTypes = "http2"}))
        assert.equal("ERR_MISSING_ARGS", raised_code(o.observe, o, {}))
    end)
end)
