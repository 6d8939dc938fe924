--- The server that other programs talk to: test_server.lua [tls] [option=number]...
--- It prints "listening on PORT" and answers
---   /            13 octets                     /size/N      N octets of payload.make
---   /page        HTML for a browser            /count/N     a number of N digits, octet by octet
---   /echo        what was sent                 /trailers    a body and trailers
---   /length      how much was sent             /reset/N     a reset with code N after some octets
---   /memory      its resident memory, KiB      /hang        nothing
---   /aborts      how many streams were aborted
local http2 = require("http2")
local cert = require("spec.support.cert")
local leaks = require("spec.support.leaks")
local payload = require("spec.support.payload")

local is_tls = arg[1] == "tls"
local aborts = 0

local page = [[<!doctype html>
<html><head><title>http2</title><link rel="stylesheet" href="/style.css"></head>
<body><pre id="report">waiting</pre><script>
async function main() {
    const body = await (await fetch("/size/100000")).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
    const hex = [...digest].map(octet => octet.toString(16).padStart(2, "0")).join("");
    const echoed = await (await fetch("/echo", {method: "POST", body: body})).text();
    const protocols = performance.getEntriesByType("resource")
        .concat(performance.getEntriesByType("navigation"))
        .map(entry => entry.nextHopProtocol);
    document.getElementById("report").textContent = [
        "sha256=" + hex, "echoed=" + echoed.length,
        "colour=" + getComputedStyle(document.body).color,
        "protocols=" + [...new Set(protocols)].join(","),
    ].join(" ");
}
main().catch(problem => { document.getElementById("report").textContent = problem; });
</script></body></html>
]]

local function answer(stream, body, kind)
    stream:respond({
        [":status"] = 200,
        ["content-type"] = kind or "text/plain",
        ["content-length"] = #body,
    })
    if not stream.headRequest then
        stream:finish(body)
    end
end

local function drip(stream, digits)
    local sent = 0
    local function next_digit()
        sent = sent + 1
        if sent < digits then
            stream:write(tostring(sent % 10), next_digit)
        else
            stream:finish(tostring(sent % 10))
        end
    end
    stream:respond({[":status"] = 200})
    next_digit()
end

local routes = {
    ["/"] = function(stream)
        answer(stream, "hello, world\n")
    end,
    ["/page"] = function(stream)
        answer(stream, page, "text/html; charset=utf-8")
    end,
    ["/style.css"] = function(stream)
        answer(stream, "body { color: rgb(1, 2, 3) }", "text/css")
    end,
    ["/echo"] = function(stream)
        stream:respond({[":status"] = 200})
        stream:pipe(stream)
    end,
    ["/length"] = function(stream)
        local octets = 0
        stream:on("data", function(chunk)
            octets = octets + #chunk
        end)
        stream:on("end", function()
            answer(stream, tostring(octets))
        end)
    end,
    ["/size"] = function(stream, size)
        answer(stream, payload.make(size), "application/octet-stream")
    end,
    ["/count"] = drip,
    ["/trailers"] = function(stream)
        stream:respond({[":status"] = 200}, {waitForTrailers = true})
        stream:on("wantTrailers", function()
            stream:sendTrailers({["x-check"] = "done"})
        end)
        stream:finish("with trailers")
    end,
    ["/reset"] = function(stream, code)
        stream:on("error", function() end)
        stream:respond({[":status"] = 200})
        stream:write("some", function()
            stream:close(code)
        end)
    end,
    ["/hang"] = function() end,
    ["/memory"] = function(stream)
        answer(stream, tostring(leaks.resident()))
    end,
    ["/aborts"] = function(stream)
        answer(stream, tostring(aborts))
    end,
}

local function serve(stream, headers)
    local path, number = headers[":path"]:match("^(/[^/]+)/(%d+)$")
    local route = routes[path or headers[":path"]]
    stream:on("aborted", function()
        aborts = aborts + 1
    end)
    if route then
        route(stream, number and tonumber(number))
    else
        stream:respond({[":status"] = 404}, {endStream = true})
    end
end

local options = {maxSessionMemory = 100}
for index = is_tls and 2 or 1, #arg do
    local name, value = arg[index]:match("^(%w+)=(%d+)$")
    options[name] = tonumber(value)
end
if is_tls then
    options.key, options.cert = cert.read("server.key"), cert.read("server.crt")
end

local server = (is_tls and http2.createSecureServer or http2.createServer)(options)
server:on("stream", serve)
server:listen(0, "127.0.0.1", function()
    print("listening on " .. server:address().port)
    io.stdout:flush()
end)
http2.run()
