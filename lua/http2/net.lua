-- Sockets and servers by the names of Node's modules `net` and, under `tls`, `tls`.
local core = require("http2_core")

local net = {Socket = core.Socket, tls = {}}

-- net.connect(port[, host][, listener]), (path[, listener]) or (options[, listener])
function net.connect(target, ...)
    local options = type(target) == "table" and target or nil
    return core.Socket(options):connect(target, ...)
end

net.createConnection = net.connect

-- net.createServer([options][, connectionListener])
net.createServer = core.createNetServer

-- net.tls.connect(options[, secureConnectListener]) or (port[, host][, options][, listener])
function net.tls.connect(target, ...)
    local options, listener = {}, nil
    for _, argument in ipairs({target, ...}) do
        if type(argument) == "table" then
            for name, value in pairs(argument) do
                options[name] = value
            end
        elseif type(argument) == "function" then
            listener = argument
        else
            options[type(argument) == "number" and "port" or "host"] = argument
        end
    end
    options.secure = true
    return core.Socket(options):connect(options, listener)
end

-- net.tls.createServer([options][, secureConnectionListener])
function net.tls.createServer(options, listener)
    if type(options) == "function" then
        options, listener = nil, options
    elseif options ~= nil and type(options) ~= "table" then
        core.raise("TypeError", "ERR_INVALID_ARG_TYPE",
            'The "options" argument must be of type table. Received ' .. type(options))
    end
    local all = {tls = options or {}}
    for name, value in pairs(options or {}) do
        all[name] = value
    end
    return core.createNetServer(all, listener)
end

-- net.tls.createSecureContext([options]): for addContext and SNICallback.
net.tls.createSecureContext = core.createSecureContext

return net
