-- The examples of the documentation's core part, in its order, translated. Those that are programs
-- of their own are in examples/ and run by examples_spec.lua: server.lua and client.lua (which are
-- the server-side and the client-side example, and that of createSecureServer), trailers.lua,
-- push.lua, altsvc.lua, origin.lua, ping.lua, settings.lua, files.lua, connect_proxy.lua and
-- connect_client.lua, extended_connect.lua, metrics.lua.
local http2 = require("http2")
local cert = require("spec.support.cert")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local process = require("spec.support.process")

-- What a client gets of a request.
local function view_of(session, headers, view)
    local stream = session:request(headers)
    stream:on("response", function(fields)
        view.status, view.headers = fields[":status"], fields
    end)
    stream:on("trailers", function(fields)
        view.trailers = fields
        fields[http2.sensitiveHeaders] = nil -- an empty list
    end)
    stream:on("error", function(err) view.err = err end)
    pair.collect(stream, function(body) view.body = body end)
    return stream:on("close", function()
        view.code = stream.rstCode
        session:close()
    end)
end

-- Plays a server's example: `server(server)` sets it up; gives what a GET gets. `client(session,
-- view)` sets up more of the client.
local function get(server, scene)
    local view = {}
    scene = scene or {}
    pair.play{
        tls = scene.tls, server_options = scene.server_options, server = server,
        client = function(session)
            if scene.client then
                scene.client(session, view)
            end
            view_of(session, scene.headers or {[":path"] = "/"}, view)
        end,
    }
    return view
end

-- Plays a client's example, `client(session, url)`, with a server that says hello.
local function against(server, client, tls)
    pair.play{
        tls = tls,
        server = function(the_server)
            the_server:on("stream", server or function(stream)
                stream:respond{[":status"] = 200}
                stream:finish("hello")
            end)
        end,
        client = client,
    }
end

local folder
local function file(content)
    process.write_file(folder .. "/file", content)
    return folder .. "/file"
end

local function utc(seconds)
    return os.date("!%a, %d %b %Y %H:%M:%S GMT", seconds)
end

describe("the documentation's example of", function()
    setup(function() folder = process.folder() end)
    teardown(function() process.remove(folder) end)
    after_each(loop.clean)

    it("http2, and determining if crypto support is unavailable", function()
        local ok, module = pcall(require, "http2")
        assert.is_true(ok)
        assert.equal(http2, module)
    end)

    it("session: the events 'localSettings' and 'remoteSettings'", function()
        local enable_push, seen
        against(nil, function(session)
            session:settings({enablePush = false})
            session:on("localSettings", function(settings)
                enable_push = settings.enablePush
                if not enable_push then -- those that it began with are told before
                    session:close()
                end
            end)
            session:on("remoteSettings", function(settings) seen = settings end)
        end)
        assert.is_false(enable_push)
        assert.equal(16384, seen.maxFrameSize)
    end)

    it("session: the event 'stream'", function()
        local method, path
        local view = get(function(server)
            server:on("session", function(session)
                session:on("stream", function(stream, headers)
                    method, path = headers[":method"], headers[":path"]
                    stream:respond{
                        [":status"] = 200, ["content-type"] = "text/plain; charset=utf-8",
                    }
                    stream:write("hello ")
                    stream:finish("world")
                end)
            end)
        end)
        assert.same({"GET", "/", "hello world"}, {method, path, view.body})
    end)

    it("session: the event 'stream', of the server; createServer", function()
        local view = get(function(server)
            server:on("stream", function(stream)
                stream:respond{
                    ["content-type"] = "text/html; charset=utf-8", [":status"] = 200,
                }
                stream:on("error", error)
                stream:finish("<h1>Hello World</h1>")
            end)
        end)
        assert.equal("<h1>Hello World</h1>", view.body)
        assert.equal("text/html; charset=utf-8", view.headers["content-type"])
    end)

    it("session: the event 'timeout'", function()
        local is_over = false
        against(nil, function(session)
            session:setTimeout(20)
            session:on("timeout", function()
                is_over = true
                session:close()
            end)
        end)
        assert.is_true(is_over)
    end)

    it("session:ping()", function()
        local said
        against(nil, function(session)
            session:on("connect", function()
                session:ping("abcdefgh", function(err, duration, payload)
                    if not err then
                        said = ("%s %q"):format(math.type(duration), payload)
                    end
                    session:close()
                end)
            end)
        end)
        assert.equal('float "abcdefgh"', said)
    end)

    it("session:setLocalWindowSize()", function()
        local expected, size = 2 ^ 20, nil
        get(function(server)
            server:on("session", function(session)
                session:setLocalWindowSize(expected)
                size = session.state.effectiveLocalWindowSize
            end)
            server:on("stream", function(stream) stream:finish() end)
        end)
        assert.equal(expected, size)
    end)

    it("session:altsvc() and the event 'altsvc'", function()
        local said = {}
        get(function(server)
            server:on("session", function(session)
                -- for the origin https://example.org:80
                session:altsvc('h2=":8000"', "https://example.org:80")
            end)
            server:on("stream", function(stream)
                stream.session:altsvc('h2=":8000"', stream.id)
                stream:finish()
            end)
        end, {client = function(session)
            session:on("altsvc", function(alt, origin, stream_id)
                said[#said + 1] = ("%s %s %d"):format(alt, origin, stream_id)
            end)
        end})
        assert.same({'h2=":8000" https://example.org:80 0', 'h2=":8000"  1'}, said)
    end)

    for title, scene in pairs{
        ["session:origin() and the event 'origin'"] = {},
        ["the option origins"] = {origins = {"https://example.com", "https://example.org"}},
    } do
        it(title, function()
            local told = {}
            local view = get(function(server)
                server:on("stream", function(stream)
                    stream:respond()
                    stream:finish("ok")
                end)
                if not scene.origins then
                    server:on("session", function(session)
                        session:origin("https://example.com", "https://example.org")
                    end)
                end
            end, {tls = true, server_options = scene, client = function(session)
                session:on("origin", function(origins)
                    for _, origin in ipairs(origins) do
                        told[#told + 1] = origin
                    end
                end)
            end})
            assert.equal("ok", view.body)
            assert.same({"https://example.com", "https://example.org"}, told)
        end)
    end

    it("session:request() and the event 'response'", function()
        local constants = http2.constants
        local status, flags_seen
        local body = ""
        against(nil, function(session)
            local stream = session:request{[constants.HTTP2_HEADER_PATH] = "/"}
            stream:on("response", function(headers, flags)
                status, flags_seen = headers[constants.HTTP2_HEADER_STATUS], flags
                stream:on("data", function(chunk) body = body .. chunk end)
                stream:on("end", function() session:close() end)
            end)
        end)
        assert.same({200, "hello", "integer"}, {status, body, math.type(flags_seen)})
    end)

    it("stream:setTimeout()", function()
        local code
        against(function() end, function(session)
            local stream = session:request{[":path"] = "/"}
            stream:setTimeout(20, function() stream:close(http2.constants.NGHTTP2_CANCEL) end)
            stream:on("close", function()
                code = stream.rstCode
                session:close()
            end)
        end)
        assert.equal(8, code)
    end)

    it("stream:sendTrailers() and the event 'trailers'", function()
        local view = get(function(server)
            server:on("stream", function(stream)
                stream:respond(nil, {waitForTrailers = true})
                stream:on("wantTrailers", function() stream:sendTrailers{xyz = "abc"} end)
                stream:finish("Hello World")
            end)
        end)
        assert.same({"Hello World", {xyz = "abc"}}, {view.body, view.trailers})
    end)

    it("the event 'headers'", function()
        local seen
        against(function(stream)
            stream:additionalHeaders{[":status"] = 103, link = "</a>; rel=preload"}
            stream:respond({}, {endStream = true})
        end, function(session)
            local stream = session:request()
            stream:on("headers", function(headers) seen = headers end)
            stream:resume():on("close", function() session:close() end)
        end)
        assert.same({[":status"] = 103, link = "</a>; rel=preload"}, {
            [":status"] = seen[":status"], link = seen.link,
        })
    end)

    it("stream:pushStream(), the event 'push', and push streams on the client", function()
        local pushed_body, path, status = "", nil, nil
        local view = get(function(server)
            server:on("stream", function(stream)
                stream:respond{[":status"] = 200}
                stream:pushStream({[":path"] = "/"}, function(err, pushed)
                    if err then
                        error(err)
                    end
                    pushed:respond{[":status"] = 200}
                    pushed:finish("some pushed data")
                end)
                stream:finish("some data")
            end)
        end, {client = function(session)
            session:on("stream", function(pushed, request_headers)
                path = request_headers[":path"]
                pushed:on("push", function(headers) status = headers[":status"] end)
                pushed:on("data", function(chunk) pushed_body = pushed_body .. chunk end)
            end)
        end})
        assert.same({"some data", "some pushed data", "/", 200},
            {view.body, pushed_body, path, status})
    end)

    it("stream:respond(), with trailers and without", function()
        for _, waits in ipairs{false, true} do
            local view = get(function(server)
                server:on("stream", function(stream)
                    stream:respond({[":status"] = 200}, {waitForTrailers = waits})
                    stream:on("wantTrailers", function()
                        stream:sendTrailers{ABC = "some value to send"}
                    end)
                    stream:finish("some data")
                end)
            end)
            assert.equal("some data", view.body)
            assert.same(waits and {abc = "some value to send"} or nil, view.trailers)
        end
    end)

    it("stream:respondWithFD(), with trailers and without", function()
        for _, waits in ipairs{false, true} do
            local is_closed
            local view = get(function(server)
                server:on("stream", function(stream)
                    local fd = assert(io.open(file("a file's octets"), "rb"))
                    local headers = {
                        ["content-length"] = fd:seek("end"),
                        ["last-modified"] = utc(0),
                        ["content-type"] = "text/plain; charset=utf-8",
                    }
                    stream:respondWithFD(fd, headers, {waitForTrailers = waits})
                    stream:on("wantTrailers", function()
                        stream:sendTrailers{ABC = "some value to send"}
                    end)
                    stream:on("close", function() is_closed = fd:close() end)
                end)
            end)
            assert.equal("a file's octets", view.body)
            assert.equal("15", view.headers["content-length"])
            assert.same(waits and {abc = "some value to send"} or nil, view.trailers)
            assert.is_true(is_closed)
        end
    end)

    it("stream:respondWithFile() with statCheck and onError", function()
        local function serve(name)
            return get(function(server)
                server:on("stream", function(stream)
                    local function statCheck(stat, headers)
                        headers["last-modified"] = utc(stat.mtime)
                    end
                    local function onError(err)
                        -- respond() raises when the other side has destroyed the stream.
                        pcall(stream.respond, stream,
                            {[":status"] = err.code == "ENOENT" and 404 or 500})
                        stream:finish()
                    end
                    stream:respondWithFile(name, {["content-type"] = "text/plain; charset=utf-8"},
                        {statCheck = statCheck, onError = onError})
                end)
            end)
        end
        local view = serve(file("some octets"))
        assert.equal("some octets", view.body)
        assert.truthy(view.headers["last-modified"]:find("^%a%a%a, %d%d %a%a%a %d%d%d%d .* GMT$"))
        assert.equal(404, serve(folder .. "/nothing").status)
        assert.equal(500, serve(folder).status)
    end)

    it("stream:respondWithFile() whose statCheck cancels", function()
        local view = get(function(server)
            server:on("stream", function(stream)
                local function statCheck()
                    stream:respond{[":status"] = 304}
                    return false -- the file is not sent
                end
                stream:respondWithFile(file("unchanged"),
                    {["content-type"] = "text/plain; charset=utf-8"}, {statCheck = statCheck})
            end)
        end)
        assert.same({304, ""}, {view.status, view.body})
    end)

    it("stream:respondWithFile() with trailers", function()
        local view = get(function(server)
            server:on("stream", function(stream)
                stream:respondWithFile(file("octets"),
                    {["content-type"] = "text/plain; charset=utf-8"}, {waitForTrailers = true})
                stream:on("wantTrailers", function()
                    stream:sendTrailers{ABC = "some value to send"}
                end)
            end)
        end)
        assert.same({"octets", {abc = "some value to send"}}, {view.body, view.trailers})
    end)

    for _, is_secure in ipairs{false, true} do
        it("the event 'stream' of " .. (is_secure and "Http2SecureServer" or "Http2Server"),
            function()
                local constants = http2.constants
                local method, path
                local view = get(function(server)
                    server:on("stream", function(stream, headers)
                        method = headers[constants.HTTP2_HEADER_METHOD]
                        path = headers[constants.HTTP2_HEADER_PATH]
                        stream:respond{
                            [constants.HTTP2_HEADER_STATUS] = 200,
                            [constants.HTTP2_HEADER_CONTENT_TYPE] = "text/plain; charset=utf-8",
                        }
                        stream:write("hello ")
                        stream:finish("world")
                    end)
                end, {tls = is_secure})
                assert.same({"GET", "/", "hello world"}, {method, path, view.body})
            end)
    end

    it("http2.connect()", function()
        local server
        server = loop.track(http2.createSecureServer{
            key = cert.read("server.key"), cert = cert.read("server.crt"),
        })
        server:listen(0, "127.0.0.1", function()
            local client = http2.connect("https://localhost:" .. server:address().port,
                {ca = cert.read("ca.crt")})
            client:on("close", function() server:close() end)
            client:close()
        end)
        loop.run()
    end)

    it("http2.getPackedSettings()", function()
        -- in base64: AAIAAAAA
        assert.equal("\0\2\0\0\0\0", http2.getPackedSettings{enablePush = false})
    end)

    it("the headers object", function()
        local path, abc
        local view = get(function(server)
            server:on("stream", function(stream, headers)
                path, abc = headers[":path"], headers.abc
                stream:respond{
                    [":status"] = "200", ["content-type"] = "text-plain",
                    ABC = {"has", "more", "than", "one", "value"},
                }
                stream:finish()
            end)
        end, {headers = {[":path"] = "/path", ABC = "value"}})
        assert.same({"/path", "value", 200}, {path, abc, view.status})
        assert.equal("has, more, than, one, value", view.headers.abc)
    end)

    it("sensitive headers", function()
        local view = get(function(server)
            server:on("stream", function(stream)
                stream:respond{
                    [":status"] = "200", ["content-type"] = "text-plain",
                    cookie = "some-cookie", ["other-sensitive-header"] = "very secret data",
                    [http2.sensitiveHeaders] = {"cookie", "other-sensitive-header"},
                }
                stream:finish()
            end)
        end)
        local sensitive = view.headers[http2.sensitiveHeaders]
        table.sort(sensitive)
        assert.same({"cookie", "other-sensitive-header"}, sensitive)
    end)

    it("the extended CONNECT protocol", function()
        local protocol
        local code
        local server = loop.track(http2.createServer{settings = {enableConnectProtocol = true}})
        server:on("stream", function(stream, headers)
            protocol = headers[":protocol"]
            stream:respond({}, {endStream = true})
        end)
        server:listen(0, "127.0.0.1", function()
            local client = http2.connect("http://127.0.0.1:" .. server:address().port)
            client:on("remoteSettings", function(settings)
                if settings.enableConnectProtocol then
                    local stream = client:request{[":method"] = "CONNECT", [":protocol"] = "foo"}
                    stream:resume():finish()
                    stream:on("close", function()
                        code = stream.rstCode
                        client:close()
                        server:close()
                    end)
                end
            end)
        end)
        loop.run()
        assert.same({"foo", 0}, {protocol, code})
    end)
end)
