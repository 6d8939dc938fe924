local cert = require("spec.support.cert")
local fetch = require("spec.support.fetch")
local loop = require("spec.support.loop")
local payload = require("spec.support.payload")
local process = require("spec.support.process")

local template = [[
daemon off;
master_process off;
pid FOLDER/pid;
error_log FOLDER/error.log;
events {}
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    fastcgi_temp_path FOLDER/fastcgi;
    proxy_temp_path FOLDER/proxy;
    scgi_temp_path FOLDER/scgi;
    uwsgi_temp_path FOLDER/uwsgi;
    client_max_body_size 20m;
    server {
        listen 127.0.0.1:CLEAR http2;
        listen 127.0.0.1:SECURE ssl http2;
        ssl_certificate CERTIFICATE;
        ssl_certificate_key KEY;
        root FOLDER/root;
        location /upload/ {
            dav_methods PUT;
        }
        location /teapot {
            return 418 "short and stout";
        }
    }
}
]]

describe("#peers a client of nginx", function()
    local server, folder, urls, options

    local function absolute(path)
        return process.run({"realpath", path}).out:gsub("\n", "")
    end

    setup(function()
        folder = process.folder()
        local facts = {
            FOLDER = folder, CERTIFICATE = absolute(cert.path("server.crt")),
            KEY = absolute(cert.path("server.key")),
        }
        process.run({"mkdir", "-p", folder .. "/root/upload"})
        process.write_file(folder .. "/root/small", "hello, world\n")
        process.write_file(folder .. "/root/large", payload.make(10000000))
        -- Where nginx is started by root, its worker is root too: the folder is nobody else's.
        local clear, secure
        server, clear, secure = process.start_on_ports(2, function(...)
            facts.CLEAR, facts.SECURE = ...
            process.write_file(folder .. "/nginx.conf", (template:gsub("%u%u%u+", facts)))
            return {"nginx", "-c", folder .. "/nginx.conf", "-e", folder .. "/error.log"}
        end)
        urls = {http = "http://localhost:" .. clear, https = "https://localhost:" .. secure}
        options = {ca = cert.read("ca.crt")}
    end)

    teardown(function()
        server:stop()
        process.remove(folder)
    end)

    after_each(loop.clean)

    for _, scheme in ipairs{"http", "https"} do
        it("gets files over " .. scheme, function()
            local small = fetch.get(urls[scheme], options, "/small")
            assert.equal(200, small.status, tostring(small.err))
            assert.equal("hello, world\n", small.body)
            assert.equal("13", small.headers["content-length"])
            local large = fetch.get(urls[scheme], options, "/large")
            assert.is_nil(payload.difference(large.body, payload.make(10000000)))
        end)

        it("gets a hundred answers at once over " .. scheme, function()
            local requests = {}
            for index = 1, 100 do
                requests[index] = {headers = {[":path"] = index % 2 == 0 and "/small" or "/none"}}
            end
            for index, result in ipairs(fetch.all(urls[scheme], options, requests)) do
                assert.equal(index % 2 == 0 and 200 or 404, result.status)
            end
        end)

        it("uploads a file over " .. scheme, function()
            local name, body = "/upload/" .. scheme, payload.make(3000000)
            assert.equal(201, fetch.post(urls[scheme], options, name, body, "PUT").status)
            assert.is_nil(payload.difference(fetch.get(urls[scheme], options, name).body, body))
        end)

        it("gets an answer of nginx's own over " .. scheme, function()
            local result = fetch.get(urls[scheme], options, "/teapot")
            assert.equal(418, result.status)
            assert.equal("short and stout", result.body)
        end)
    end
end)
