--- A secure server of both versions that other programs talk to. It prints "listening on PORT" and
--- answers /echo with what was sent, /hints with early hints and trailers, anything else with its
--- version and target.
local http2 = require("http2")
local cert = require("spec.support.cert")

local routes = {
    ["/echo"] = function(request, response)
        request:pipe(response)
    end,
    ["/hints"] = function(_, response)
        response:writeEarlyHints{link = "</style.css>; rel=preload; as=style"}
        response:setTrailer("x-check", "done")
        response:write("with ")
        response:finish("trailers")
    end,
}

local server = http2.createSecureServer({
    key = cert.read("server.key"), cert = cert.read("server.crt"), allowHTTP1 = true,
}, function(request, response)
    local route = routes[request.url]
    if route then
        route(request, response)
    else
        response:finish(request.httpVersion .. " " .. request.url)
    end
end)
server:listen(0, "127.0.0.1", function()
    print("listening on " .. server:address().port)
    io.stdout:flush()
end)
http2.run()
