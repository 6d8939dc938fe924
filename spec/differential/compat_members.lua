--- Handlers that note what the compatibility API's members do, the same as in compat_members.js,
--- over clear-text HTTP/2. GET /log gives the notes of the request before, once that is over.
local http2 = require("http2")
local timers = require("http2.timers")

local notes, is_over = {}, true

local function text(value)
    if http2.isError(value) then
        return value.code or value.message
    elseif type(value) == "table" then
        local items = {}
        for i, item in ipairs(value) do
            items[i] = text(item)
        end
        return "[" .. table.concat(items, " ") .. "]"
    elseif value == nil then
        return "nothing"
    end
    return type(value) == "userdata" and "object" or tostring(value)
end

local function note(...)
    local words = {...}
    for i = 1, select("#", ...) do
        words[i] = text((select(i, ...)))
    end
    notes[#notes + 1] = table.concat(words, " ")
end

local function attempt(label, fn)
    local _, result = pcall(fn)
    note(label, result)
end

local function watch(label, object, ...)
    for _, name in ipairs{...} do
        object:on(name, function()
            note(label, name)
        end)
    end
end

local function finish()
    is_over = true
end

local routes = {}

routes["/events"] = function(req, res)
    watch("request", req, "end", "aborted", "close")
    watch("response", res, "finish", "close")
    res:finish("x", function()
        note("finished")
    end)
end

routes["/events-of-a-body"] = function(req, res)
    watch("request", req, "end", "aborted", "close")
    watch("response", res, "finish", "close")
    req:resume()
    req:on("end", function()
        note(req.complete, req.readableEnded, req.aborted)
        res:finish("x")
    end)
    note(req.complete, req.readableEnded, req.aborted)
end

routes["/aborted"] = function(req, res)
    watch("request", req, "end", "aborted", "close")
    watch("response", res, "finish", "close")
    res:write("x")
    res:on("close", function()
        note(req.aborted, req.complete, res.finished, res.writableEnded)
    end)
end

routes["/statuses"] = function(_, res)
    for _, status in ipairs{100, 199, 99, 600, -1, 0, 200.7, 599, 404} do
        attempt("statusCode", function()
            res.statusCode = status
            return res.statusCode
        end)
    end
    attempt("statusCode", function() res.statusCode = "x" end)
    res:writeHead(200)
    attempt("statusCode", function()
        res.statusCode = 500
        return res.statusCode
    end)
    res:finish()
end

routes["/names"] = function(_, res)
    for _, name in ipairs{"", "a b", ":status", ":path", ":x", " X-Trimmed "} do
        attempt("setHeader", function() return res:setHeader(name, "b") end)
    end
    attempt("setHeader", function() return res:setHeader(1, "b") end)
    attempt("setHeader", function() return res:setHeader("x-a") end)
    attempt("setHeader", function() return res:setHeader("x-a", nil) end)
    attempt("getHeader", function() return res:getHeader() end)
    attempt("hasHeader", function() return res:hasHeader(1) end)
    attempt("removeHeader", function() return res:removeHeader() end)
    attempt("setTrailer", function() return res:setTrailer("a b", "c") end)
    attempt("setTrailer", function() return res:setTrailer(":status", "c") end)
    attempt("addTrailers", function() return res:addTrailers{["a b"] = "c"} end)
    attempt("names", function() return res:getHeaderNames() end)
    attempt("value", function() return res:getHeader("X-TRIMMED") end)
    res:finish()
end

routes["/values"] = function(_, res)
    res:setHeader("x-number", 1)
    res:setHeader("x-boolean", true)
    res:setHeader("x-list", {"a", "b"})
    note(type(res:getHeader("x-number")), type(res:getHeader("x-boolean")),
        res:getHeader("x-list"))
    res:appendHeader("x-number", "2")
    res:appendHeader("x-list", {"c"})
    note(res:getHeader("x-number"), res:getHeader("x-list"), res:getHeaderNames())
    res:removeHeader("x-boolean")
    note(res:hasHeader("x-boolean"), res:hasHeader("X-List"))
    res:finish()
end

routes["/date"] = function(_, res)
    res:setHeader("date", "then")
    res:removeHeader("date")
    note(res.sendDate)
    res:finish()
end

routes["/connection"] = function(_, res)
    res:setHeader("connection", "close")
    note(res:getHeaderNames())
    res:finish()
end

routes["/sent"] = function(_, res)
    res:writeHead(200)
    note(res.headersSent, res:getHeaderNames())
    attempt("setHeader", function() return res:setHeader("x", "y") end)
    attempt("appendHeader", function() return res:appendHeader("x", "y") end)
    attempt("removeHeader", function() return res:removeHeader("x") end)
    attempt("writeHead", function() return res:writeHead(200) end)
    attempt("flushHeaders", function() return res:flushHeaders() end)
    attempt("writeContinue", function() return res:writeContinue() end)
    attempt("writeEarlyHints", function()
        return res:writeEarlyHints{link = "</a>; rel=preload"}
    end)
    attempt("setTrailer", function() return res:setTrailer("x-t", "y") end)
    res:finish("x")
end

routes["/ended"] = function(_, res)
    attempt("end", function() return res:finish("x") == res end)
    attempt("end", function()
        return res:finish(function() note("ended again") end) == res
    end)
    note(res.finished, res.writableEnded, res.headersSent)
end

routes["/late-write"] = function(_, res)
    res:finish("x")
    attempt("write", function()
        return res:write("y", function(err) note("written", err) end)
    end)
end

routes["/no-chunk"] = function(_, res)
    attempt("write", function() return res:write() end)
    attempt("write", function() return res:write(1) end)
    note(res.headersSent)
    res:finish()
end

routes["/closed"] = function(req, res)
    res:finish("x")
    res:on("close", function()
        timers.setTimeout(function()
            attempt("writeHead", function() return res:writeHead(204) == res end)
            attempt("end", function() return res:finish() == res end)
            attempt("write", function()
                return res:write("y", function(err) note("written", err) end)
            end)
            attempt("writeContinue", function() return res:writeContinue() end)
            attempt("writeEarlyHints", function()
                return res:writeEarlyHints{link = "</a>; rel=preload"}
            end)
            attempt("flushHeaders", function() return res:flushHeaders() end)
            attempt("request.setTimeout", function() return req:setTimeout(5) == req end)
            attempt("push", function()
                return res:createPushResponse({[":path"] = "/a"}, function(err)
                    note("pushed", err)
                end)
            end)
            note(res.socket, req.socket, req.stream == res.stream, res.statusCode)
            timers.setTimeout(finish, 10)
        end, 5)
    end)
end

routes["/socket"] = function(req, res)
    note(req.socket == res.socket, req.connection == req.socket, req.socket.destroyed,
        req.socket.readable, req.socket.writable, req.socket.remoteAddress,
        type(req.socket.remotePort))
    for _, name in ipairs{"write", "read", "pause", "resume"} do
        attempt(name, function() return req.socket[name] end)
    end
    attempt("assign", function() req.socket.write = 1 end)
    res:finish()
end

routes["/times"] = function(req, res)
    attempt("request", function() return req:setTimeout(1000) == req end)
    attempt("below", function() return req:setTimeout(-1) end)
    attempt("a string", function() return res:setTimeout("1") end)
    attempt("no function", function() return res:setTimeout(1, 1) end)
    attempt("none", function() return req:setTimeout(0) == req end)
    res:finish()
end

routes["/late"] = function(req, res)
    req.stream:on("timeout", function() note("stream") end)
    req:on("timeout", function() note("request") end)
    res:on("timeout", function() note("response") end)
    req:setTimeout(20, function()
        note("callback")
        res:finish("late")
    end)
end

routes["/hints"] = function(_, res)
    attempt("none", function() return res:writeEarlyHints() end)
    attempt("no link", function() return res:writeEarlyHints{} end)
    attempt("no object", function() return res:writeEarlyHints("x") end)
    attempt("wrong", function() return res:writeEarlyHints{link = "x"} end)
    attempt("empty", function() return res:writeEarlyHints{link = {}} end)
    attempt("several", function()
        return res:writeEarlyHints{link = {"</a>; rel=preload", "</b>; rel=preload; as=style"},
            ["x-a"] = "b"}
    end)
    res:finish()
end

routes["/push"] = function(_, res)
    attempt("no callback", function()
        return res:createPushResponse({[":path"] = "/a"}, 1)
    end)
    res:createPushResponse({[":path"] = "/pushed", ["x-a"] = "b"}, function(err, pushed)
        note(err, pushed.req, pushed.stream.id, pushed.headersSent)
        attempt("nested", function()
            return pushed:createPushResponse({[":path"] = "/b"}, function() end)
        end)
        pushed:setHeader("x-c", "d")
        pushed:finish("pushed")
        res:finish("x")
    end)
end

routes["/message"] = function(_, res)
    res.statusMessage = "Fine"
    note(res.statusMessage == "")
    res:writeHead(200, "Fine")
    res:finish()
end

routes["/members"] = function(req, res)
    note(req.httpVersion, req.httpVersionMajor, req.httpVersionMinor, req.scheme, req.complete,
        req.aborted, req.destroyed, req.readable, req.readableEnded)
    note(res.statusCode, res.headersSent, res.finished, res.writableEnded, res.sendDate,
        res.writable, res.writableLength, res.writableCorked, res.writableFinished,
        res.req == req, res._header)
    attempt("method", function()
        req.method = "PUT"
        return req.method
    end)
    attempt("method", function() req.method = "  " end)
    attempt("method", function() req.method = 1 end)
    attempt("url", function()
        req.url = "/other"
        return req.url .. " " .. req.headers[":path"]
    end)
    res:finish()
end

routes["/corked"] = function(_, res)
    res:cork()
    res:write("ab")
    note(res.writableCorked, res.writableLength)
    res:uncork()
    note(res.writableCorked)
    res:finish()
end

routes["/drain"] = function(_, res)
    attempt("write", function() return res:write(("x"):rep(20000)) end)
    res:on("drain", function()
        note("drain", res.writableLength)
        res:finish()
    end)
end

routes["/destroyed"] = function(req, res)
    watch("request", req, "end", "aborted", "close")
    watch("response", res, "finish", "close")
    res:write("x", function()
        res:destroy()
        res:destroy()
    end)
end

local heads = {
    ["/head/flat"] = {201, {"X-A", "b", "x-c", "d"}},
    ["/head/pairs"] = {202, {{"X-A", "b"}, {"x-c", "d"}}},
    ["/head/message"] = {203, "Fine", {["x-a"] = "b"}},
    ["/head/message-flat"] = {206, "Fine", {"x-a", "b"}},
    ["/head/odd"] = {200, {"x-a", "b", "x-c"}},
    ["/head/zero"] = {0},
    ["/head/100"] = {100},
    ["/head/99"] = {99},
    ["/head/600"] = {600},
    ["/head/override"] = {200, {["x-set"] = "again"}},
    ["/head/override-flat"] = {200, {"x-set", "again"}},
    ["/head/wrong-name"] = {200, {["a b"] = "c"}},
    ["/head/pseudo"] = {200, {[":path"] = "c"}},
}
for path, arguments in pairs(heads) do
    routes[path] = function(_, res)
        res:setHeader("x-set", "before")
        attempt("writeHead", function()
            return res:writeHead(arguments[1], arguments[2], arguments[3]) == res
        end)
        note(res.headersSent, res.statusCode)
        if not res.headersSent then
            res.statusCode = 500
        end
        res:finish("x")
    end
end

local function end_with(stream)
    stream:on("close", function()
        timers.setTimeout(finish, 30)
    end)
end

local function serve(req, res)
    if req.url == "/log" then
        local timer
        timer = timers.setInterval(function()
            if is_over then
                timers.clearInterval(timer)
                res:finish(table.concat(notes, "\n"))
            end
        end, 5)
        return
    end
    notes, is_over = {}, false
    -- What comes later than the response's own events has its time, or calls finish() itself.
    if req.url ~= "/closed" then
        end_with(res.stream)
    end
    routes[req.url](req, res)
end

local server = http2.createServer()
server:on("stream", function(stream, headers)
    if headers[":path"] == "/answered" then
        notes, is_over = {"before"}, false
        end_with(stream)
        stream:respond{[":status"] = 202}
        stream:write("a")
    end
end)
server:on("request", function(req, res)
    if req.url == "/answered" then
        note("request", res.headersSent)
        res:finish("b")
    else
        serve(req, res)
    end
end)
server:on("stream", function(stream, headers)
    if headers[":path"] == "/answered" then
        note("behind", stream.headersSent)
    end
end)
server:on("checkContinue", function(req, res)
    notes, is_over = {"checkContinue"}, false
    end_with(res.stream)
    attempt("writeContinue", function() return res:writeContinue() end)
    req:on("data", function(data) note(data) end)
    req:on("end", function() res:finish() end)
end)
server:on("checkExpectation", function(_, res)
    notes = {"checkExpectation"}
    res.statusCode = 418
    res:finish()
end)
server:on("connect", function(req, res)
    notes = {"connect"}
    note(req.method, req.authority, req.url)
    res:writeHead(200)
    res:finish("tunnel")
end)
server:listen(0, "127.0.0.1", function()
    print("listening on " .. server:address().port)
    io.stdout:flush()
end)
http2.run()
