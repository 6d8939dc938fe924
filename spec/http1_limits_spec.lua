-- The limits of an HTTP/1.1 connection, each reached; and good peers near them, who go unpunished.
local timers = require("http2.timers")
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")
local pace = require("spec.support.pace")
local socket = require("socket")

local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

local function echo(request, response)
    request:resume()
    request:on("end", function()
        response:finish(request.url)
    end)
end

local function statuses(scene)
    scene.handler = scene.handler or echo
    scene.stays_open = true
    local said, list = exchange.raw(scene), {}
    while said ~= "" do
        local view
        view, said = exchange.parse(said)
        list[#list + 1] = view.status
    end
    return list
end

-- Writes a piece every few milliseconds for as long as the other side takes it.
local function drip(first, piece)
    return function(client)
        client:write(first)
        local timer
        timer = timers.setInterval(function()
            client:write(piece)
        end, 5)
        client:on("close", function()
            timers.clearInterval(timer)
        end)
        client:on("end", function()
            timers.clearInterval(timer)
        end)
    end
end

-- Keeps this whole process from doing anything.
local function stand_still(seconds)
    local deadline = socket.gettime() + seconds
    while socket.gettime() < deadline do
        socket.sleep(0.01)
    end
end

describe("headersTimeout", function()
    after_each(loop.clean)

    it("is not put off by octets that come one by one", function()
        assert.same({408}, statuses{options = {headersTimeout = 100},
            send = {drip("GET / HTTP/1.1\r\nHost: a\r\nX: ", "x")}})
    end)

    it("is not put off by empty lines before a request", function()
        assert.same({}, statuses{options = {headersTimeout = 100}, send = {drip("", "\r\n")}})
    end)

    it("ends a connection on which nothing comes, without a word", function()
        assert.same({}, statuses{options = {headersTimeout = 50}, send = ""})
    end)

    it("holds for a later request too", function()
        assert.same({200, 408}, statuses{options = {headersTimeout = 100},
            send = GET .. "GET / HTTP/1.1\r\n"})
    end)

    it("is no longer than requestTimeout", function()
        assert.same({408}, statuses{options = {headersTimeout = 0, requestTimeout = 100},
            send = "GET / HTTP/1.1\r\n"})
    end)

    it("forgives what came while this process did something else", function()
        assert.same({200}, statuses{options = {headersTimeout = 50}, send = {function(client)
            client:write("GET / HTTP/1.1\r\nConnection: close\r\nHost: a")
            timers.setTimeout(function()
                client:write("\r\n\r\n", function()
                    stand_still(0.2)
                end)
            end, 10)
        end}})
    end)
end)

describe("requestTimeout", function()
    after_each(loop.clean)

    local post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"

    it("is not put off by octets that come one by one", function()
        assert.same({408}, statuses{options = {requestTimeout = 100}, send = {drip(post, "x")}})
    end)

    it("cuts off where the response has begun", function()
        local said = exchange.raw{options = {requestTimeout = 100}, stays_open = true, send = post,
            handler = function(request, response)
                request:resume()
                response:write("early")
            end}
        assert.truthy(said:find("early", 1, true))
        assert.falsy(said:find("408", 1, true))
    end)

    it("does not blame the peer for a program that does not read", function()
        pace.try(function(unit)
            local list = statuses{options = {requestTimeout = 50 * unit}, seconds = 60 + unit,
                send = post .. ("x"):rep(1000000), handler = function(request, response)
                    timers.setTimeout(echo, 75 * unit, request, response)
                end, on_data = function(_, client)
                    client:finish()
                end}
            assert.same({200}, list)
        end)
    end)
end)

describe("keepAliveTimeout", function()
    after_each(loop.clean)

    it("ends an idle connection, without a word", function()
        local said, events = exchange.raw{options = {keepAliveTimeout = 50}, handler = echo,
            stays_open = true, send = GET}
        local _, rest = exchange.parse(said)
        assert.equal("", rest)
        assert.same({"end", "close"}, {events[1], events[2]})
    end)

    it("lasts a little longer than the client is told", function()
        assert.same({200, 200}, statuses{options = {keepAliveTimeout = 1}, send = {GET,
            function(client)
                timers.setTimeout(function()
                    client:write((GET:gsub("\r\n\r\n", "\r\nConnection: close\r\n\r\n")))
                end, 200)
            end}})
    end)

    it("forgives what came while this process did something else", function()
        assert.same({200, 200}, statuses{options = {keepAliveTimeout = 1}, send = {GET,
            function(client)
                timers.setTimeout(function()
                    client:write((GET:gsub("\r\n\r\n", "\r\nConnection: close\r\n\r\n")),
                        function()
                            stand_still(1.5)
                        end)
                end, 50)
            end}})
    end)

    it("of 0 is none", function()
        local rest
        exchange.raw{options = {keepAliveTimeout = 0}, handler = echo, stays_open = true,
            send = {GET, function(client)
                timers.setTimeout(function()
                    rest = client.destroyed
                    client:destroy()
                end, 1500)
            end}}
        assert.is_false(rest)
    end)
end)

describe("server.timeout", function()
    after_each(loop.clean)

    local function timed(ms, listener)
        local aborted = false
        local said = exchange.raw{stays_open = true, send = GET, setup = function(server)
            server:setTimeout(ms, listener)
        end, handler = function(request)
            request:on("aborted", function()
                aborted = true
            end)
        end}
        return said, aborted
    end

    it("ends a connection on which nothing moves, where nobody listens", function()
        pace.try(function(unit)
            local said, aborted = timed(3 * unit)
            assert.equal("", said)
            assert.is_true(aborted)
        end)
    end)

    it("is told to the server's listener, which decides", function()
        pace.try(function(unit)
            local address, calls = nil, 0
            timed(3 * unit, function(connection)
                calls = calls + 1
                address = connection.remoteAddress
                timers.setTimeout(connection.destroy, 6 * unit, connection)
            end)
            assert.equal("127.0.0.1", address)
            assert.equal(1, calls)
        end)
    end)
end)

describe("an end of a server", function()
    after_each(loop.clean)

    it("answers what had come to an idle connection before", function()
        local server
        assert.same({200, 200}, statuses{setup = function(it)
            server = it
        end, send = {GET, function(client)
            timers.setTimeout(function()
                client:write(GET)
                server:close()
            end, 20)
        end}})
    end)
end)

describe("maxRequestsPerSocket", function()
    after_each(loop.clean)

    it("is told with the last response", function()
        local said = exchange.raw{options = {maxRequestsPerSocket = 3}, handler = echo,
            stays_open = true, send = GET:rep(5)}
        for i = 1, 3 do
            local view
            view, said = exchange.parse(said)
            assert.equal(i < 3 and "keep-alive" or "close", view.headers.connection)
        end
        assert.equal("", said)
    end)
end)

describe("maxHeaderSize", function()
    after_each(loop.clean)

    it("is exact", function()
        local function head(size)
            local text = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: %s\r\n\r\n"
            return text:format(("x"):rep(size - #text + 2))
        end
        for _, limit in ipairs{100, 16384, 65536} do
            assert.same({200}, statuses{options = {maxHeaderSize = limit}, send = head(limit)})
            assert.same({431}, statuses{options = {maxHeaderSize = limit}, send = head(limit + 1)})
        end
    end)

    it("counts fields, too", function()
        local function head(count)
            return "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                .. ("X: y\r\n"):rep(count - 2) .. "\r\n"
        end
        assert.same({200}, statuses{send = head(128)})
        assert.same({431}, statuses{send = head(129)})
        assert.same({200}, statuses{options = {maxHeaderListPairs = 5}, send = head(5)})
        assert.same({431}, statuses{options = {maxHeaderListPairs = 5}, send = head(6)})
    end)
end)

describe("a client that does not read", function()
    after_each(loop.clean)

    it("is asked for no more of what it pipelines, and gets it all in order later", function()
        local total, begun, at_rest, said = 1000, 0, nil, {}
        local body = ("x"):rep(50000)
        local scene = {seconds = 60, stays_open = true, handler = function(request, response)
            begun = begun + 1
            response:finish(request.url .. body)
        end}
        scene.send = {function(client)
            client:pause()
            for i = 1, total do
                client:write(("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"):format(i))
            end
            pace.when_settled(function() return begun end, function()
                at_rest = begun
                client:on("data", function(chunk)
                    said[#said + 1] = chunk
                    if begun == total and chunk:find("x$") then
                        client:finish()
                    end
                end)
                client:resume()
            end)
        end}
        exchange.raw(scene)
        assert.is_true(at_rest < total / 2, at_rest .. " were begun")
        local next_number = 1
        for number in table.concat(said):gmatch("\r\n\r\n/(%d+)x") do
            assert.equal(next_number, tonumber(number))
            next_number = next_number + 1
        end
        assert.equal(total + 1, next_number)
    end)

    it("is cut off after writeTimeout", function()
        local log, was_aborted = {}, false
        exchange.raw{seconds = 60, stays_open = true, options = {writeTimeout = 100},
            handler = function(request, response)
                request:on("aborted", function()
                    was_aborted = true
                end)
                response:on("close", function()
                    log[#log + 1] = "close"
                end)
                response:write(("x"):rep(30000000))
            end, send = {function(client)
                client:pause()
                client:write(GET)
                local timer
                timer = timers.setInterval(function()
                    if #log > 0 then
                        timers.clearInterval(timer)
                        client:destroy()
                    end
                end, 10)
            end}}
        assert.same({"close"}, log)
        assert.is_true(was_aborted)
    end)

    it("but slowly has its time, also where the connection is to close", function()
        local size, got = 8000000, 0
        exchange.raw{seconds = 60, stays_open = true, handler = function(_, response)
            response:setHeader("connection", "close")
            response:finish(("x"):rep(size))
        end, send = {function(client)
            client:write(GET)
            client:on("data", function(chunk)
                got = got + select(2, chunk:gsub("x", ""))
                client:pause()
                timers.setTimeout(client.resume, 5, client)
            end)
        end}}
        assert.equal(size, got)
    end)

    it("the last of it has its time as well", function()
        local size, got, is_waiting = 8000000, 0, true
        exchange.raw{seconds = 60, stays_open = true, handler = function(_, response)
            response:setHeader("connection", "close")
            response:finish(("x"):rep(size))
        end, send = {function(client)
            client:write(GET)
            client:on("data", function(chunk)
                got = got + select(2, chunk:gsub("x", ""))
                if is_waiting and got > size - 1000000 then
                    is_waiting = false
                    client:pause()
                    timers.setTimeout(client.resume, 2500, client)
                end
            end)
        end}}
        assert.equal(size, got)
    end)
end)

