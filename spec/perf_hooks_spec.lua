-- Performance entries tell true figures, and nothing is measured while nobody observes.
local http2 = require("http2")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local perf_hooks = require("http2.perf_hooks")
local socket = require("socket")
local timers = require("http2.timers")

local function after(ms, fn)
    return timers.setTimeout(fn, ms)
end

local function raised_code(fn, ...)
    local ok, err = pcall(fn, ...)
    assert(not ok, "nothing was raised")
    assert(http2.isError(err), tostring(err))
    return err.code
end

local pause_ms = 30

-- One POST of 5000 octets answered with 20000 after a pause, and a ping. The whole process pauses:
-- however long a busy machine makes things take, these milliseconds are between the two.
local function play()
    pair.play{
        server = function(server)
            server:on("stream", function(stream)
                stream:resume()
                stream:on("end", function()
                    socket.sleep(pause_ms / 1000)
                    stream:respond()
                    stream:finish(("y"):rep(20000))
                end)
            end)
        end,
        client = function(session)
            session:on("connect", function()
                session:ping(function() end)
            end)
            local stream = session:request({[":method"] = "POST"})
            stream:finish(("x"):rep(5000))
            stream:resume():on("close", function()
                session:close()
            end)
        end,
    }
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

    it("is told of each stream and session, streams first, with true figures", function()
        local before = perf_hooks.performance.now()
        local entries = observe()
        play()
        assert.equal(4, #entries)

        local served = find(entries, "Http2Stream", "bytesRead", 5000)
        assert.equal("http2", served.entryType)
        assert.equal(1, served.id)
        assert.equal(20000, served.bytesWritten)
        assert.is_true(served.startTime >= before)
        assert.is_true(served.timeToFirstHeader >= 0)
        assert.is_true(served.timeToFirstByte >= served.timeToFirstHeader)
        assert.is_true(served.timeToFirstByteSent - served.timeToFirstByte >= pause_ms)
        assert.is_true(served.timeToFirstByteSent <= served.duration)
        assert.is_true(served.startTime + served.duration <= perf_hooks.performance.now())

        local asked = find(entries, "Http2Stream", "bytesRead", 20000)
        assert.equal(5000, asked.bytesWritten)
        assert.is_true(asked.timeToFirstByteSent >= 0)
        assert.is_true(asked.timeToFirstHeader - asked.timeToFirstByteSent >= pause_ms)
        assert.is_true(asked.timeToFirstByte >= asked.timeToFirstHeader)

        local server = find(entries, "Http2Session", "type", "server")
        local client = find(entries, "Http2Session", "type", "client")
        assert.equal(1, server.streamCount)
        assert.equal(1, client.streamCount)
        assert.equal(1, server.maxConcurrentStreams)
        -- Whoever ends first does not see the other's last words, frames of 17 octets at most.
        for reader, writer in pairs{[server] = client, [client] = server} do
            local octets = writer.bytesWritten - reader.bytesRead
            local frames = writer.framesSent - reader.framesReceived
            assert.is_true(octets >= 0 and octets <= 17 * frames and frames <= 3)
        end
        assert.is_true(client.bytesRead > 20000 and client.bytesRead < 20300)
        -- SETTINGS, its ACK, PING or its ACK, HEADERS, DATA twice at least, GOAWAY.
        assert.is_true(server.framesSent >= 7 and server.framesSent < 20)
        assert.is_true(client.pingRTT > 0 and client.pingRTT <= client.duration)
        assert.equal(0, server.pingRTT)
        assert.is_true(server.streamAverageDuration >= pause_ms)
        assert.is_true(server.duration >= served.duration)

        local position = {}
        for at, entry in ipairs(entries) do
            position[entry] = at
        end
        assert.is_true(position[served] < position[server])
        assert.is_true(position[asked] < position[client])
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
                    after(20, function()
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
