-- behaviour.md 1, 6, 15 and 18: what is only told over TLS.
local cert = require("spec.support.cert")
local http2 = require("http2")
local net = require("http2.net")
local differential = require("spec.support.differential")

cert.read("server.key") -- so that the files are there

local files = ([[
    const fs = require("fs"), read = name => fs.readFileSync("build/spec-certs/" + name);
]])

-- A secure server that answers "hello".
local function server_with(node, lua)
    return {
        node = files .. ([[
            const server = http2.createSecureServer({
                key: read("server.key"), cert: read("server.crt"), %s});
            server.on("stream", stream => stream.end("hello"));
            t.watch(server, "server", {unknownProtocol: 0});
            server.on("tlsClientError", error => t.log("tlsClientError", error.code));
            t.listen(server);
        ]]):format(node),
        lua = function(t)
            local options = {key = cert.read("server.key"), cert = cert.read("server.crt")}
            for name, value in pairs(lua) do
                options[name] = value
            end
            local server = http2.createSecureServer(options)
            server:on("stream", function(stream) stream:finish("hello") end)
            t:watch(server, "server", {unknownProtocol = 0})
            server:on("tlsClientError", function(err) t:log("tlsClientError", err.code) end)
            t:listen(server)
        end,
    }
end

-- A session to it whose request is noted; `node` and `lua` say more of both.
local function client_with(options, node, lua)
    return {
        node = files .. ([[
            const session = t.session(http2.connect("https://localhost:" + t.port, %s));
            const request = t.read(t.request(session), "request");
            %s
        ]]):format(options.node, node),
        lua = function(t)
            local session = t:session(http2.connect("https://localhost:" .. t.port, options.lua))
            lua(t, session, t:read(t:request(session), "request"))
        end,
    }
end

local trusting = {node = '{ca: read("ca.crt")}', lua = {ca = cert.read("ca.crt")}}

-- A client that only speaks TLS.
local function plain_client(protocols)
    local list = protocols and '["' .. protocols .. '"]' or "undefined"
    return {
        node = files .. ([[
            const socket = require("tls").connect({port: t.port, host: "127.0.0.1",
                servername: "localhost", ca: read("ca.crt"), ALPNProtocols: %s});
            socket.on("error", error => t.log("error"));
            socket.on("secureConnect", () => t.log("secure", socket.alpnProtocol));
            let said = "";
            socket.on("data", data => { said += data; });
            socket.on("end", () => t.log("told", said.split(" ").slice(0, 2).join(" ")));
        ]]):format(list),
        lua = function(t)
            local socket = net.tls.connect{port = t.port, host = "127.0.0.1",
                servername = "localhost", ca = cert.read("ca.crt"),
                ALPNProtocols = protocols and {protocols} or nil}
            socket:on("error", function() t:log("error") end)
            socket:on("secureConnect", function() t:log("secure", socket.alpnProtocol) end)
            local said = ""
            socket:on("data", function(data) said = said .. data end)
            socket:on("end", function() t:log("told", said:match("^%S* %S*") or "") end)
        end,
    }
end

differential.describe("over TLS", function(scenario)
    scenario{
        "a session knows how it is connected, and what else it may ask for",
        server = server_with('origins: ["https://a.example", "https://b.example/path"]',
            {origins = {"https://a.example", "https://b.example/path"}}),
        client = client_with(trusting, [[
            const tell = () => t.log("origins", session.originSet.map(
                origin => origin.replace(/:\d+$/, "")).sort());
            session.on("connect", () => {
                const socket = session.socket;
                t.log("connected", session.encrypted, session.alpnProtocol, socket.authorized,
                    socket.alpnProtocol, socket.servername, socket.encrypted);
            });
            session.on("origin", origins => {
                t.log("told", origins);
                tell();
            });
            t.closeAfter(request, session);
        ]], function(t, session, request)
            local function tell()
                local origins = {}
                for index, origin in ipairs(session.originSet) do
                    origins[index] = origin:gsub(":%d+$", "")
                end
                table.sort(origins)
                t:log("origins", origins)
            end
            session:on("connect", function()
                local socket = session.socket
                t:log("connected", session.encrypted, session.alpnProtocol, socket.authorized,
                    socket.alpnProtocol, socket.servername, socket.encrypted)
            end)
            session:on("origin", function(origins)
                t:log("told", origins)
                tell()
            end)
            t:close_after(request, session)
        end),
        is_sealed = true, by_object = true,
    }

    scenario{
        "a certificate that nobody vouches for ends the session",
        server = server_with("", {}),
        client = client_with({node = "{}", lua = {}}, "", function() end),
        -- Whether the server has a session by then is up to the version of TLS.
        only = "client", is_sealed = true, by_object = true,
    }

    scenario{
        "a client that agrees on no protocol is told so",
        server = server_with("", {}), client = plain_client(),
        is_sealed = true, by_object = true, lasts = 0.05,
    }

    scenario{
        "a client that wants another protocol is refused",
        server = server_with("", {}), client = plain_client("other"),
        is_sealed = true, by_object = true, lasts = 0.05,
    }

    scenario{
        "a session with a server of another protocol ends",
        server = {
            node = files .. [[
                const server = require("tls").createServer({key: read("server.key"),
                    cert: read("server.crt"), ALPNProtocols: ["http/1.1"]});
                server.on("tlsClientError", () => {});
                server.listen(0, "127.0.0.1", () => t.listening(server.address().port));
            ]],
            lua = function(t)
                local server = http2.createSecureServer{key = cert.read("server.key"),
                    cert = cert.read("server.crt"), ALPNCallback = function() end}
                server:listen(0, "127.0.0.1", function() t.port = server:address().port end)
                t.servers[#t.servers + 1] = server
            end,
        },
        client = client_with(trusting, "", function() end),
        only = "client", is_sealed = true, by_object = true,
    }
end)
