-- The compatibility API's server behind other people's reverse proxies: what clients ask nginx and
-- HAProxy for comes from here, over HTTP/1.1 and HTTP/2 with TLS.
local cert = require("spec.support.cert")
local fetch = require("spec.support.fetch")
local loop = require("spec.support.loop")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local requests = 10000

local nginx = [[
daemon off;
master_process off;
pid FOLDER/pid;
error_log FOLDER/error.log;
events {
    worker_connections 512;
}
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    fastcgi_temp_path FOLDER/fastcgi;
    proxy_temp_path FOLDER/proxy;
    scgi_temp_path FOLDER/scgi;
    uwsgi_temp_path FOLDER/uwsgi;
    client_max_body_size 20m;
    upstream behind {
        server 127.0.0.1:BEHIND;
        keepalive 20;
    }
    server {
        listen 127.0.0.1:CLEAR http2;
        listen 127.0.0.1:OLD;
        keepalive_requests 100000;
        location / {
            proxy_pass https://behind;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_ssl_verify on;
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;
            proxy_ssl_trusted_certificate AUTHORITY;
        }
    }
}
]]

local haproxy = [[
global
    maxconn 300
defaults
    mode http
    timeout connect 20s
    timeout client 60s
    timeout server 60s
frontend clear
    bind 127.0.0.1:CLEAR proto h2
    default_backend behind
frontend old
    bind 127.0.0.1:OLD
    # h2load counts no status without a reason, and HTTP/2 has none.
    http-response set-status 200 reason OK if { status 200 }
    default_backend behind
backend behind
    http-reuse always
    server one 127.0.0.1:BEHIND ssl verify required ca-file AUTHORITY sni str(localhost) alpn ALPN
]]

-- Starts a server with these options, and a proxy in front; gives both, and the proxy's ports.
local function start(template, program, facts, options)
    local folder = process.folder()
    local server, port = process.start_server("spec/support/compat_server.lua", options)
    facts.FOLDER, facts.BEHIND = folder, port
    facts.AUTHORITY = process.run({"realpath", cert.path("ca.crt")}).out:gsub("\n", "")
    local proxy, clear, old = process.start_on_ports(2, function(...)
        facts.CLEAR, facts.OLD = ...
        process.write_file(folder .. "/config", (template:gsub("%u%u%u+", facts)))
        local argv = {table.unpack(program)}
        argv[#argv + 1] = folder .. "/config"
        return argv
    end)
    return {
        clear = "http://localhost:" .. clear, old = "http://localhost:" .. old,
        proxy = proxy,
        stop = function()
            proxy:stop()
            server:stop()
            process.remove(folder)
        end,
    }
end

-- Asks so often, over ten connections; fails unless every answer is one of 2xx.
local function load(url, ...)
    local argv = {"h2load", "-n", tostring(requests), "-c", "10", ...}
    argv[#argv + 1] = url
    local result = process.run(argv, {seconds = 240})
    local wanted = ("%d succeeded, 0 failed, 0 errored, 0 timeout"):format(requests)
    assert.truthy(result.out:find(wanted, 1, true), result.out .. result.err)
    assert.truthy(result.out:find(("status codes: %d 2xx"):format(requests), 1, true), result.out)
end

local nginx_program = {"nginx", "-e", "/dev/null", "-c"}
local haproxy_program = {"haproxy", "-db", "-f"}

local setups = {
    {"nginx, over HTTP/1.1,", nginx, nginx_program, {}, version = "1.1"},
    {"HAProxy, over HTTP/1.1,", haproxy, haproxy_program, {ALPN = "http/1.1"}, version = "1.1"},
    {"HAProxy, over HTTP/2,", haproxy, haproxy_program, {ALPN = "h2"}, version = "2.0"},
}

for _, case in ipairs(setups) do
    describe("#peers behind " .. case[1], function()
        local it_stands

        setup(function()
            it_stands = start(case[2], case[3], case[4], {})
        end)

        teardown(function()
            it_stands.stop()
        end)

        after_each(loop.clean)

        it("a server answers in that version", function()
            local result = fetch.get(it_stands.clear, {}, "/x")
            assert.equal(case.version .. " /x", result.body, tostring(result.err))
        end)

        it("a server answers 10,000 requests over HTTP/2, and none fails", function()
            load(it_stands.clear .. "/x", "-m", "10")
        end)

        it("a server answers 10,000 requests over HTTP/1.1, and none fails", function()
            load(it_stands.old .. "/x", "--h1")
        end)

        it("a server takes and gives large bodies", function()
            local body = payload.make(3000000)
            assert.equal("3000000", fetch.post(it_stands.clear, {}, "/length", body).body)
            assert.is_nil(payload.difference(
                fetch.get(it_stands.clear, {}, "/size/3000000", 20).body, body))
        end)
    end)
end

-- What a server ends by itself must not meet a proxy's next request: it tells of its end before. Of
-- idle time it cannot, and HAProxy asks but once over a connection that has just been ended so.
for index, options in ipairs{
    {"maxRequestsPerSocket=7", "keepAliveTimeout=1"}, {"maxRequestsPerSocket=7"},
} do
    local case = setups[index]
    it("#peers behind " .. case[1] .. " a server may end connections as it likes", function()
        local it_stands = start(case[2], case[3], case[4], options)
        finally(it_stands.stop)
        load(it_stands.clear .. "/x", "-m", "10")
        load(it_stands.old .. "/x", "--h1")
    end)
end
