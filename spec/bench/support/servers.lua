--- The servers that are compared: how each is started. A server takes {port, tls, root, folder} and
--- gives its command, and its environment where that matters.
local measure = require("spec.bench.support.measure")
local process = require("spec.support.process")

local servers = {}

local function script(interpreter, path, options, more)
    local argv = {interpreter, path, "port=" .. options.port, "root=" .. options.root}
    if options.tls then
        argv[#argv + 1] = "key=" .. measure.key
        argv[#argv + 1] = "cert=" .. measure.certificate
    end
    for name, value in pairs(more or {}) do
        argv[#argv + 1] = name .. "=" .. value
    end
    return argv
end

local function ours(interpreter, api)
    return function(options)
        local more = {
            api = api, host = options.host, memory = options.memory,
            reuse = options.is_shared and "1" or nil,
        }
        return script(interpreter, "spec/bench/servers/http2.lua", options, more),
            measure.lua_environment(interpreter)
    end
end

local function node(api)
    return function(options)
        return script("node", "spec/bench/servers/node.js", options,
            {api = api, host = options.host, memory = options.memory})
    end
end

local function lua_http(options)
    return script("lua5.1", "spec/bench/servers/lua_http.lua", options)
end

local function nghttpd(options)
    local argv = {"nghttpd", "--address=127.0.0.1", "--htdocs=" .. options.root}
    local rest = options.tls and {options.port, measure.key, measure.certificate}
        or {"--no-tls", options.port}
    return table.move(rest, 1, #rest, #argv + 1, argv)
end

local function absolute(path)
    return path:sub(1, 1) == "/" and path or os.getenv("PWD") .. "/" .. path
end

local h2o_conf = [[
user: root
num-threads: 1
max-connections: 20000
http2-idle-timeout: 3600
error-log: /dev/null
listen:
  host: 127.0.0.1
  port: %d
%s
hosts:
  default:
    paths:
      "/":
        file.dir: %s
]]

local function h2o(options)
    local tls = ("  ssl:\n    key-file: %s\n    certificate-file: %s"):format(
        absolute(measure.key), absolute(measure.certificate))
    local path = options.folder .. "/h2o.conf"
    process.write_file(path, h2o_conf:format(options.port, options.tls and tls or "",
        absolute(options.root)))
    return {"h2o", "-c", path}
end

local nginx_conf = [[
user root;
daemon off;
master_process off;
pid %s/nginx.pid;
error_log /dev/null;
worker_rlimit_nofile 20000;
events { worker_connections 20000; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    server {
        listen 127.0.0.1:%d http2 %s backlog=4096;
        %s
        root %s;
    }
}
]]

local function nginx(options)
    local tls = ("ssl_certificate %s; ssl_certificate_key %s;"):format(
        absolute(measure.certificate), absolute(measure.key))
    local path = options.folder .. "/nginx.conf"
    process.write_file(path, nginx_conf:format(options.folder, options.port,
        options.tls and "ssl" or "", options.tls and tls or "", absolute(options.root)))
    return {"nginx", "-p", options.folder, "-c", path}
end

local commands = {
    ["http2 core"] = ours("lua5.4", "core"),
    ["http2 core, LuaJIT"] = ours("luajit", "core"),
    ["http2 compat"] = ours("lua5.4", "compat"),
    ["http2 compat, LuaJIT"] = ours("luajit", "compat"),
    ["nghttpd"] = nghttpd,
    ["h2o"] = h2o,
    ["nginx"] = nginx,
    ["Node core"] = node("core"),
    ["Node compat"] = node("compat"),
    ["lua-http"] = lua_http,
}

--- All, in the order of the tables.
servers.all = {
    "http2 core", "http2 core, LuaJIT", "http2 compat", "http2 compat, LuaJIT", "nghttpd", "h2o",
    "nginx", "Node core", "Node compat", "lua-http",
}
--- One for each implementation.
servers.each = {
    "http2 core", "http2 core, LuaJIT", "nghttpd", "h2o", "nginx", "Node core", "lua-http",
}
--- Those that read a request's body.
servers.readers = {"http2 core", "http2 core, LuaJIT", "nghttpd", "Node core", "lua-http"}
--- Those that send files.
servers.of_files = {"http2 core", "http2 core, LuaJIT", "nghttpd", "h2o", "nginx", "Node core"}

--- Starts a server. Options: tls; memory, MB that a session may hold; is_shared, for several on one
--- port; port; host; wrap, a function that puts more words before a command. Gives the process with
--- its `port` and `origin`.
function servers.start(name, options)
    options = options or {}
    local folder = process.folder()
    local port = options.port or process.free_port()
    local argv, environment = commands[name]{
        port = port, tls = options.tls, root = measure.root(), folder = folder,
        is_shared = options.is_shared, host = options.host, memory = options.memory,
    }
    argv = options.wrap and options.wrap(argv) or measure.pin("server", argv)
    local started, server = pcall(process.start, argv, {seconds = 3600, env = environment})
    if not started then
        process.remove(folder)
        error(server, 0)
    end
    server.port = port
    server.own_folder = folder
    server.origin = ("%s://127.0.0.1:%d"):format(options.tls and "https" or "http", port)
    return server
end

function servers.stop(server)
    server:stop()
    process.remove(server.own_folder)
end

--- Starts a server for as long as `body(server)` runs; gives what that gives.
function servers.with(name, options, body)
    local server = servers.start(name, options)
    local results = table.pack(pcall(function()
        server:wait_for_port(server.port)
        return body(server)
    end))
    servers.stop(server)
    if not results[1] then
        error(results[2], 0)
    end
    return table.unpack(results, 2, results.n)
end

return servers
