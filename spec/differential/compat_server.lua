--- Handlers by path, the same as in compat_server.js: compat_server.lua KEY-FILE CERT-FILE
local http2 = require("http2")
local timers = require("http2.timers")

local function read(name)
    local file = assert(io.open(name, "rb"))
    local content = file:read("*a")
    file:close()
    return content
end

local function code(fn)
    local ok, err = pcall(fn)
    return ok and "none" or err.code
end

local function collect(request, done)
    local chunks = {}
    request:on("data", function(chunk)
        chunks[#chunks + 1] = chunk
    end)
    request:on("end", function()
        done(table.concat(chunks))
    end)
end

local function text_of(value)
    if type(value) == "table" then
        return table.concat(value, ",")
    end
    return value == nil and "undefined" or tostring(value)
end

local function facts(response, ...)
    local texts = {}
    for i = 1, select("#", ...) do
        texts[i] = text_of((select(i, ...)))
    end
    response:finish(table.concat(texts, "|"))
end

local routes = {
    ["/facts"] = function(request, response)
        facts(response, request.method, request.url, request.authority, request.headers["x-a"],
            request.complete, request.aborted)
    end,
    ["/version"] = function(request, response)
        facts(response, request.httpVersionMajor, #request.httpVersion)
    end,
    ["/joined"] = function(request, response)
        facts(response, request.headers["x-a"], request.headers.cookie, request.headers.accept)
    end,
    ["/raw"] = function(request, response)
        local found, raw = {}, request.rawHeaders
        for i = 1, #raw, 2 do
            if raw[i]:lower() == "x-a" then
                found[#found + 1], found[#found + 2] = raw[i], raw[i + 1]
            end
        end
        facts(response, found)
    end,
    ["/echo"] = function(request, response)
        request:pipe(response)
    end,
    ["/body"] = function(request, response)
        collect(request, function(body)
            facts(response, #body, body:sub(1, 10), request.complete)
        end)
    end,
    ["/trailers"] = function(request, response)
        collect(request, function()
            facts(response, request.trailers["x-t"], request.rawTrailers)
        end)
    end,
    ["/method"] = function(request, response)
        request.url = "/other"
        facts(response, request.url)
    end,
    ["/status"] = function(_, response)
        response.statusCode = 418
        response:finish()
    end,
    ["/names"] = function(_, response)
        response:setHeader("X-B", "1")
        response:setHeader("x-a", "2")
        response:setHeader("X-b", "3")
        response:removeHeader("x-A")
        facts(response, response:getHeaderNames(), response:getHeader("x-b"),
            response:hasHeader("X-B"), response:hasHeader("x-a"), response.headersSent)
    end,
    ["/array"] = function(_, response)
        response:setHeader("x-a", {"1", "2"})
        response:setHeader("set-cookie", {"a=1", "b=2"})
        facts(response, response:getHeader("x-a"))
    end,
    ["/append"] = function(_, response)
        response:appendHeader("x-a", "1")
        response:appendHeader("X-A", {"2", "3"})
        facts(response, response:getHeader("x-a"))
    end,
    ["/writehead"] = function(_, response)
        response:setHeader("x-a", "1")
        response:writeHead(201, {["x-b"] = "2", ["X-A"] = "3"})
        facts(response, response.headersSent, response.statusCode)
    end,
    ["/message"] = function(_, response)
        response:writeHead(202, "Fine", {["x-b"] = "2"}):finish("x")
    end,
    ["/sent"] = function(_, response)
        response:flushHeaders()
        facts(response, response.headersSent,
            type(code(function() response:setHeader("x", "y") end)),
            code(function() response:removeHeader("x") end) ~= "none",
            code(function() response:writeHead(200) end) ~= "none")
    end,
    ["/checks"] = function(_, response)
        facts(response, code(function() response:setHeader("a b", "c") end),
            code(function() response:setHeader() end), code(function() response:getHeader(1) end),
            #response:getHeaderNames())
    end,
    ["/twice"] = function(_, response)
        response:finish("x")
        response:finish("y")
    end,
    ["/pieces"] = function(_, response)
        response:write("a")
        timers.setTimeout(function()
            response:write("b")
            response:finish("c")
        end, 10)
    end,
    ["/large"] = function(_, response)
        facts(response, ("x"):rep(300000))
    end,
    ["/trailing"] = function(_, response)
        response:writeHead(200, {trailer = "x-t"})
        response:write("a")
        response:addTrailers{["x-t"] = "y"}
        response:finish("b")
    end,
    ["/204"] = function(_, response)
        response.statusCode = 204
        response:finish()
    end,
    ["/304"] = function(_, response)
        response:writeHead(304, {etag = '"x"'})
        response:finish()
    end,
    ["/length"] = function(_, response)
        response:setHeader("content-length", 5)
        response:finish("hello")
    end,
    ["/nodate"] = function(_, response)
        response.sendDate = false
        response:finish("x")
    end,
    ["/continue"] = function(request, response)
        collect(request, function(body)
            facts(response, body)
        end)
    end,
    ["/hints"] = function(_, response)
        response:writeEarlyHints{link = "</a>; rel=preload"}
        response:finish("x")
    end,
    ["/finished"] = function(_, response)
        local before = response.finished
        response:write("x")
        response:finish(tostring(before) .. tostring(response.writableEnded))
    end,
    ["/base64"] = function(_, response)
        response:write("aGVs", "base64")
        response:finish("6c6f", "hex")
    end,
    ["/cork"] = function(_, response)
        response:cork()
        response:write("a")
        response:write("b")
        timers.setImmediate(function()
            response:uncork()
            response:finish("c")
        end)
    end,
    ["/order"] = function(request, response)
        local log = {}
        local function note(name)
            log[#log + 1] = name
            if #log == 2 then
                table.sort(log)
                facts(response, log)
            end
        end
        request:on("end", function() note("end") end)
        request:resume()
        response:write("x", function() note("written") end)
    end,
    ["/destroy"] = function(_, response)
        response:write("x")
        timers.setTimeout(function()
            response:destroy()
        end, 20)
    end,
    ["/encoding"] = function(request, response)
        local count = 0
        request:setEncoding("utf8")
        request:on("data", function(chunk)
            count = count + #chunk
        end)
        request:on("end", function()
            facts(response, count > 0)
        end)
    end,
    ["/pause"] = function(request, response)
        local text = ""
        request:on("data", function(chunk)
            text = text .. chunk
        end)
        request:pause()
        timers.setTimeout(function()
            local early = text
            request:on("end", function()
                facts(response, early, text, request:isPaused())
            end)
            request:resume()
        end, 20)
    end,
}

local server = http2.createSecureServer({key = read(arg[1]), cert = read(arg[2]),
    allowHTTP1 = true}, function(request, response)
        local route = routes[request.url:gsub("%?.*", "")]
        if route then
            route(request, response)
        else
            response.statusCode = 404
            response:finish("nothing")
        end
    end)
server:on("checkExpectation", function(_, response)
    response.statusCode = 417
    response:finish()
end)
server:listen(0, "127.0.0.1", function()
    print("listening on " .. server:address().port)
    io.stdout:flush()
end)
http2.run()
