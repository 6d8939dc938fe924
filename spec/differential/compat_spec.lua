-- The compatibility API: the same handlers in Node (compat_server.js) and here (compat_server.lua)
-- are sent the same requests, over HTTP/2 and, octet by octet, over HTTP/1.1.
local http2 = require("http2")
local net = require("http2.net")
local cert = require("spec.support.cert")
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local process = require("spec.support.process")

-- Fields that say how the message travels, and the date.
local passed_over = {
    ["connection"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true, ["date"] = true,
    -- HTTP/2 needs none, and Node's HTTP/1.1 tells it of some responses that are empty.
    ["content-length"] = true,
}

local function headers_of(headers)
    local kept = {}
    for name, value in pairs(headers or {}) do
        if type(name) == "string" and not passed_over[name] and name:sub(1, 1) ~= ":" then
            kept[name] = value
        end
    end
    return kept
end

local function view_of(view)
    return {status = view.status, body = view.body, trailers = headers_of(view.trailers),
        headers = headers_of(view.headers), has_date = view.headers and view.headers.date ~= nil}
end

-- What a server says to these octets, and then to FIN unless `stays_open`.
local function talk(port, octets)
    local said = {}
    local client = loop.track(net.tls.connect{port = port, host = "127.0.0.1",
        ca = cert.read("ca.crt"), ALPNProtocols = {"http/1.1"}})
    client:on("data", function(chunk)
        said[#said + 1] = chunk
    end)
    client:on("error", function() end)
    client:on("secureConnect", function()
        client:write(octets)
    end)
    loop.run(60)
    return table.concat(said)
end

-- One request over HTTP/2: the client's view.
local function ask(port, headers, body, trailers)
    local view, informational = {}, {}
    local session = loop.track(http2.connect("https://127.0.0.1:" .. port,
        {ca = cert.read("ca.crt"), servername = "localhost"}))
    local all = {[":authority"] = "localhost"}
    for name, value in pairs(headers) do
        all[name] = value
    end
    local stream = session:request(all, {waitForTrailers = trailers ~= nil,
        endStream = not body and not trailers})
    stream:on("headers", function(fields)
        informational[#informational + 1] = {fields[":status"], headers_of(fields)}
    end)
    stream:on("response", function(fields)
        view.status, view.headers = fields[":status"], fields
    end)
    stream:on("trailers", function(fields)
        view.trailers = fields
    end)
    stream:on("wantTrailers", function()
        stream:sendTrailers(trailers)
    end)
    pair.collect(stream, function(text)
        view.body = text
    end)
    stream:on("error", function() end)
    stream:on("close", function()
        session:close()
    end)
    if body or trailers then
        stream:finish(body)
    end
    loop.run(60)
    local result = view_of(view)
    result.informational = informational
    return result
end

describe("#peers the compatibility API is Node's", function()
    local node, ours, node_port, our_port

    setup(function()
        node = process.start({"node", "--no-warnings", "spec/differential/compat_server.js",
            cert.path("server.key"), cert.path("server.crt")})
        node_port = tonumber(node:wait_for_output("listening on (%d+)\n"))
        ours, our_port = process.start_server("spec/differential/compat_server.lua",
            {cert.path("server.key"), cert.path("server.crt")})
    end)

    teardown(function()
        node:stop()
        ours:stop()
    end)

    after_each(loop.clean)

    local requests = {
        {"/facts?q=1", headers = {["x-a"] = "b"}},
        {"/facts", method = "DELETE"},
        {"/facts", method = "PUT", body = ""},
        {"/version"},
        {"/joined", headers = {["x-a"] = {"1", "2"}, cookie = {"a=1", "b=2"}, accept = "x"}},
        {"/raw", headers = {["x-a"] = {"1", "2"}}},
        {"/echo", method = "POST", body = ("0123456789"):rep(30000)},
        {"/echo", method = "POST", body = ""},
        {"/body", method = "POST", body = ("x"):rep(100000)},
        {"/trailers", method = "POST", body = "x", trailers = {["x-t"] = "y"}},
        {"/method"}, {"/status"}, {"/names"}, {"/array"}, {"/append"}, {"/writehead"}, {"/message"},
        {"/sent"}, {"/checks"}, {"/twice"}, {"/pieces"}, {"/large"}, {"/trailing"}, {"/204"},
        {"/304"}, {"/length"}, {"/length", method = "HEAD"}, {"/nodate"}, {"/finished"},
        {"/names", method = "HEAD"}, {"/204", method = "HEAD"},
        {"/continue", method = "POST", body = "x", headers = {expect = "100-continue"}},
        {"/facts", headers = {expect = "x"}},
        {"/hints"}, {"/base64"}, {"/cork"}, {"/order", method = "POST", body = "x"}, {"/destroy"},
        {"/encoding", method = "POST", body = "h\xc3\xa9"}, {"/pause", method = "POST", body = "x"},
        {"/nothing"}, {"/status", method = "POST", body = "not read"},
    }

    for number, case in ipairs(requests) do
        it(("over HTTP/2: %d. %s %s"):format(number, case.method or "GET", case[1]), function()
            local headers = {[":method"] = case.method, [":path"] = case[1]}
            for name, value in pairs(case.headers or {}) do
                headers[name] = value
            end
            assert.same(ask(node_port, headers, case.body, case.trailers),
                ask(our_port, headers, case.body, case.trailers))
        end)
    end

    local function get(path, fields)
        return ("GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n"):format(path, fields or "")
    end

    local function post(path, fields, body)
        return ("POST %s HTTP/1.1\r\nHost: a\r\n%s\r\n%s"):format(path, fields, body)
    end

    local close = "Connection: close\r\n"

    -- Octets, each of which makes the server close when it has answered; `is_head` where the last
    -- request is one of HEAD.
    local exchanges = {
        {get("/facts?q=1", close .. "X-A: b\r\n")},
        {get("/version", close)},
        {"GET /facts HTTP/1.0\r\nHost: a\r\n\r\n"},
        {"GET /pieces HTTP/1.0\r\n\r\n"},
        {get("/status") .. get("/names", close)},
        {get("/pieces") .. get("/large", close)},
        {get("/joined", close .. "x-a: 1\r\nX-A: 2\r\nCookie: a=1\r\nAccept: x\r\n"
            .. "Cookie: b=2\r\n")},
        {get("/raw", close .. "X-a: 1\r\nx-A:  2 \r\n")},
        {get("/array", close)}, {get("/append", close)}, {get("/writehead", close)},
        {get("/sent", close)}, {get("/twice", close)}, {get("/204", close)}, {get("/304", close)},
        {get("/length", close)}, {get("/nodate", close)}, {get("/trailing", close)},
        {get("/hints", close)}, {get("/base64", close)}, {get("/cork", close)},
        {get("/nothing", close)}, {get("/status", close):gsub("GET", "OPTIONS")},
        {get("/length", close):gsub("GET", "HEAD"), is_head = true},
        {get("/pieces", close):gsub("GET", "HEAD"), is_head = true},
        {post("/echo", close .. "Content-Length: 5\r\n", "hello")},
        {post("/echo", close .. "Transfer-Encoding: chunked\r\n",
            "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n")},
        {post("/trailers", close .. "Transfer-Encoding: chunked\r\n",
            "1\r\nx\r\n0\r\nX-T: y\r\n\r\n")},
        {post("/body", "Content-Length: 3\r\n", "abc") .. get("/version", close)},
        {post("/continue", close .. "Expect: 100-continue\r\nContent-Length: 1\r\n", "x")},
        {get("/facts", close .. "Expect: x\r\n")},
        {get("/version", close .. "Upgrade: h2c\r\n")},
        {"nonsense\r\n\r\n"},
        {get("/", "X : y\r\n")},
        {get("/", "X\x01: y\r\n")},
        {get("/", "X: a\x01b\r\n")},
        {get("/", "X: y\r\n z\r\n")},
        {post("/echo", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
        {post("/echo", "Content-Length: 1\r\nContent-Length: 1\r\n", "x")},
        {post("/echo", "Content-Length: +1\r\n", "x")},
        {post("/echo", "Transfer-Encoding: chunked\r\n", "x\r\n")},
        {get("/", "X: " .. ("y"):rep(20000) .. "\r\n")},
    }

    -- The responses of both: {status, headers, body} each, and the 1xx before.
    local function responses(port, case)
        local said, list = talk(port, case[1]), {}
        while said ~= "" do
            local view
            view, said = exchange.parse(said, case.is_head)
            list[#list + 1] = view_of(view)
            for _, interim in ipairs(view.informational) do
                interim[2] = headers_of(interim[2])
            end
            list[#list].informational = view.informational
        end
        return list
    end

    -- Refusals are alike in their status: what else Node says in them varies with its version.
    local function plain(list)
        for _, view in ipairs(list) do
            if view.status >= 400 and view.body == "" then
                view.has_date = nil
            end
        end
        return list
    end

    for number, case in ipairs(exchanges) do
        local line = case[1]:match("^[^\r\n]*"):gsub("[^%g ]", "?"):sub(1, 40)
        it(("over HTTP/1.1: %d. %s"):format(number, line), function()
            assert.same(plain(responses(node_port, case)), plain(responses(our_port, case)))
        end)
    end
end)
