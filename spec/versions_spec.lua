-- A handler that uses only the public API cannot tell HTTP/2 from HTTP/1.1 but by httpVersion: the
-- same handlers, played over both, note the same things in the same order, and their clients get
-- the same responses.
local http2 = require("http2")
local timers = require("http2.timers")
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")

-- What tells of the message's framing, and of the moment.
local of_framing = {
    ["connection"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true,
    ["content-length"] = true, ["date"] = true,
}

local function headers_of(headers)
    local kept = {}
    for name, value in pairs(headers or {}) do
        if type(name) == "string" and name:sub(1, 1) ~= ":" and not of_framing[name] then
            local is_joined = type(value) == "table" and name ~= "set-cookie"
            kept[name] = is_joined and table.concat(value, ", ") or value
        end
    end
    return kept
end

local function view_of(view)
    local informational = {}
    for i, interim in ipairs(view.informational or {}) do
        informational[i] = {interim[1], headers_of(interim[2])}
    end
    -- Of a response that was cut off, one version shows what came and the other may not.
    if view.is_cut then
        return {is_cut = true}
    end
    return {status = view.status, headers = headers_of(view.headers), body = view.body,
        has_date = view.headers.date ~= nil, trailers = headers_of(view.trailers),
        informational = informational}
end

-- What a value is noted as: errors by their codes, objects by their types.
local function text_of(value)
    if http2.isError(value) then
        return value.code or value.message
    elseif type(value) == "table" then
        local names = {}
        for i, item in ipairs(value) do
            names[i] = text_of(item)
        end
        return "{" .. table.concat(names, " ") .. "}"
    elseif type(value) == "userdata" or type(value) == "function" then
        return type(value)
    end
    return tostring(value)
end

local Notes = {}
Notes.__index = Notes

function Notes:note(...)
    local words = {...}
    for i = 1, select("#", ...) do
        words[i] = text_of((select(i, ...)))
    end
    table.insert(self.list, table.concat(words, " "))
end

-- Notes an object's events, and their arguments.
function Notes:watch(label, object, ...)
    for _, name in ipairs{...} do
        object:on(name, function(...)
            self:note(label, name, ...)
        end)
    end
end

-- Notes what a call gives, or the code of what it raises.
function Notes:try(label, fn, ...)
    local results = table.pack(pcall(fn, ...))
    self:note(label, table.unpack(results, 1, results.n))
end

-- Notes members by their names.
function Notes:members(label, object, ...)
    for _, name in ipairs{...} do
        self:note(label .. "." .. name, object[name])
    end
end

local request_members = {"method", "url", "authority", "scheme", "complete", "aborted",
    "destroyed", "closed", "errored", "readable", "readableEnded", "readableAborted",
    "readableDidRead", "readableFlowing", "readableEncoding"}
local response_members = {"statusCode", "headersSent", "sendDate", "finished", "writableEnded",
    "writable", "closed", "destroyed", "errored", "writableFinished", "writableLength",
    "writableNeedDrain", "writableCorked"}

local function note_all(notes, request, response)
    notes:members("request", request, table.unpack(request_members))
    notes:members("response", response, table.unpack(response_members))
    notes:note("headers", request.headers["x-a"], request.headers[":path"],
        response:getHeaderNames())
    notes:note("trailers", request.trailers["x-t"], #request.rawTrailers)
end

local function watch_all(notes, request, response)
    notes:watch("request", request, "end", "aborted", "error", "close", "timeout")
    notes:watch("response", response, "finish", "error", "close", "timeout", "drain", "pipe",
        "unpipe")
end

-- Everything that can be called once there is nothing to be said any more.
local function try_all(notes, request, response)
    local function callback(...)
        notes:note("called back", ...)
    end
    notes:try("write", response.write, response, "x", callback)
    notes:try("writeHead", function() return response:writeHead(204) == response end)
    notes:try("setHeader", response.setHeader, response, "x-a", "b")
    notes:try("appendHeader", response.appendHeader, response, "x-a", "b")
    notes:try("removeHeader", response.removeHeader, response, "x-a")
    notes:try("getHeader", response.getHeader, response, "x-a")
    notes:try("setTrailer", response.setTrailer, response, "x-a", "b")
    notes:try("flushHeaders", response.flushHeaders, response)
    notes:try("writeContinue", response.writeContinue, response)
    notes:try("writeEarlyHints", response.writeEarlyHints, response, {link = "</a>"})
    notes:try("statusCode", function() response.statusCode = 404 end)
    notes:try("cork", response.cork, response)
    notes:try("uncork", response.uncork, response)
    notes:try("finish", function() return response:finish("y", callback) == response end)
    notes:try("request.setTimeout", function() return request:setTimeout(10) == request end)
    notes:try("response.setTimeout", function() return response:setTimeout(10) == response end)
    notes:try("read", request.read, request)
    notes:try("pause", function() return request:pause() == request end)
    notes:try("resume", function() return request:resume() == request end)
    notes:try("socket", function() return response.socket end)
    notes:try("destroy", function() return request:destroy() == request end)
    notes:try("destroy", response.destroy, response)
end

-- Plays the scene over a version: its notes, and the client's view. `scene.play(notes, request,
-- response)` is the handler.
local function play(version, scene)
    local notes = setmetatable({list = {}}, Notes)
    local copy = {version = version}
    for name, value in pairs(scene) do
        copy[name] = value
    end
    function copy.handler(request, response)
        return scene.play(notes, request, response, copy)
    end
    function copy.handler_error(err, stream)
        local message = http2.isError(err) and (err.code or err.message) or tostring(err)
        notes:note("handlerError", message:match("on purpose") or message, type(stream))
    end
    if scene.prepare then
        function copy.setup(server)
            scene.prepare(notes, server)
        end
    end
    local view = exchange.request(copy)
    return notes.list, view_of(view)
end

local function alike(sentence, scene)
    it(sentence, function()
        local notes, view = play("2.0", scene)
        local other_notes, other_view = play("1.1", scene)
        assert.is_true(#notes > 0)
        assert.equal(table.concat(notes, "\n"), table.concat(other_notes, "\n"))
        if not scene.is_cut then
            assert.same(view, other_view)
        end
    end)
end

local function after(ms, fn, ...)
    timers.setTimeout(fn, ms, ...)
end

describe("a handler cannot tell the versions apart:", function()
    after_each(loop.clean)

    alike("members before anything happens", {path = "/a?b", headers = {["x-a"] = "b"},
        play = function(notes, request, response)
            note_all(notes, request, response)
            response:finish()
        end})

    alike("a body that is read", {method = "POST", body = ("0123456789"):rep(5000),
        play = function(notes, request, response)
            local octets = 0
            watch_all(notes, request, response)
            request:on("data", function(chunk)
                octets = octets + #chunk
            end)
            request:on("end", function()
                notes:note("octets", octets)
                note_all(notes, request, response)
                response:finish(tostring(octets))
            end)
            response:on("close", function()
                note_all(notes, request, response)
            end)
        end})

    alike("a body that nobody reads", {method = "POST", body = ("x"):rep(300000),
        play = function(notes, request, response)
            watch_all(notes, request, response)
            response:finish("enough")
        end})

    alike("a body that is read piece by piece", {method = "POST", body = "h\xc3\xa9llo",
        play = function(notes, request, response)
            watch_all(notes, request, response)
            request:setEncoding("utf8")
            request:on("readable", function()
                local chunk = request:read(2)
                while chunk do
                    notes:note("read", chunk)
                    chunk = request:read(2)
                end
            end)
            request:on("end", function()
                response:finish()
            end)
        end})

    alike("a body that is paused", {method = "POST", body = "hello",
        play = function(notes, request, response)
            watch_all(notes, request, response)
            request:on("data", function(chunk)
                notes:note("data", chunk)
            end)
            request:pause()
            notes:note("paused", request:isPaused(), request.readableFlowing)
            after(30, function()
                notes:note("resumed", request:resume() == request, request:isPaused())
            end)
            request:on("end", function()
                response:finish()
            end)
        end})

    alike("a request that is piped into its response", {method = "POST",
        body = ("0123456789"):rep(30000), play = function(notes, request, response)
            notes:watch("request", request, "end", "close")
            notes:watch("response", response, "pipe", "unpipe", "finish", "close")
            notes:note("pipe", request:pipe(response) == response)
        end})

    alike("a response in pieces", {play = function(notes, request, response)
        watch_all(notes, request, response)
        notes:try("write", response.write, response, "a", function(err)
            notes:note("written", err)
        end)
        notes:members("response", response, table.unpack(response_members))
        after(10, function()
            notes:try("write", response.write, response, "62", "hex")
            notes:try("finish", function()
                return response:finish("Yw==", "base64", function(...)
                    notes:note("finished", ...)
                end) == response
            end)
            note_all(notes, request, response)
        end)
    end})

    alike("a response that has to wait", {play = function(notes, request, response)
        watch_all(notes, request, response)
        notes:try("write", response.write, response, ("x"):rep(100000))
        notes:note(response.writableNeedDrain, response.writableLength > 0,
            response.writableHighWaterMark)
        response:once("drain", function()
            notes:note(response.writableNeedDrain, response.writableLength)
            response:finish()
        end)
    end})

    alike("a response that is corked", {play = function(notes, _, response)
        response:cork()
        response:write("a")
        response:write("b")
        notes:members("response", response, "writableCorked", "writableLength", "headersSent")
        response:uncork()
        notes:members("response", response, "writableCorked")
        response:finish("c")
    end})

    alike("headers in all forms", {play = function(notes, _, response)
        response:setHeader("X-A", 1)
        response:setHeader("x-b", {"2", "3"})
        response:appendHeader("x-a", "4")
        response:setHeader("set-cookie", {"a=b", "c=d"})
        notes:try("a name", response.setHeader, response, "x a", "b")
        notes:try("a value", response.setHeader, response, "x-a", "a\nb")
        notes:try("no value", response.setHeader, response, "x-a")
        notes:try("a pseudo-header", response.setHeader, response, ":status", 200)
        notes:note(response:getHeader("x-a"), response:getHeader("X-B"), response:hasHeader("x-c"))
        notes:try("writeHead", response.writeHead, response, 99)
        notes:try("writeHead", response.writeHead, response, 200, {["x-c"] = "a\rb"})
        notes:try("writeHead", response.writeHead, response, 200, {"x-c"})
        response:writeHead(201, "Made", {["x-c"] = true, ["X-B"] = "5"})
        notes:note(response:getHeaderNames(), response:getHeader("x-b"),
            response:getHeader(":status"))
        response:finish("made")
    end})

    alike("what comes too late for the headers", {play = function(notes, _, response)
        response:flushHeaders()
        notes:try("setHeader", response.setHeader, response, "x", "y")
        notes:try("appendHeader", response.appendHeader, response, "x", "y")
        notes:try("removeHeader", response.removeHeader, response, "x")
        notes:try("writeHead", response.writeHead, response, 200)
        notes:try("writeContinue", response.writeContinue, response)
        notes:try("writeEarlyHints", response.writeEarlyHints, response, {link = "</a>"})
        response.statusCode = 404
        notes:note(response.statusCode)
        response:finish()
    end})

    alike("calls after the end", {play = function(notes, request, response)
        watch_all(notes, request, response)
        response:finish("x")
        notes:try("finish", function() return response:finish("y") == response end)
        response:finish(function()
            notes:note("finished again")
        end)
        notes:members("response", response, "finished", "writableEnded", "headersSent")
    end})

    alike("calls after all is over", {play = function(notes, request, response)
        response:finish("x")
        response:on("close", function()
            after(1, function()
                note_all(notes, request, response)
                try_all(notes, request, response)
            end)
        end)
    end})

    alike("calls after destroy", {play = function(notes, request, response)
        watch_all(notes, request, response)
        request:destroy()
        note_all(notes, request, response)
        try_all(notes, request, response)
    end})

    alike("a request that is destroyed with an error", {play = function(notes, request, response)
        watch_all(notes, request, response)
        notes:note(request:destroy("enough") == request)
        notes:members("request", request, "destroyed", "errored")
    end})

    -- One client sees the end of a connection, the other RST_STREAM with NO_ERROR.
    alike("a response that is destroyed", {is_cut = true, play = function(notes, request, response)
        watch_all(notes, request, response)
        response:write("begun")
        after(20, function()
            notes:try("destroy", response.destroy, response)
            notes:members("response", response, "destroyed", "errored")
        end)
    end})

    for status, method in pairs{[204] = "GET", [205] = "GET", [304] = "GET", [200] = "HEAD"} do
        alike("a body that may not be, of " .. method .. " and " .. status, {method = method,
            play = function(notes, request, response)
                watch_all(notes, request, response)
                response.statusCode = status
                response:setHeader("etag", "x")
                notes:try("write", response.write, response, "a", function(...)
                    notes:note("written", ...)
                end)
                notes:members("response", response, "finished", "headersSent")
                response:finish("b", function(...)
                    notes:note("finished", ...)
                end)
            end})
    end

    alike("trailers, both ways", {method = "POST", body = "x", trailers = {["x-t"] = "y"},
        play = function(notes, request, response)
            watch_all(notes, request, response)
            request:resume()
            notes:note(request.trailers["x-t"])
            request:on("end", function()
                notes:note(request.trailers["x-t"], request.rawTrailers[2])
                response:setTrailer("x-u", 1)
                response:addTrailers{["x-v"] = "2"}
                response:write("z")
                response:finish()
            end)
        end})

    alike("hints before a response", {play = function(notes, _, response)
        notes:try("hints", response.writeEarlyHints, response, {link = {"</a>; rel=preload"},
            ["x-a"] = "b"})
        notes:try("no hints", response.writeEarlyHints, response, {link = {}})
        notes:try("wrong hints", response.writeEarlyHints, response, {link = "a"})
        notes:members("response", response, "headersSent")
        response:finish()
    end})

    alike("an expectation that is met", {method = "POST", body = "x",
        headers = {expect = "100-continue"}, play = function(notes, request, response)
            notes:note(request.headers.expect, response.headersSent)
            response:finish()
        end})

    alike("pushes that nobody can have", {client_settings = {enablePush = false},
        play = function(notes, _, response)
            notes:try("push", response.createPushResponse, response, {[":path"] = "/a"}, print)
            notes:try("push", response.createPushResponse, response, {[":path"] = "/a"}, 1)
            notes:note(response.stream.pushAllowed)
            response:finish()
        end})

    alike("a socket that is guarded", {play = function(notes, request, response)
        local socket = request.socket
        notes:note(socket == response.socket, socket == request.connection, socket.encrypted,
            socket.remoteAddress, type(socket.remotePort), socket.authorized, socket.destroyed,
            socket.readable, socket.writable)
        for _, name in ipairs{"write", "read", "pause", "resume"} do
            notes:try(name, function() return socket[name] end)
        end
        response:finish()
        response:on("close", function()
            notes:note(response.socket, request.socket == socket, socket.destroyed)
        end)
    end})

    alike("a client that is gone before its request is whole", {method = "POST", length = 100,
        body = "part", play = function(notes, request, response, scene)
            watch_all(notes, request, response)
            request:on("data", function(chunk)
                notes:note("data", chunk)
                scene.abort()
            end)
            response:on("close", function()
                note_all(notes, request, response)
            end)
        end})

    alike("a client that is gone while it is answered", {play = function(notes, request, response,
            scene)
        notes:watch("request", request, "end", "aborted", "error", "close")
        notes:watch("response", response, "finish", "error", "close")
        response:write(("x"):rep(3000000), function()
            local timer
            timer = timers.setInterval(function()
                response:write("y")
            end, 5)
            response:on("close", function()
                timers.clearInterval(timer)
                notes:members("request", request, "aborted", "destroyed", "closed")
                notes:members("response", response, "finished", "destroyed", "closed")
            end)
            scene.abort()
        end)
    end})

    alike("time that is up, where somebody listens", {play = function(notes, request, response)
        notes:watch("request", request, "close")
        notes:watch("response", response, "close")
        notes:try("setTimeout", function()
            return request:setTimeout(20, function()
                notes:note("request is late")
            end) == request
        end)
        notes:try("setTimeout", response.setTimeout, response, 20, function()
            notes:note("response is late")
            response:setTimeout(0)
            response:finish("late")
        end)
    end})

    alike("time that is up, where nobody listens", {play = function(notes, request, response)
        notes:watch("request", request, "close", "aborted", "error")
        notes:watch("response", response, "close", "error")
        response:setTimeout(20)
    end})

    alike("wrong times", {play = function(notes, request, response)
        notes:try("below", request.setTimeout, request, -1)
        notes:try("of a kind", response.setTimeout, response, "x")
        notes:try("no function", response.setTimeout, response, 1, 2)
        response:finish()
    end})

    alike("a handler that fails at once", {play = function(notes, request, response)
        watch_all(notes, request, response)
        response:setHeader("x-a", "b")
        error("on purpose")
    end})

    alike("a handler that fails in the midst", {play = function(notes, request, response)
        watch_all(notes, request, response)
        response:write("begun")
        error("on purpose")
    end})

    alike("a listener that fails", {method = "POST", body = "x",
        play = function(notes, request, response)
            watch_all(notes, request, response)
            request:on("data", function()
                error("on purpose")
            end)
        end})

    alike("a callback that fails", {play = function(notes, request, response)
        watch_all(notes, request, response)
        response:write("x", function()
            error("on purpose")
        end)
    end})

    alike("trailers that cannot be sent", {play = function(notes, request, response)
        watch_all(notes, request, response)
        response:setTrailer("transfer-encoding", "x")
        response:finish("x")
    end})

    alike("a handler that waits", {method = "POST", body = ("x"):rep(100000),
        play = function(notes, request, response)
            http2.sleep(5)
            local octets = 0
            for chunk in request:chunks() do
                octets = octets + #chunk
                response:writeAll(chunk)
            end
            notes:note(octets)
            response:finish()
            response:waitClosed()
            notes:note("closed", response.closed)
        end})

    alike("requests that a server's other events take", {method = "POST", body = "x",
        headers = {expect = "100-continue"}, prepare = function(notes, server)
            server:on("checkContinue", function(request, response)
                watch_all(notes, request, response)
                note_all(notes, request, response)
                notes:try("writeContinue", response.writeContinue, response)
                request:on("data", function(chunk)
                    response:finish(chunk)
                end)
            end)
        end, play = function(notes)
            notes:note("a request event")
        end})

    alike("an expectation that nobody knows", {headers = {expect = "x"},
        prepare = function(notes, server)
            server:on("checkExpectation", function(request, response)
                notes:note(request.headers.expect)
                response.statusCode = 417
                response:finish("no")
            end)
        end, play = function(notes)
            notes:note("a request event")
        end})

    alike("more of a body than its content-length", {play = function(notes, request, response)
        watch_all(notes, request, response)
        response:setHeader("content-length", 3)
        response:write("abc")
        response:finish("def")
    end})

    alike("less of a body than its content-length", {is_cut = true,
        play = function(notes, request, response)
            watch_all(notes, request, response)
            response:setHeader("content-length", 9)
            response:finish("abc")
        end})
end)
