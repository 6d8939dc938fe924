--- A server over the compatibility API that other programs talk to, over TLS and both versions:
--- compat_server.lua [option=number]... It prints "listening on PORT" and answers
---   /size/N     N octets of payload.make, or the ranges of them that are asked for
---   /echo       what was sent                   /length     how much was sent
---   /refused    413 to who asks with Expect whether to send; else as /length
---   /hints      early hints, a body and trailers
---   /memory     its resident memory, KiB        /count      how many requests there were before
---   anything else with its version and target
local http2 = require("http2")
local cert = require("spec.support.cert")
local leaks = require("spec.support.leaks")
local payload = require("spec.support.payload")

local count = 0

-- The first and last octet of a range of `size` octets (RFC 9110 §14.1.2), or nil.
local function range_of(field, size)
    local first, last = (field or ""):match("^bytes=(%d*)%-(%d*)$")
    if first == "" and last ~= "" then
        return math.max(0, size - tonumber(last)), size - 1
    end
    first = tonumber(first)
    return first, math.min(tonumber(last) or size - 1, size - 1)
end

local function send_size(request, response, size)
    local first, last = range_of(request.headers.range, size)
    response:setHeader("accept-ranges", "bytes")
    response:setHeader("content-type", "application/octet-stream")
    if not first then
        response:setHeader("content-length", size)
        response:finish(payload.make(size))
    elseif first > last then
        response:writeHead(416, {["content-range"] = "bytes */" .. size}):finish()
    else
        response:writeHead(206, {["content-length"] = last - first + 1,
            ["content-range"] = ("bytes %d-%d/%d"):format(first, last, size)})
        response:finish(payload.slice(first, last - first + 1))
    end
end

local function tell_length(request, response)
    local octets = 0
    request:on("data", function(chunk)
        octets = octets + #chunk
    end)
    request:on("end", function()
        response:finish(tostring(octets))
    end)
end

local routes = {
    ["/size"] = send_size,
    ["/length"] = tell_length,
    ["/refused"] = tell_length,
    ["/echo"] = function(request, response)
        request:pipe(response)
    end,
    ["/hints"] = function(_, response)
        response:writeEarlyHints{link = "</style.css>; rel=preload; as=style"}
        response:setTrailer("x-check", "done")
        response:write("with ")
        response:finish("trailers")
    end,
    ["/count"] = function(_, response)
        response:finish(tostring(count - 1))
    end,
    ["/memory"] = function(_, response)
        collectgarbage()
        collectgarbage()
        response:finish(tostring(leaks.resident()))
    end,
}

local function serve(request, response)
    local path, number = request.url:match("^(/[^/]+)/(%d+)$")
    local route = routes[path or request.url]
    count = count + 1
    if route then
        route(request, response, number and tonumber(number))
    else
        response:finish(request.httpVersion .. " " .. request.url)
    end
end

local options = {key = cert.read("server.key"), cert = cert.read("server.crt"), allowHTTP1 = true,
    maxSessionMemory = 100}
for _, word in ipairs(arg) do
    local name, value = word:match("^(%w+)=(%d+)$")
    options[name] = tonumber(value)
end

local server = http2.createSecureServer(options, serve)
server:on("checkContinue", function(request, response)
    if request.url == "/refused" then
        response:writeHead(413):finish()
    else
        response:writeContinue()
        serve(request, response)
    end
end)
server:listen(0, "127.0.0.1", function()
    print("listening on " .. server:address().port)
    io.stdout:flush()
end)
http2.run()
