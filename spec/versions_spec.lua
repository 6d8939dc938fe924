-- A handler that uses only the public API cannot tell HTTP/2 from HTTP/1.1 but by httpVersion: the
-- same handlers, played over both, note the same things in the same order, and their clients get
-- the same responses.
local http2 = require("http2")
local timers = require("http2.timers")
local loop = require("spec.support.loop")
local versions = require("spec.support.versions")

local alike = versions.alike
local note_all, watch_all, try_all = versions.note_all, versions.watch_all, versions.try_all

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
        notes:members("response", response, table.unpack(versions.response_members))
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
